"""Calls about assets: folders and files, what is in them and what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any

from flask import Response, request

from models import ids
from models.catalogue import asset_bytes, asset_tree, asset_view, assets, pictures, tree
from models.catalogue.asset_view import AssetView
from models.catalogue.assets import File
from models.catalogue.changes import ASSETS, Done, Work
from models.catalogue.metadata import Entry
from models.catalogue.projects import lock_project, open_project
from models.catalogue.record_lists import Page
from models.catalogue.rows import AssetNode, Member, find_ids, load_assets, missing
from models.catalogue.singles import apply, check_weight, close, get_id, open_work
from models.db import transaction
from models.errors import BodyTooLarge, ItemDeleted, Unavailable
from models.settings import settings
from web.auth import principal, sign_in
from web.projects.envelope import Answer, Ask, call, project_calls, reply
from web.projects.params import FORM_BYTES, Params, read_form
from web.projects.records import writing

api = project_calls("assets")


def _shown(ask: Ask, asset_ids: Sequence[int]) -> dict[str, dict[str, Any]]:
    return AssetView(ask.project).data(ask.session, asset_ids)


def _gids(ask: Ask, page: Page) -> tuple[list[str], dict[str, dict[str, Any]]]:
    data = _shown(ask, page.ids)
    return list(data["assets"]), data


def _find(ask: Ask, gid: str | None, pathname: str | None) -> int:
    """Return an asset by gid, or by pathname. Raises NotFound."""
    if gid is not None:
        found = find_ids(ask.session, ask.project.id, ASSETS, [gid])
    else:
        found = asset_view.find_pathnames(ask.session, ask.project, [pathname or ""])
    if not found:
        raise missing(ASSETS)
    return next(iter(found.values()))


def _named(ask: Ask) -> int:
    gid = ask.params.find_gid("asset")
    return _find(ask, gid, ask.params.text("pathname") if gid is None else None)


@call(api, "assets/get")
def get_assets(ask: Ask) -> Answer:
    """Read one asset, or those of a list that there are; by gid deleted ones too."""
    params = ask.params
    several = params.find_gids("assets") if params.get("asset") is None else None
    if several is not None:
        ids_of = find_ids(ask.session, ask.project.id, ASSETS, several)
        return _listed(ask, list(ids_of.values()))
    if params.get("asset") is None and params.get("pathname") is None and params.get("pathnames") is not None:
        found = asset_view.find_pathnames(ask.session, ask.project, params.texts("pathnames"))
        return _listed(ask, list(found.values()))
    data = _shown(ask, [_named(ask)])
    return Answer({"asset": next(iter(data["assets"]))}, data)


def _listed(ask: Ask, asset_ids: list[int]) -> Answer:
    data = _shown(ask, asset_ids)
    return Answer({"assets": sorted(data["assets"], key=lambda gid: _place(data["assets"][gid]))}, data)


def _place(asset: dict[str, Any]) -> list[str]:
    return str(asset["pathname"]).lower().split("/")


@call(api, "assets/root")
def get_root(ask: Ask) -> Answer:
    """Read the root folder."""
    data = _shown(ask, [asset_view.root_id(ask.session, ask.project)])
    return Answer({"root": next(iter(data["assets"]))}, data)


@call(api, "assets/children")
def list_children(ask: Ask) -> Answer:
    """List what is in a folder, folders first, then by name."""
    page = asset_view.children(ask.session, ask.project, _named(ask), ask.params.page(100))
    gids, data = _gids(ask, page)
    return Answer({"children": gids, "children.size": page.total}, data)


@call(api, "assets/tree")
def list_tree(ask: Ask) -> Answer:
    """List the tree as far as it is unfolded."""
    expanded = ask.params.find_gids("expanded_assets")
    if expanded is not None:
        known = find_ids(ask.session, ask.project.id, ASSETS, expanded)
    else:
        known = asset_view.find_pathnames(ask.session, ask.project, ask.params.texts("expanded_paths"))
    page = asset_view.tree(ask.session, ask.project, list(known.values()), ask.params.page(100))
    gids, data = _gids(ask, page)
    return Answer({"tree": gids, "tree.size": page.total}, data)


@call(api, "assets/worksheet")
def get_worksheet(ask: Ask) -> Answer:
    """Read an asset with its path, the root first, and a page of what is in it."""
    asset_id = _find(ask, ask.params.gid("asset"), None)
    path = asset_view.path(ask.session, asset_id)
    page = asset_view.children(ask.session, ask.project, asset_id, ask.params.page(20))
    gids, data = _gids(ask, Page([*path, *page.ids], page.total))
    above, below = gids[: len(path)], gids[len(path) :]
    return Answer({"asset": above[-1], "path": above, "children": below, "children.size": page.total}, data)


def _node(work: Work, gid: str) -> AssetNode:
    return load_assets(work, [get_id(work, ASSETS, gid)]).popitem()[1]


def _live(work: Work, gid: str) -> AssetNode:
    node = _node(work, gid)
    if node.deleted:
        raise ItemDeleted("The asset is deleted.")
    return node


def _changed(work: Work, done: Done, parent: AssetNode | None = None) -> Answer:
    close(work, ASSETS, done)
    wanted = [done.item_id or 0, *([parent.id] if parent else [])]
    result = {"asset": done.made or done.gid} | ({"parent": parent.gid} if parent else {})
    return Answer(result, AssetView(work.project).data(work.session, wanted))


@call(api, "assets/create")
def create_folder(ask: Ask) -> Answer:
    """Make a folder."""
    work = writing(ask)
    parent = assets.folder(_node(work, ask.params.gid("parent")))
    return _changed(work, assets.create(work, parent, str(ids.new_token()), ask.params.find_text("name")), parent)


@call(api, "assets/update")
def update_asset(ask: Ask) -> Answer:
    """Change an asset's name, title, description, transforms or metadata."""
    work = writing(ask)
    return _changed(work, assets.update(work, _live(work, ask.params.gid("asset")), ask.params))


@call(api, "assets/metadata/set")
def set_metadata(ask: Ask) -> Answer:
    """Set one entry of an asset's metadata."""
    work = writing(ask)
    params = ask.params
    localized = params.flag("is_localized") if params.get("is_localized") is not None else None
    entry = Entry(params.text("name"), params.find_text("type"), localized, params.get("value"), "value" in params)
    return _changed(work, assets.set_metadata(work, _live(work, params.gid("asset")), entry))


@call(api, "assets/metadata/clear")
def clear_metadata(ask: Ask) -> Answer:
    """Remove one entry of an asset's metadata."""
    work = writing(ask)
    return _changed(work, assets.clear_metadata(work, _live(work, ask.params.gid("asset")), ask.params.text("name")))


@call(api, "assets/move")
def move_asset(ask: Ask) -> Answer:
    """Put an asset into another folder, with all that is in it."""
    work = writing(ask)
    parent = assets.folder(_node(work, ask.params.gid("parent")))
    asset_id = get_id(work, ASSETS, ask.params.gid("asset"))
    check_weight(work, ASSETS, asset_id, tree.ANY)
    return _changed(work, asset_tree.move(work, [asset_id], parent)[0], parent)


def _apply(ask: Ask, decide: Any, state: str) -> Answer:
    work = writing(ask)
    done = apply(work, ASSETS, ask.params.gid("asset"), decide, state)
    return Answer({"asset": done.gid}, AssetView(work.project).data(work.session, [done.item_id or 0]))


def _delete(work: Work, members: Sequence[Member]) -> list[Done]:
    return tree.delete(work, ASSETS, members)


@call(api, "assets/delete")
def delete_asset(ask: Ask) -> Answer:
    """Delete an asset softly, with all that is in it."""
    return _apply(ask, _delete, tree.LIVE)


@call(api, "assets/undelete")
def undelete_asset(ask: Ask) -> Answer:
    """Take a deletion back, with all that went along."""
    return _apply(ask, asset_tree.undelete, tree.GONE)


@call(api, "assets/permanent_delete")
def permanent_delete_asset(ask: Ask) -> Answer:
    """Remove a deleted asset for good, with all that is in it."""
    work = writing(ask)
    node = _node(work, ask.params.gid("asset"))
    check_weight(work, ASSETS, node.id, tree.ANY)
    parent_id = node.parent_id or node.id
    close(work, ASSETS, asset_tree.permanent_delete(work, [node.id])[0])
    data = AssetView(work.project).data(work.session, [parent_id])
    return Answer({"parent": next(iter(data["assets"]))}, data)


@api.post("/assets/upload")
def upload_asset(project: str) -> Response:
    """Put a file into a folder."""
    gid = str(ids.new_token())

    def store(work: Work, params: Params, file: File) -> Answer:
        parent = assets.folder(_node(work, params.gid("parent")))
        return _changed(work, assets.upload(work, parent, gid, file), parent)

    return _upload(project, gid, store)


@api.post("/assets/upload_update")
def upload_update_asset(project: str) -> Response:
    """Put other bytes in the place of a file's."""

    def store(work: Work, params: Params, file: File) -> Answer:
        return _changed(work, assets.upload_update(work, _live(work, params.gid("asset")), file))

    return _upload(project, str(ids.new_token()), store)


def _upload(project: str, name: str, store: Any) -> Response:
    """Store the bytes before anything is locked, then the row that names them; without a row the bytes go again."""
    sign_in()
    request.max_content_length = settings().asset_bytes + FORM_BYTES
    params = read_form()
    with transaction() as session:
        known = open_project(session, principal(), project)
        known.check_writable()
    key = f"{known.gid}/{name}"
    with closing(params.file()):  # a large one is a file on disk meanwhile
        file = _received(params, key)
    try:
        with transaction() as session:
            work = open_work(session, lock_project(session, open_project(session, principal(), project)))
            answer = store(work, params, file)
    except BaseException:
        with suppress(Unavailable):  # what is left there then is named by nothing
            asset_bytes.remove([key])
        raise
    return reply(answer)


def _received(params: Params, key: str) -> File:
    """Keep the bytes of an upload, and return what there is to know of them."""
    upload = params.file()
    size = upload.stream.seek(0, 2)
    limit = settings().asset_bytes
    if size > limit:
        raise BodyTooLarge(f"A file has at most {limit} bytes.", limit=limit, actual=size)
    name = assets.file_name(upload.filename)
    info = pictures.inspect(upload.stream, size, settings().image_pixels)
    upload.stream.seek(0)
    asset_bytes.put(key, upload.stream)
    return File(name, {**info, "format": info["format"] or assets.extension_of(name) or None, "key": key})
