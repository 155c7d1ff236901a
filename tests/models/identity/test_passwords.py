"""Passwords and their digests."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from manage.cli import accounts
from models.identity.accounts import parse_accounts
from models.identity.passwords import digest_password, matches


def test_a_password_matches_its_digest_and_no_other() -> None:
    digest = digest_password("pässword")
    assert matches("pässword", digest)
    assert not matches("password", digest)
    assert not matches("", digest)
    assert digest_password("pässword") != digest


@pytest.mark.parametrize("digest", [None, "", "pässword", "scrypt$1$AAAA$AAAA", "scrypt$16384$$"])
def test_without_a_digest_nothing_matches(digest: str | None) -> None:
    assert not matches("pässword", digest)
    assert not matches("", digest)


def test_the_command_shows_what_an_accounts_file_takes() -> None:
    shown = CliRunner().invoke(accounts, ["digest"], input="sesame\nsesame\n")
    digest = shown.output.splitlines()[-1]
    assert matches("sesame", digest)
    assert parse_accounts({"users": [{"name": "ann", "password_digest": digest}]}).users[0].password_digest == digest
