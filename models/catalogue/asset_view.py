"""Assets as clients read them, and the lists that they stand in: folders first, then by name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from models.catalogue.project import Project
from models.catalogue.record_lists import Page
from models.db import Session, driver

ROWS = """
SELECT a.id, a.gid::text, a.parent_id, a.name, a.is_file, a.type, a.status, a.version, a.body, a.created_on, a.updated_on,
    (SELECT count(*) FROM assets k WHERE k.parent_id = a.id AND k.status = 'published' AND k.is_file),
    (SELECT count(*) FROM assets k WHERE k.parent_id = a.id AND k.status = 'published' AND NOT k.is_file)
FROM assets a WHERE a.id = ANY(%s) AND a.project_id = %s
"""
PATHS = """
WITH RECURSIVE up (start, level, name, parent_id) AS (
    SELECT id, 0, name, parent_id FROM assets WHERE id = ANY(%s)
    UNION ALL SELECT up.start, up.level + 1, p.name, p.parent_id FROM up JOIN assets p ON p.id = up.parent_id
) SELECT start, array_agg(name ORDER BY level DESC) FROM up GROUP BY start
"""
CHILDREN = """
SELECT id, count(*) OVER () FROM assets WHERE project_id = %(project)s AND parent_id = %(parent)s AND status = 'published'
ORDER BY is_file, lower(name), name, id OFFSET %(top)s LIMIT %(size)s
"""
COUNT = "SELECT count(*) FROM assets WHERE project_id = %(project)s AND parent_id = %(parent)s AND status = 'published'"
TREE = """
WITH RECURSIVE seen (id, place) AS (
    SELECT id, ARRAY[]::text[] FROM assets WHERE project_id = %(project)s AND parent_id IS NULL
    UNION ALL
    SELECT a.id, seen.place || ARRAY[a.is_file::int::text, lower(a.name), a.name, a.id::text]
    FROM seen JOIN assets a ON a.parent_id = seen.id AND a.status = 'published' AND seen.id = ANY(%(expanded)s)
), counted AS (SELECT count(*) AS total FROM seen)
SELECT seen.id, counted.total FROM seen, counted ORDER BY place
OFFSET (SELECT least(%(top)s, greatest(total - %(size)s, 0)) FROM counted) LIMIT %(size)s
"""
STEP = """
SELECT w.parent_id, w.name, a.id FROM unnest(%s::bigint[], %s::text[]) AS w (parent_id, name)
JOIN assets a ON a.parent_id = w.parent_id AND a.name = w.name AND a.status = 'published'
"""
PATH = """
WITH RECURSIVE up (id, parent_id, level) AS (
    SELECT id, parent_id, 0 FROM assets WHERE id = %s
    UNION ALL SELECT p.id, p.parent_id, level + 1 FROM up JOIN assets p ON p.id = up.parent_id
) SELECT id FROM up ORDER BY level DESC
"""
KEPT = ("key",)  # members of an asset's info that are ours alone


class AssetView:
    """Shows assets of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def dump(self, session: Session, asset_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
        """Return assets by id, in the order of the ids; what is no asset of the project is left out."""
        wanted = list(dict.fromkeys(asset_ids))
        if not wanted:
            return {}
        rows = {row[0]: row for row in driver(session).execute(ROWS, (wanted, self.project.id)).fetchall()}
        parents = list({row[2] for row in rows.values() if row[2] is not None})
        paths = dict(driver(session).execute(PATHS, (parents,)).fetchall()) if parents else {}
        return {asset_id: _asset(rows[asset_id], paths) for asset_id in wanted if asset_id in rows}

    def data(self, session: Session, asset_ids: Iterable[int]) -> dict[str, dict[str, Any]]:
        """Return the `data` of an answer."""
        return {"assets": {asset["gid"]: asset for asset in self.dump(session, asset_ids).values()}}


def _asset(row: tuple[Any, ...], paths: Mapping[int, Sequence[str]]) -> dict[str, Any]:
    body, files, folders = row[8], row[11], row[12]
    path = "/".join(paths[row[2]]) or "/" if row[2] is not None else ""
    info = {name: value for name, value in (body.get("info") or {}).items() if name not in KEPT}
    return {
        "gid": row[1], "pathname": f"{path.rstrip('/')}/{row[3]}", "path": path, "name": row[3], "is_file": row[4],
        "type": row[5], "childcount": files + folders, "status": row[6],
        "info": info if row[4] else {"filecount": files, "foldercount": folders},
        "transforms": body.get("transforms"), "title": body.get("title") or {}, "description": body.get("description") or {},
        "metadata": body.get("metadata") or {}, "version": row[7],
        "created_on": row[9].timestamp(), "updated_on": row[10].timestamp(),
    }  # fmt: skip


def root_id(session: Session, project: Project) -> int:
    """Return the root folder of a project."""
    row = driver(session).execute("SELECT id FROM assets WHERE project_id = %s AND parent_id IS NULL", (project.id,)).fetchone()
    if row is None:
        raise LookupError("a project has a root folder from the start")
    return int(row[0])


def children(session: Session, project: Project, parent_id: int, page: tuple[int, int]) -> Page:
    """Return a page, (top, size), of what is in a folder."""
    values = {"project": project.id, "parent": parent_id, "top": page[0], "size": page[1]}
    rows = driver(session).execute(CHILDREN, values).fetchall()
    if rows or not page[0]:
        return Page([row[0] for row in rows], rows[0][1] if rows else 0)
    counted = driver(session).execute(COUNT, values).fetchone()
    return Page([], counted[0] if counted else 0)


def tree(session: Session, project: Project, expanded: Collection[int], page: tuple[int, int]) -> Page:
    """Return a page, (top, size), of the tree with what is in expanded folders only; the last page is kept full."""
    values = {"project": project.id, "expanded": list(expanded), "top": page[0], "size": page[1]}
    rows = driver(session).execute(TREE, values).fetchall()
    return Page([row[0] for row in rows], rows[0][1] if rows else 0)


def find_pathnames(session: Session, project: Project, pathnames: Iterable[str]) -> dict[str, int]:
    """Return the ids of live assets by pathname; `/` is the root. One query for each level of folders."""
    root = root_id(session, project)
    left = {pathname: [part for part in pathname.split("/") if part] for pathname in pathnames if pathname.startswith("/")}
    at = dict.fromkeys(left, root)
    for level in range(max(map(len, left.values()), default=0)):
        going = {pathname: (at[pathname], parts[level]) for pathname, parts in left.items() if level < len(parts)}
        pairs = list(set(going.values()))
        rows = driver(session).execute(STEP, ([pair[0] for pair in pairs], [pair[1] for pair in pairs])).fetchall()
        known = {(parent_id, name): asset_id for parent_id, name, asset_id in rows}
        at |= {pathname: known[pair] for pathname, pair in going.items() if pair in known}
        left = {pathname: parts for pathname, parts in left.items() if pathname not in going or going[pathname] in known}
    return {pathname: at[pathname] for pathname in left}


def path(session: Session, asset_id: int) -> list[int]:
    """Return an asset's path, the root first."""
    return [row[0] for row in driver(session).execute(PATH, (asset_id,)).fetchall()]
