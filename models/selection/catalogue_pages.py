"""One page of a search by its rank, for looking rather than for going through: nothing is stored between pages."""

from __future__ import annotations

import sqlalchemy as sa

from models.catalogue.project import Project
from models.catalogue.tables import assets
from models.db import Session
from models.errors import InvalidValue
from models.selection.catalogue_search import LIVE
from models.selection.grammar import Search
from models.selection.spaces import Space

MOST_HITS = 1_000_000
GLANCED = 1_000  # hits that a glance gathers
COMPLETED = ("name", "ext", "path")


def page(
    session: Session, space: Space, search: Search, within: tuple[int, int], most: int = MOST_HITS
) -> tuple[list[int], int, bool]:
    """Return the ids from place `top` on, at most `size`, the number of hits, and whether these are all; `within` is (top, size).

    No more than `most` hits are gathered; which of more than that is not said.
    """
    top, size = within
    hits = space.hits(search, sorted(space.look_up(session, search.exclude).values()), most).cte("hits")
    total = sa.select(sa.func.count()).select_from(hits).scalar_subquery()
    shown = sa.select(hits.c.record_id).order_by(hits.c.place).offset(top).limit(size).subquery()
    counted = sa.select(total.label("total")).subquery()
    rows = session.execute(sa.select(counted.c.total, shown.c.record_id).select_from(counted.outerjoin(shown, sa.true()))).all()
    shown_ids = [row.record_id for row in rows if row.record_id is not None]
    return shown_ids, min(int(rows[0].total), most), rows[0].total <= most


FOLDERS = """
WITH RECURSIVE folders (id, path) AS (
    SELECT id, '' FROM assets WHERE project_id = :project AND parent_id IS NULL
    UNION ALL SELECT a.id, folders.path || '/' || a.name FROM folders JOIN assets a ON a.parent_id = folders.id
    WHERE a.status = 'published' AND NOT a.is_file
)
SELECT path FROM folders WHERE path <> '' AND lower(path) LIKE :like ORDER BY lower(path), path LIMIT :size
"""


def complete(session: Session, project: Project, field: str, begun: tuple[str, int]) -> list[str]:
    """Return how names, extensions or paths of a project's assets go on that begin with a text; `begun` is (text, how many).

    A path is one of a folder. Raises InvalidValue for another field.
    """
    text, size = begun
    if field not in COMPLETED:
        raise InvalidValue(f"`field` is one of {', '.join(COMPLETED)}.", pointer="/field")
    like = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    if field == "path":
        rows = session.execute(sa.text(FOLDERS), {"project": project.id, "like": like, "size": size})
        return [row.path for row in rows]
    column = assets.c.name if field == "name" else assets.c.type
    wanted = (assets.c.project_id == project.id, assets.c.status == LIVE, assets.c.is_file)
    found = sa.select(column.label("word")).where(*wanted, sa.func.lower(column).like(like)).distinct().subquery()
    order = (sa.func.lower(found.c.word), found.c.word)
    return list(session.scalars(sa.select(found.c.word).order_by(*order).limit(size)))
