"""A well-used installation, quickly: a few things are made by the product itself, and the database multiplies their rows.

What comes out is what the product would have stored, but for numbers: the same evidence with other variants and ids, jobs with
their outcomes, a catalogue whose records hang fifty below each. Indexes are made at the end, as is quicker.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import uuid4

import psycopg

from bench import documents
from bench.stand import Stand

USER = "bench"
PROJECT = "5d1b0c57-0000-4000-8000-00000000b001"
TEMPLATES = 1_000  # records that the product makes
THINGS = 40  # records of the project that the product makes
OUTCOMES = 100  # of each job
CHILDREN = 50  # of a record of the project that has some
EDITIONS = 12  # versions of one record
LARGE = 20_000  # operations of one job, of which every fourth fails
TITLES = ("amber", "basalt", "cedar", "dune", "ember", "fjord", "garnet", "heath", "iris", "juniper")
DISABLED = "https://hooks.example.org/waybill"


@dataclass(frozen=True)
class Filled:
    """What a look at the pages needs to know of the installation."""

    records: int
    jobs: int
    large: str  # token of a large job with failed items
    record: str  # id of a record with many versions
    versions: tuple[float, float]  # two of these
    thing: str  # gid of a record of the project
    webhook: str


def fill(product: Stand, records: int, jobs: int) -> Filled:
    """Fill an empty product."""
    for first in range(0, TEMPLATES, 500):
        product.post(documents.lines(documents.brief(number) for number in range(first, first + 500)))
    thing = _things(product)
    with psycopg.connect(product.database(), autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute("SET synchronous_commit = off")
        with _unindexed(connection, "records", "words"):
            connection.execute(RECORDS, {"copies": records // TEMPLATES - 1})
            connection.execute(SNAPSHOTS)
        connection.execute(VERSIONS)
        _jobs(connection, jobs)
        webhook = _webhook(connection)
        with _unindexed(connection, "catalogue_records", "catalogue_words"):
            connection.execute(CATALOGUE, {"records": records, "children": CHILDREN})
            connection.execute(CATALOGUE_WORDS)
        for table in TABLES:
            connection.execute(f"VACUUM ANALYZE {table}")
    large = product.post(documents.lines(_mixed(number) for number in range(LARGE)))
    return Filled(records, jobs, large["token"], *_edited(product), thing, webhook)


TABLES = (
    "records", "snapshots", "words", "versions", "jobs", "outcomes", "chunks", "deliveries",
    "catalogue_records", "catalogue_words",
)  # fmt: skip
# Of one record in ten others see an older version.
SNAPSHOTS = """
INSERT INTO snapshots (record_id, level, version, published_on, evidence, variant, significance, lab_id)
SELECT id, 4, version - 1, published_on, evidence, variant, significance, lab_id FROM records WHERE id % 10 = 0 AND live_level < 4
ON CONFLICT DO NOTHING
"""
# Four labs or so have each variant.
RECORDS = r"""
INSERT INTO records (lab_id, lab_record_id, owner_id, share_level, live_level, widest_level, withdrawn, version,
    published_version, created_on, updated_on, published_on, source_id, evidence, variant, significance)
SELECT lab_id, 'F' || lpad(copy::text, 5, '0') || lab_record_id, owner_id, share_level, live_level, widest_level, withdrawn,
    version, published_version, created_on, updated_on, published_on, source_id,
    jsonb_set(evidence, '{c_hgvs,value}',
        to_jsonb(regexp_replace(evidence->'c_hgvs'->>'value', '[0-9]+[.]2(.*)c[.][0-9]+', place))),
    regexp_replace(variant, '[0-9]+[.]2(.*)c[.][0-9]+', place), significance
FROM (
    SELECT *, row_number() OVER (ORDER BY id) %% 255 AS kin FROM (SELECT * FROM records ORDER BY id LIMIT 1000) made
) template CROSS JOIN generate_series(1, %(copies)s) AS copy CROSS JOIN LATERAL (
    SELECT lpad(kin::text, 6, '0') || '.2\1c.' || copy AS place
) named
"""
VERSIONS = """
INSERT INTO versions (record_id, version, job_id, user_id, source, level, published_on, before, after)
SELECT r.id, r.version, first.job_id, first.user_id, first.source, first.level, first.published_on, NULL, r.evidence
FROM records r CROSS JOIN LATERAL (SELECT * FROM versions ORDER BY record_id LIMIT 1) first
WHERE NOT EXISTS (SELECT FROM versions v WHERE v.record_id = r.id)
"""
JOBS = """
INSERT INTO jobs (token, tenant, submitter_id, name, queue, status, outcome, tags, total, succeeded, failed, chunks_total,
    chunks_done, created_on, updated_on, started_on, finished_on)
SELECT gen_random_uuid(), u.tenant, u.id, (ARRAY['bulk_classifications', 'bulk_publish_classifications', 'undo'])[1 + n %% 3],
    'bulk', 'done', CASE WHEN n %% 7 = 0 THEN 'partial' ELSE 'succeeded' END,
    CASE WHEN n %% 5 = 0 THEN ARRAY['weekly'] ELSE '{}' END, %(items)s, %(items)s - f.failed, f.failed, 1, 1,
    m.at, m.at + interval '9 seconds', m.at + interval '1 second', m.at + interval '9 seconds'
FROM generate_series(1, %(jobs)s) AS n, users u, LATERAL (SELECT CASE WHEN n %% 7 = 0 THEN 10 ELSE 0 END AS failed) f,
    LATERAL (SELECT now() - interval '23 hours' * (%(jobs)s - n) / %(jobs)s - interval '10 seconds' AS at) m
WHERE u.username = %(user)s ORDER BY n
"""
CHUNKS = """
INSERT INTO chunks (job_id, no, lane, size, indexes, payload, status, attempts, fence, next_item)
SELECT id, 0, 0, total, '{}', '', 'done', 1, 1, total FROM jobs j
WHERE NOT EXISTS (SELECT FROM chunks c WHERE c.job_id = j.id)
"""
FILLED_OUTCOMES = """
INSERT INTO outcomes (job_id, index, status, record_id, code, pointer, detail, version)
SELECT j.id, index, CASE WHEN index < j.failed THEN 'failed' ELSE 'succeeded' END, r.least + index + j.id,
    CASE WHEN index < j.failed THEN 'unknown_lab' END, CASE WHEN index < j.failed THEN '/id' END,
    CASE WHEN index < j.failed THEN 'There is no such lab.' END, 1
FROM jobs j, LATERAL generate_series(0, j.total - 1) AS index, (SELECT min(id) AS least FROM records) r
WHERE NOT EXISTS (SELECT FROM outcomes o WHERE o.job_id = j.id)
"""
# It is disabled: nothing is to be sent from here.
WEBHOOK = """
INSERT INTO webhooks (id, user_id, url, events, secret, status, reason, disabled_on, sequence)
SELECT gen_random_uuid(), id, %(url)s, '{job.done}', '', 'disabled', 'unreachable', now(), 0 FROM users WHERE username = %(user)s
RETURNING id::text
"""
DELIVERIES = """
INSERT INTO deliveries (webhook_id, sequence, job_id, token, event, body, status, attempts, created_on)
SELECT %(webhook)s::uuid, row_number() OVER (ORDER BY id), id, token, 'job.done', '{}',
    CASE WHEN id %% 9 = 0 THEN 'failed' ELSE 'delivered' END, 2, finished_on FROM jobs WHERE status = 'done'
"""
ATTEMPTS = """
INSERT INTO delivery_attempts (delivery_id, no, started_on, milliseconds, status)
SELECT id, no, created_on, 120, 500 FROM deliveries, generate_series(1, 2) AS no
"""
CATALOGUE = """
INSERT INTO catalogue_records (gid, project_id, parent_id, definition_id, channels, positions, content)
SELECT gen_random_uuid(), t.project_id, CASE WHEN n <= %(children)s THEN t.parent_id ELSE t.most + n / %(children)s END,
    t.definition_id, t.channels, t.positions, t.content
FROM generate_series(1, %(records)s) AS n JOIN (
    SELECT r.*, row_number() OVER (ORDER BY id) - 1 AS no, count(*) OVER () AS known, max(id) OVER () AS most
    FROM catalogue_records r WHERE parent_id IS NOT NULL
) t ON t.no = n %% t.known ORDER BY n
"""
CATALOGUE_WORDS = """
INSERT INTO catalogue_words (record_id, words)
SELECT r.id, known.words || array_to_tsvector(ARRAY['*:n' || r.id / 20]) FROM catalogue_records r JOIN LATERAL (
    SELECT w.words FROM catalogue_records t JOIN catalogue_words w ON w.record_id = t.id WHERE t.content = r.content LIMIT 1
) known ON true WHERE NOT EXISTS (SELECT FROM catalogue_words w WHERE w.record_id = r.id)
"""


@contextmanager
def _unindexed(connection: psycopg.Connection[Any], *tables: str) -> Iterator[None]:
    """Fill tables without their indexes but for keys, and make these at the end."""
    found = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexdef NOT LIKE 'CREATE UNIQUE%%'",
        (list(tables),),
    ).fetchall()
    for name, _ in found:
        connection.execute(f"DROP INDEX {name}")
    yield
    for _, definition in found:
        connection.execute(definition)


def _jobs(connection: psycopg.Connection[Any], jobs: int) -> None:
    connection.execute(JOBS, {"jobs": jobs, "items": OUTCOMES, "user": USER})
    connection.execute(CHUNKS)
    connection.execute(FILLED_OUTCOMES)


def _webhook(connection: psycopg.Connection[Any]) -> str:
    row = connection.execute(WEBHOOK, {"url": DISABLED, "user": USER}).fetchone()
    assert row
    connection.execute(DELIVERIES, {"webhook": row[0]})
    connection.execute(ATTEMPTS)
    return str(row[0])


def _mixed(number: int) -> dict[str, Any]:
    """Return an operation of the large job: every fourth names a lab that is not there."""
    made = documents.brief(2_000_000 + number)
    return made | {"id": f"nowhere/lab_{number % 7}/{number}"} if number % 4 == 0 else made


def _edited(product: Stand) -> tuple[str, tuple[float, float]]:
    """Change one record again and again; return its id and two of its versions."""
    for edition in range(EDITIONS):
        product.post(documents.lines(iter([documents.patch(7, edition)])))
    name = documents.name(7)
    found = product.session.get(f"{product.url}/classification/api/classifications/v2/record/{name}/versions", timeout=30).json()
    versions = [float(one["version"]) for one in found["versions"]]
    return name, (versions[-1], versions[0])


def _things(product: Stand) -> str:
    """Make a project with some records by the product; return the gid of one."""
    _import(product, {"projects": [{"gid": PROJECT, "name": "Things", "languages": ["en", "nl"],
                                    "members": [{"user": USER, "roles": ["owner"]}]}]})  # fmt: skip

    def call(rule: str, **params: Any) -> dict[str, Any]:
        answer = product.session.post(f"{product.url}/api/p/{PROJECT}/{rule}", json=params, timeout=30).json()
        if not answer["success"]:
            raise RuntimeError(f"{rule}: {answer}")
        return dict(answer["result"])

    root = call("records/root")["root"]
    gid = ""
    for number in range(THINGS):
        gid = str(call("records/create", parent=root)["record"])
        title = f"{TITLES[number % len(TITLES)]} {TITLES[number // len(TITLES)]} thing{number}"
        call("records/update", record=gid, fields={"en": {"title": title}, "nl": {"title": title}})
    return gid


def _import(product: Stand, document: dict[str, Any]) -> None:
    file = product.home / f"accounts-{uuid4().hex}.json"
    whole: dict[str, Any] = {"organisations": [], "labs": [], "users": [], "projects": [], **document}
    file.write_text(json.dumps(whole))
    command: list[LiteralString | str] = [sys.executable, "-m", "waybill.cli", "accounts", "import", str(file)]
    subprocess.run(command, env={**os.environ, "WAYBILL_HOME": str(product.home)}, check=True)
