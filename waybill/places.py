"""The places of the world as a catalogue: its schema, made through the public API, and its records, sent in one body."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from waybill import flows
from waybill.client import Client
from waybill.jobs import Job
from waybill.pieces import Piece
from waybill.wire import NDJSON, Request, keyed, post

FILE = "catalogue.ndjson.gz"
FIELDS: Mapping[str, tuple[str, ...]] = {
    "textline": (
        "cldr_territory", "cca2", "cca3", "ccn3", "demonym", "flag", "geonames_admin1", "iso_3166_2", "feature_code", "country",
    ),
    "textlist": ("capital", "currencies", "languages", "tld", "borders"),
    "decimal": ("area_km2", "latitude", "longitude"),
    "number": ("geonames_id", "population"),
    "boolean": ("landlocked", "un_member", "independent"),
    "localized": ("official_name",),
}  # fmt: skip
DEFINITIONS: Mapping[str, tuple[str, ...]] = {  # those further down come first, as others name them
    "city": ("geonames_id", "population", "latitude", "longitude", "feature_code", "country"),
    "subdivision": ("geonames_admin1", "iso_3166_2"),
    "country": (
        "official_name", "cca2", "cca3", "ccn3", "capital", "area_km2", "landlocked", "un_member", "independent", "currencies",
        "languages", "tld", "latitude", "longitude", "demonym", "flag", "borders",
    ),
    "subregion": ("cldr_territory",),
    "region": ("cldr_territory",),
    "world": ("cldr_territory",),
}  # fmt: skip
BELOW: Mapping[str, tuple[str, ...]] = {
    "world": ("region",),
    "region": ("subregion",),
    "subregion": ("country",),
    "country": ("subdivision", "city"),
    "subdivision": ("city",),
}
LABELS = {"cldr_territory": "CLDR territory", "area_km2": "Area", "tld": "Internet domains", "un_member": "Member of the UN"}
UNITS = {"area_km2": "km²", "latitude": "°", "longitude": "°"}


class Catalogue:
    """One project, as somebody who may change its schema."""

    def __init__(self, client: Client, project: str) -> None:
        self.client = client
        self.base = f"/api/p/{project}/"
        data = self.call("init")["data"]
        self.definitions, self.fields = data["definitions"], data["fields"]

    def call(self, path: str, **given: Any) -> dict[str, Any]:
        """Make a call; return what it answers. Raises Problem."""
        found: dict[str, Any] = self.client.run(flows.value(post(self.base + path, given), self.client.patience))
        return found

    def make_schema(self) -> int:
        """Make the fields and definitions that are not there yet; return how many."""
        known = {"fields": _by_name(self.fields.values()), "definitions": _by_name(self.definitions.values())}
        before = sum(map(len, known.values()))
        title = next(item for item in self.definitions.values() if item["is_base"])["titlefield"]
        for kind, names in FIELDS.items():
            for name in names:
                self._make("field", known["fields"], name, **_described(kind, name))
        for name, names in DEFINITIONS.items():
            below = [known["definitions"][child] for child in BELOW.get(name, ())]
            listed = [title, *(known["fields"][field] for field in names)]
            self._make("definition", known["definitions"], name, fields=listed, titlefield=title, childdefinitions=below)
        return sum(map(len, known.values())) - before

    def _make(self, kind: str, known: dict[str, str], name: str, **given: Any) -> None:
        if name not in known:
            label = {"en": LABELS.get(name) or name.replace("_", " ").capitalize()}
            gid = self.call(f"{kind}s/create", name=name, label=label, **given)["result"][kind]
            known[name] = self.call(f"{kind}s/commit", **{kind: gid})["result"][kind]

    def load(self, file: Path) -> Job:
        """Send records, parents first, as one job."""
        headers = {"Content-Type": NDJSON, "Content-Encoding": "gzip", **keyed(str(uuid.uuid4()))}
        with file.open("rb") as body:
            request = Request("POST", f"{self.base}records/bulk/create", headers=headers, body=body)
            answer = self.client.run(flows.value(request, self.client.patience))
        return Job(self.client, Piece(self.client.job(answer["result"]["job.token"]).token))


def _by_name(items: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {item["name"]: item["gid"] for item in items if not item["is_new"] and not item["is_working_copy"]}


def _described(kind: str, name: str) -> dict[str, Any]:
    unit = {"unit": UNITS[name]} if name in UNITS else {}
    return {"type": "textline" if kind == "localized" else kind, "is_localized": kind == "localized", **unit}
