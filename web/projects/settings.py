"""A project's channels, orderings, fieldlists and languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models import ids
from models.catalogue.languages import add_language, remove_language
from models.catalogue.members import dump_project
from models.catalogue.project_settings import ALL_CHANNEL, Part, with_entry, with_name, without
from models.catalogue.projects import save_settings
from models.errors import InvalidState
from web.projects.envelope import Answer, Ask, call, project_calls

api = project_calls("settings")

PARTS: Mapping[Part, str] = {"channels": "channel", "orderings": "ordering", "fieldlists": "fieldlist"}


def _serve(part: Part, one: str) -> None:
    """Serve `<part>/create`, `update` and `delete`."""

    @call(api, f"{part}/create")
    def create(ask: Ask) -> Answer:
        name, key = ask.params.text("name"), str(ids.new_token())
        ask = ask.writing()
        return _save(ask, with_entry(ask.project.settings, part, key, name), {one: key})

    @call(api, f"{part}/update")
    def update(ask: Ask) -> Answer:
        key, name = _own(ask.params.key(one)), ask.params.text("name")
        ask = ask.writing()
        return _save(ask, with_name(ask.project.settings, part, key, name), {one: key})

    @call(api, f"{part}/delete")
    def delete(ask: Ask) -> Answer:
        single = ask.params.get(one) is not None
        keys = [_own(key) for key in ([ask.params.key(one)] if single else ask.params.texts(part))]
        ask = ask.writing()
        return _save(ask, without(ask.project.settings, part, keys), {one: keys[0]} if single else {part: keys})


def _own(key: str) -> str:
    if key == ALL_CHANNEL:
        raise InvalidState("The channel of all records stays as it is.")
    return key


@call(api, "languages/add")
def add(ask: Ask) -> Answer:
    """Add a language, the last one."""
    language = ask.params.text("language")
    ask = ask.writing()
    return _save(ask, ask.project.settings, {"language": language}, add_language(ask.project.languages, language))


@call(api, "languages/remove")
def remove(ask: Ask) -> Answer:
    """Remove a language; what is written in it comes back if the language does."""
    language = ask.params.text("language")
    ask = ask.writing()
    return _save(ask, ask.project.settings, {"language": language}, remove_language(ask.project.languages, language))


def _save(ask: Ask, settings: Mapping[str, Any], result: Mapping[str, Any], languages: Sequence[str] = ()) -> Answer:
    project = save_settings(ask.session, ask.project, settings, languages or ask.project.languages)
    gid = str(project.gid)
    return Answer({**result, "project": gid}, {"cc.projects": {gid: dump_project(ask.session, project)}})


for part, one in PARTS.items():
    _serve(part, one)
