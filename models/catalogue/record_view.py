"""Records as clients read them: a page of them in two queries, however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from models.catalogue.content import Forms
from models.catalogue.project import Project
from models.catalogue.project_settings import ALL_CHANNEL
from models.catalogue.schema_items import Schema
from models.catalogue.schema_view import dump_around
from models.db import Session, driver

ROWS = """
SELECT r.id, r.gid::text, r.parent_id, coalesce(c.gid, r.gid)::text, r.canonical_id IS NOT NULL, r.status, r.channels,
    r.positions, coalesce(c.definition_id, r.definition_id), coalesce(c.content, r.content)::text, r.created_on, r.updated_on,
    (SELECT count(*) FROM catalogue_records k WHERE k.parent_id = r.id AND k.status = 'published'),
    ARRAY(SELECT l.gid::text FROM catalogue_records l WHERE l.canonical_id = r.id AND l.status = 'published' ORDER BY l.id)
FROM catalogue_records r LEFT JOIN catalogue_records c ON c.id = r.canonical_id
WHERE r.id = ANY(%s) AND r.project_id = %s
"""
PATHS = """
WITH RECURSIVE up (start, level, gid, parent_id) AS (
    SELECT id, 0, gid, parent_id FROM catalogue_records WHERE id = ANY(%s)
    UNION ALL SELECT up.start, up.level + 1, p.gid, p.parent_id FROM up JOIN catalogue_records p ON p.id = up.parent_id
) SELECT start, array_agg(gid::text ORDER BY level) FROM up GROUP BY start
"""


class RecordView:
    """Shows records of a project in some of its languages."""

    def __init__(self, project: Project, schema: Schema, languages: Sequence[str] | None = None) -> None:
        self.project = project
        self.schema = schema
        self.languages = tuple(languages if languages is not None else project.languages)
        self.forms = Forms(schema, project.id)

    def dump(self, session: Session, record_ids: Iterable[int], *, fields: bool = True) -> dict[int, dict[str, Any]]:
        """Return records by id, in the order of the ids; what is no record of the project is left out."""
        wanted = list(dict.fromkeys(record_ids))
        if not wanted:
            return {}
        rows = {row[0]: row for row in driver(session).execute(ROWS, (wanted, self.project.id)).fetchall()}
        parents = list({row[2] for row in rows.values() if row[2] is not None})
        paths = dict(driver(session).execute(PATHS, (parents,)).fetchall()) if parents else {}
        return {record_id: self._record(rows[record_id], paths, fields) for record_id in wanted if record_id in rows}

    def _channels(self, keys: Iterable[str]) -> list[str]:
        """Return the channels of a record; the key of a channel that the project has no more stays behind, unseen."""
        return [ALL_CHANNEL, *(key for key in keys if key in self.project.channels)]

    def _record(self, row: tuple[Any, ...], paths: Mapping[int, list[str]], fields: bool) -> dict[str, Any]:
        form = self.forms.by_id(row[8])
        content = msgspec.json.decode(row[9])
        above = paths.get(row[2], [])
        shown = {
            "gid": row[1], "parent": above[0] if above else None, "canonical": row[3], "is_link": row[4], "backlinks": row[13],
            "treelevel": len(above), "path": [row[1], *above], "childcount": row[12], "definition": form.definition.gid,
            "title": form.title(content, self.languages), "status": row[5], "channels": self._channels(row[6]),
            "orderings": {key: row[7].get(key, 0) for key in self.project.orderings},
            "created_on": row[10].timestamp(), "updated_on": row[11].timestamp(),
        }  # fmt: skip
        if fields:
            shown["fields"] = form.show(content, self.languages)
        return shown

    def around(self, records: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """Return the extended definitions of records with all that they consist of: a client may not have them yet."""
        gids = dict.fromkeys(record["definition"] for record in records)
        extended = [self.schema.by_gid[gid] for gid in gids if self.schema.by_gid[gid].is_extended]
        return dump_around(self.project, self.schema, extended)

    def data(self, session: Session, record_ids: Iterable[int], *, fields: bool = True) -> dict[str, dict[str, Any]]:
        """Return the `data` of an answer: records by gid, and what a client needs to read them."""
        records = self.dump(session, record_ids, fields=fields)
        return {"records": {record["gid"]: record for record in records.values()}, **self.around(records.values())}
