"""Which server, with which key: what wins, and that a key stays with the server it is for."""

from __future__ import annotations

import stat

import pytest

from waybill import ConfigError, config


def test_what_is_given_wins_over_the_environment_and_that_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert config.resolve().url == config.LOCAL
    config.save("default", "http://file/", "file key")
    assert (config.resolve().url, config.resolve().key) == ("http://file", "file key")
    monkeypatch.setenv("WAYBILL_URL", "http://around")
    monkeypatch.setenv("WAYBILL_KEY", "key around")
    assert (config.resolve().url, config.resolve().key) == ("http://around", "key around")
    assert config.resolve("http://given", "given").key == "given"


def test_the_files_key_goes_to_the_files_server_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    config.save("default", "http://file", "file key")
    assert config.resolve("http://file/").key == "file key"
    assert config.resolve("http://other").key is None
    monkeypatch.setenv("WAYBILL_URL", "http://other")
    assert config.resolve().key is None


def test_a_profile_by_name_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    config.save("default", "http://one", "1")
    config.save("second", "http://two", 'quotes " and \\ and é')
    monkeypatch.setenv("WAYBILL_URL", "http://around")
    monkeypatch.setenv("WAYBILL_KEY", "key around")
    found = config.resolve(profile="second")
    assert (found.url, found.key) == ("http://two", 'quotes " and \\ and é')
    with pytest.raises(ConfigError, match="default, second"):
        config.resolve(profile="third")


def test_the_file_is_its_owners_alone_and_no_key_is_in_a_repr() -> None:
    place = config.save("default", "http://file", "a secret")
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert not config.exposed()
    place.chmod(0o644)
    assert config.exposed()
    assert "a secret" not in repr(config.resolve())
    config.save("default", "http://file", "another")
    assert not config.exposed()


@pytest.mark.parametrize("text", ["[[", "default = ", "\udcff"])
def test_a_file_that_cannot_be_read_is_said_so(text: str) -> None:
    config.path().parent.mkdir(parents=True)
    config.path().write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=r"config\.toml"):
        config.resolve()


@pytest.mark.parametrize("url", ["waybill.example.org", "ftp://x", "http://"])
def test_an_address_is_checked(url: str) -> None:
    with pytest.raises(ConfigError):
        config.resolve(url)
