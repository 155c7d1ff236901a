"""The registry of export formats: one module each, found by name. Adding a module is adding a format."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from models.errors import InvalidValue
from models.exports.format import Format

__all__ = ["Format", "get", "registry"]


@lru_cache(maxsize=1)
def registry() -> dict[str, Format]:
    """Return all formats by name."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    formats = [module.FORMAT for module in modules if hasattr(module, "FORMAT")]
    return {found.name: found for found in formats}


def get(name: str) -> Format:
    """Return a format. Raises InvalidValue."""
    try:
        return registry()[name]
    except KeyError:
        raise InvalidValue(f"There is no format {name[:50]!a}; known are {', '.join(sorted(registry()))}.") from None
