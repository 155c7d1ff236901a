"""A call's parameters: one JSON object, or the fields of a form. Taken out of it is what the contract says, or a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any, cast

from flask import request
from werkzeug.datastructures import FileStorage
from werkzeug.http import parse_options_header

from models.catalogue.gids import read_gid
from models.catalogue.projects import Project
from models.errors import Empty, InvalidPageSize, InvalidRequest, InvalidType, InvalidValue, UnsupportedMediaType, pointer_to
from models.settings import settings
from models.strictness import decode_strict
from web.unpack import JSON, Expectation, is_line_based, read_capped, spool, unpacker

FORM = "multipart/form-data"
FORM_BYTES = 100_000  # of the fields beside the file
MISSING = object()
MOST = 2**31 - 1
SHOWN = 60


class Params(Mapping[str, Any]):
    """The parameters by name. `find_x` gives None where there is none, or null; the others raise InvalidRequest then.

    A value of another type raises InvalidType, one outside its bounds InvalidValue. Parameters that nobody reads are ignored.
    """

    def __init__(self, values: Mapping[str, Any], upload: FileStorage | None = None) -> None:
        self._values = values
        self.upload = upload

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def required(self, name: str) -> Any:
        """Return a value that is there and not null."""
        value = self._values.get(name)
        if value is None:
            raise InvalidRequest(f"`{name}` is missing.", pointer=pointer_to(name))
        return value

    def gid(self, name: str) -> str:
        """Return a gid."""
        return _as_gid(self.required(name), name)

    def find_gid(self, name: str) -> str | None:
        """Return a gid, or None."""
        return None if self._values.get(name) is None else self.gid(name)

    def gids(self, name: str) -> list[str]:
        """Return a list of gids."""
        values = self.listing(name)
        return [_as_gid(value, name, at) for at, value in enumerate(values)]

    def find_gids(self, name: str) -> list[str] | None:
        """Return a list of gids, or None."""
        return None if self._values.get(name) is None else self.gids(name)

    def one_or_more(self, one: str, more: str) -> tuple[bool, list[str]]:
        """Return whether a single one was asked for, and the gids. With both given, the single one counts."""
        if self._values.get(one) is not None:
            return True, [self.gid(one)]
        if self._values.get(more) is not None:
            return False, self.gids(more)
        raise InvalidRequest(f"`{one}` or `{more}` is missing.", pointer=pointer_to(one))

    def text(self, name: str) -> str:
        """Return a text."""
        return cast(str, _typed(self.required(name), str, name, "a text"))

    def find_text(self, name: str) -> str | None:
        """Return a text, or None."""
        return None if self._values.get(name) is None else self.text(name)

    def texts(self, name: str) -> list[str]:
        """Return a list of texts."""
        values = self.listing(name)
        return [cast(str, _typed(value, str, pointer_to(name, at), "a text")) for at, value in enumerate(values)]

    def find_texts(self, name: str) -> list[str] | None:
        """Return a list of texts, or None."""
        return None if self._values.get(name) is None else self.texts(name)

    def key(self, name: str) -> str:
        """Return the key of a channel, ordering or fieldlist: a gid, or `__all__`."""
        return self.text(name)

    def flag(self, name: str, default: bool | None = None) -> bool:
        """Return true or false; the default where there is none."""
        value = self._values.get(name)
        if value is None and default is not None:
            return default
        return cast(bool, _typed(self.required(name), bool, name, "true or false"))

    def whole(self, name: str, default: int, least: int = 0, most: int = MOST) -> int:
        """Return a whole number within bounds, or the default. Form fields may give it as digits."""
        value = self._values.get(name)
        if value is None:
            return default
        if type(value) is not int:
            raise InvalidType(f"`{name}` is a whole number.", pointer=pointer_to(name))
        if not least <= value <= most:
            refusal = InvalidPageSize if name == "page.size" else InvalidValue
            raise refusal(f"`{name}` is from {least} to {most}.", pointer=pointer_to(name), limit=most)
        return value

    def page(self, default: int, most: int | None = None) -> tuple[int, int]:
        """Return (top, size) of a page."""
        most = max(default, settings().limits.page_size) if most is None else most
        return self.whole("page.top", 0), self.whole("page.size", default, 1, most)

    def listing(self, name: str) -> list[Any]:
        """Return a list."""
        return cast(list[Any], _typed(self.required(name), list, name, "a list"))

    def mapping(self, name: str) -> Mapping[str, Any]:
        """Return an object."""
        return cast(Mapping[str, Any], _typed(self.required(name), dict, name, "an object"))

    def find_mapping(self, name: str) -> Mapping[str, Any] | None:
        """Return an object, or None."""
        return None if self._values.get(name) is None else self.mapping(name)

    def language(self, name: str, project: Project) -> str:
        """Return a language of the project."""
        return _known_language(self.text(name), project, name)

    def languages(self, project: Project) -> tuple[str, ...]:
        """Return the languages of `language` and `languages` together, all of the project's where neither is given."""
        one, more = self.find_text("language"), self.find_texts("languages")
        wanted = {_known_language(one, project, "language")} if one is not None else set()
        wanted |= {_known_language(text, project, "languages") for text in more or ()}
        if one is None and more is None:
            return project.languages
        return tuple(language for language in project.languages if language in wanted)

    def file(self) -> FileStorage:
        """Return the uploaded file."""
        if self.upload is None:
            raise Empty("The file part `upload_file` is missing.", pointer="/upload_file")
        return self.upload


def _typed(value: Any, kind: type, name: str, said: str) -> Any:
    if type(value) is not kind:
        pointer = name if name.startswith("/") else pointer_to(name)
        raise InvalidType(f"`{name}` is {said}.", pointer=pointer)
    return value


def _as_gid(value: Any, *place: str | int) -> str:
    if not isinstance(value, str):
        raise InvalidType("A gid is a text.", pointer=pointer_to(*place))
    gid = read_gid(value)
    if gid is None:
        raise InvalidValue(f"{value[:SHOWN]!r} is no gid.", pointer=pointer_to(*place))
    return gid


def _known_language(language: str, project: Project, name: str) -> str:
    if language not in project.languages:
        raise InvalidValue("This is no language of the project.", pointer=pointer_to(name))
    return language


def read_params() -> Params:
    """Read the parameters of this request. No body, and a GET, stand for an empty object.

    Raises UnsupportedMediaType, BodyTooLarge, InvalidRequest, and what `decode_strict` raises.
    """
    if request.method == "GET" or _bodiless():
        return Params({})
    value = decode_strict(_body(), settings().limits)
    if not isinstance(value, dict):
        raise InvalidRequest("Send the parameters as one JSON object.")
    return Params(value)


def _bodiless() -> bool:
    return not request.content_length and "Transfer-Encoding" not in request.headers


def _body() -> bytes:
    headers = request.headers
    if is_line_based(headers.get("Content-Type")):
        raise UnsupportedMediaType(f"Send {JSON}.", accepted=[JSON])
    limit = settings().limits.item_bytes
    pieces = read_capped(cast(Any, request.stream), Expectation(request.content_length, limit))
    held = BytesIO()
    spool(unpacker(headers.get("Content-Encoding"))(pieces), held, limit)
    return held.getvalue()


def read_form() -> Params:
    """Read the fields and the file of a form. Raises UnsupportedMediaType; the framework refuses what is too large."""
    kind, _ = parse_options_header(request.headers.get("Content-Type"))
    if kind.lower() != FORM:
        raise UnsupportedMediaType(f"Send {FORM}.", accepted=[FORM])
    request.max_form_memory_size = FORM_BYTES
    return Params(request.form.to_dict(), request.files.get("upload_file"))
