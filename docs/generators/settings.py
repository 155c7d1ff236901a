"""Settings: name, kind and default from what `load()` asks the environment for, the meaning from the comment of its field."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from docs.generators.markdown import code, heading, table
from models import settings as module

FOR_TESTS = "for tests: "
KINDS = {"int": "whole number", "float": "number", "str": "text", "bool": "`true` or `false`", "list": "numbers with commas"}
LIMITS = "Limits"
UNITS = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"))
SHOWN = 60


@dataclass(frozen=True)
class Setting:
    """One variable of the environment, without its `WAYBILL_`."""

    name: str
    kind: str
    default: str
    meaning: str
    group: str

    @property
    def for_tests(self) -> bool:
        """Say whether nobody but a test should set it."""
        return self.meaning.startswith(FOR_TESTS)


def read() -> list[Setting]:
    """Return every setting, in the order of the code."""
    text = Path(module.__file__).read_text(encoding="utf-8")
    tree = ast.parse(text)
    meanings = _comments(tree, text)
    asked = _asked()
    return [
        Setting(name, *asked[name], meanings.get((group, field), ""), group)
        for group, field, name in sorted(_fields(tree), key=lambda found: found[0] != LIMITS)
    ]


def _asked() -> dict[str, tuple[str, str]]:
    """Return the kind and default of each name that the environment is asked for."""
    found: dict[str, tuple[str, str]] = {}

    def asking(kind: str) -> object:
        def ask(name: str, default: object, **_: object) -> object:
            found[name] = (KINDS[kind], _spell(default))
            return default

        return ask

    fake = SimpleNamespace(**{kind: asking(kind) for kind in KINDS})
    with mock.patch.object(module, "Env", return_value=fake):
        module.load()
    return found


def _spell(default: object) -> str:
    if isinstance(default, list):
        return ",".join(f"{value:g}" for value in default)
    return str(default)


def _comments(tree: ast.Module, text: str) -> dict[tuple[str, str], str]:
    """Return the comment beside each field, by its class and name."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines = {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
    return {
        (group.name, field.target.id): lines[field.lineno]
        for group in tree.body
        if isinstance(group, ast.ClassDef)
        for field in group.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and field.lineno in lines
    }


def _fields(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """Give class, field and variable wherever an object of settings is made."""
    local = {
        node.targets[0].id: name
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and (name := _variable(node.value, {}))
    }
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in (LIMITS, "Settings"):
            for keyword in call.keywords:
                name = _variable(keyword.value, local)
                if keyword.arg and name:
                    yield call.func.id, keyword.arg, name


def _variable(value: ast.expr, local: dict[str, str]) -> str | None:
    """Return the variable that a value is made of, the first where it is made of several."""
    if isinstance(value, ast.Name):
        return local.get(value.id)
    asked = [
        node
        for node in ast.walk(value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in KINDS and node.args
    ]
    first = min(asked, key=lambda node: (node.lineno, node.col_offset), default=None)
    name = first.args[0] if first else None
    return str(name.value) if isinstance(name, ast.Constant) else None


def pages() -> Iterator[str]:
    """Give the tables."""
    found = read()
    groups = (
        ("The installation", [one for one in found if one.group != LIMITS and not one.for_tests]),
        ("What one client may send", [one for one in found if one.group == LIMITS]),
        ("For tests only", [one for one in found if one.for_tests]),
    )
    for title, members in groups:
        yield from heading(title)
        yield from table(("name", "kind", "default", "what it is"), map(_row, members))


def _row(one: Setting) -> tuple[str, str, str, str]:
    return _named(one.name), one.kind, _default(one.default), one.meaning.removeprefix(FOR_TESTS)


def _named(name: str) -> str:
    return f"[`WAYBILL_{name}`]{{#setting-{name.lower().replace('_', '-')}}}"


def _default(text: str) -> str:
    if len(text) > SHOWN:
        return code(f"{text[:SHOWN].rpartition(',')[0]},…")
    size = int(text) if text.isdecimal() else 0
    unit = next(((size // factor, word) for factor, word in UNITS if size and size % factor == 0), None)
    return f"{code(text)} ({unit[0]:,} {unit[1]})" if unit and unit[0] > 0 else code(text)
