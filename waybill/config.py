"""Where the server is and with which key: from arguments, the environment, and a file with profiles.

    # ~/.config/waybill/config.toml, written by `waybill login`
    default = "lab"

    [profiles.lab]
    url = "https://waybill.example.org"
    key = "..."

What is given wins over the environment, and that over the file.
"""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from waybill.errors import ConfigError

DEFAULT = "default"
LOCAL = "http://127.0.0.1:8080"
NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Profile:
    """A server and a key. `source` says where each is from."""

    url: str
    key: str | None
    source: Mapping[str, str]

    def __repr__(self) -> str:
        """Say which server, never the key."""
        return f"Profile({self.url!r})"


def path() -> Path:
    """Return where the file is: WAYBILL_CONFIG, else below the user's folder for settings."""
    named = os.environ.get("WAYBILL_CONFIG")
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Path(named) if named else folder / "waybill" / "config.toml"


def state_folder() -> Path:
    """Return where the command keeps what it has begun."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "waybill"


def resolve(url: str | None = None, key: str | None = None, profile: str | None = None) -> Profile:
    """Return the server and key to use; what is given wins over the environment, and that over the file. Raises ConfigError.

    A key from the environment or the file is never sent to another server than it was kept for: a `url` that is given takes the
    file's key only where the file names the same server.
    """
    named = profile or os.environ.get("WAYBILL_PROFILE")
    kept = _profile(named)
    asked_for = bool(profile and not url)  # a profile that is asked for by name wins over the environment
    around = None if asked_for else os.environ.get("WAYBILL_URL")
    places = (("given", url), ("WAYBILL_URL", around), (str(path()), kept.get("url")), ("default", LOCAL))
    url_from, found = next((source, text) for source, text in places if text)
    address = _checked(found)
    key_from, secret = _key(key, kept, address, named_profile=asked_for)
    return Profile(address, secret, {"url": url_from, "key": key_from})


def _key(given: str | None, kept: Mapping[str, str], address: str, *, named_profile: bool) -> tuple[str, str | None]:
    if given:
        return "given", given
    if not named_profile and (secret := os.environ.get("WAYBILL_KEY")):
        return "WAYBILL_KEY", secret
    if kept.get("key") and _checked(kept.get("url", LOCAL)) == address:
        return str(path()), kept["key"]
    return "nowhere", None


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{url!r} is no address of a server; it is such as https://waybill.example.org")
    return url.rstrip("/")


def _profile(name: str | None) -> Mapping[str, str]:
    document = read()
    chosen = name or document.get("default", DEFAULT)
    profiles = document.get("profiles", {})
    if name and name not in profiles:
        known = ", ".join(sorted(profiles)) or "none"
        raise ConfigError(f"there is no profile {name!r} in {path()} (there: {known}); `waybill login --profile {name}` makes it")
    found: Mapping[str, str] = profiles.get(chosen, {})
    return found


def read() -> dict[str, Any]:
    """Return the file's content, empty where there is none. Raises ConfigError."""
    try:
        return tomllib.loads(path().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path()} cannot be read: {error}") from None


def save(name: str, url: str, key: str) -> Path:
    """Keep a profile in the file, readable by its owner alone; the first one is the default. Raises ConfigError."""
    if not NAME.fullmatch(name):
        raise ConfigError(f"a profile's name has letters, digits, - and _ alone, unlike {name!r}")
    document = read()
    profiles = {**document.get("profiles", {}), name: {"url": url, "key": key}}
    lines = [f"default = {_quoted(document.get('default', name))}"]
    for title, profile in profiles.items():
        lines += ["", f"[profiles.{title}]", *(f"{member} = {_quoted(str(text))}" for member, text in profile.items())]
    write_private(path(), "\n".join(lines) + "\n")
    return path()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=True)  # a TOML basic string has the same escapes


def write_private(place: Path, text: str) -> None:
    """Write a file whole or not at all, for its owner alone."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def exposed() -> bool:
    """Say whether others on this machine can read the file."""
    try:
        return bool(path().stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except FileNotFoundError:
        return False
