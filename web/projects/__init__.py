"""Face 2, the project API: each module has a blueprint `api` with the calls of one kind of thing."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from flask import Blueprint


def blueprints() -> list[Blueprint]:
    """Return the blueprints of all modules here."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    return [module.api for module in modules if hasattr(module, "api")]
