"""Goals about trees, as `python -m bench --only trees` measures them, small: a job over a search, and over one root, undone."""

from __future__ import annotations

import pytest
import requests

from bench import documents, trees
from bench.face import Face
from models.catalogue.importing import import_accounts
from models.db import driver, transaction
from models.settings import settings
from tests.processes import Parts

RECORDS = 1_000
MOST_BELOW = 800
PARTS_ENVIRONMENT = {"WAYBILL_CHUNK_ITEMS": "100", "WAYBILL_MAX_SUBTREE": str(MOST_BELOW)}


@pytest.fixture(scope="module")
def face(parts: Parts) -> Face:
    with transaction() as session:
        import_accounts(session, {**documents.accounts(), "projects": [trees.project("bench")]})
    owner = requests.Session()
    owner.headers["Authorization"] = "Bearer bench-key-of-the-loader"
    made = Face(parts.url, owner, trees.PROJECT)
    trees.plant(made, RECORDS)
    return made


def live() -> int:
    with transaction() as session:
        row = driver(session).execute("SELECT count(*) FROM catalogue_records WHERE status = 'published'").fetchone()
        return int(row[0]) if row else 0


@pytest.mark.timeout(240)
def test_x06_a_job_over_overlapping_subtrees_comes_back_to_the_same_digest(face: Face) -> None:
    before = live()
    done = trees.round_trip(face, settings().database_url, "records/bulk/delete", selection=trees.search("+chosen"))
    assert done.job["total"] > RECORDS / trees.CHOSEN / 2
    assert done.job["succeeded"] + done.job["noop"] == done.job["total"]
    assert done.job["noop"] > 0, "subtrees overlap"
    assert done.undone["succeeded"] == done.undone["total"] == done.job["succeeded"]
    assert done.rows > done.job["total"]
    assert live() == before


@pytest.mark.timeout(240)
def test_x06_more_below_one_root_than_may_change_at_once_is_refused_and_goes_by_its_children(face: Face) -> None:
    before = trees.digest(settings().database_url)
    token = face.call("records/bulk/delete", selection=[trees.gid(0)])["job.token"]
    with pytest.raises(RuntimeError, match="not all succeeded"):
        face.end(token)
    (row,) = face.call("jobs/results", job=token)["results"]
    assert (row["error"]["code"], row["status"]) == ("subtree_too_large", "failed")
    assert trees.digest(settings().database_url) == before
    done = trees.round_trip(face, settings().database_url, "records/bulk/delete", selection=[{"children": trees.gid(0)}])
    assert (done.job["succeeded"], done.rows > MOST_BELOW) == (trees.BRANCHES, True)
