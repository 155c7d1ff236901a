"""docker-compose.yml says what the product can do: valid, made of real commands and real settings, secrets asked for."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from manage.cli import commands
from models import settings

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
PARTS = ("migrate", "web", "worker", "dispatcher")
SETTING = re.compile(r"(?:env|source)\.\w+\(\s*\"(\w+)\"")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def test_the_file_is_valid() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_one_of_our_commands(compose: dict[str, Any], name: str) -> None:
    assert compose["services"][name]["command"] == [name]
    assert name in commands.commands


@pytest.mark.parametrize("name", PARTS)
def test_a_part_can_be_stopped_cleanly_and_may_do_nothing_else(compose: dict[str, Any], name: str) -> None:
    part = compose["services"][name]

    assert part["stop_grace_period"] == "30s"
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges:true"]


def test_every_setting_that_is_passed_is_one_that_is_read(compose: dict[str, Any]) -> None:
    known = {f"WAYBILL_{name}" for name in SETTING.findall(Path(settings.__file__).read_text(encoding="utf-8"))}
    passed = {name for part in PARTS for name in compose["services"][part]["environment"]}

    assert passed <= known


def test_no_secret_has_a_default() -> None:
    text = FILE.read_text(encoding="utf-8")
    names = set(re.findall(r"\$\{(\w*(?:PASSWORD|SECRET)\w*)", text))

    assert names == {"POSTGRES_PASSWORD", "VALKEY_PASSWORD", "WAYBILL_SECRET_KEY"}
    assert not re.findall(r"\$\{\w*(?:PASSWORD|SECRET)\w*(?!\w|:\?)", text)


def test_only_the_web_is_reached_from_outside(compose: dict[str, Any]) -> None:
    services = compose["services"]

    assert [name for name, service in services.items() if "ports" in service] == ["web"]
    assert services["web"]["ports"][0].startswith("${WAYBILL_BIND:-127.0.0.1}")
    assert {name for name, service in services.items() if "outside" in service["networks"]} == {"web", "dispatcher"}
    assert compose["networks"]["inside"]["internal"] is True


def test_several_workers_and_nothing_before_the_schema(compose: dict[str, Any]) -> None:
    services = compose["services"]

    assert services["worker"]["deploy"]["replicas"] >= 2
    for name in ("web", "worker", "dispatcher"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_what_must_last_is_on_a_volume_and_is_watched(compose: dict[str, Any]) -> None:
    for name in ("database", "broker"):
        service = compose["services"][name]
        assert service["volumes"][0].partition(":")[0] in compose["volumes"]
        assert service["healthcheck"]


def test_the_image_starts_parts_without_a_shell_between() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()

    assert 'ENTRYPOINT ["waybill"]' in lines
    assert "USER waybill" in lines
