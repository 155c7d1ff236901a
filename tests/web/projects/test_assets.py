"""Assets through the wire: folders and files, their bytes, and images made of images."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image

from models.catalogue import asset_bytes
from models.db import driver, transaction
from models.settings import settings
from tests.web.projects.conftest import Member, refusal
from worker import housekeeping

ASSET = {
    "gid", "pathname", "path", "name", "is_file", "type", "childcount", "status", "info", "transforms", "title", "description",
    "metadata", "version", "created_on", "updated_on",
}  # fmt: skip


def picture(width: int = 40, height: int = 20, kind: str = "PNG") -> bytes:
    held = BytesIO()
    Image.new("RGB", (width, height), "#336699").save(held, kind, dpi=(72, 72))
    return held.getvalue()


class Shelf:
    """A client with shorthands for files and folders."""

    def __init__(self, member: Member, work_all: Callable[[], None]) -> None:
        self.member = member
        self.work_all = work_all
        self.root = member.call("assets/root")["root"]

    def call(self, path: str, **body: Any) -> dict[str, Any]:
        return self.member.call(path, **body)

    def folder(self, name: str | None = None, parent: str | None = None) -> str:
        gid: str = self.call("assets/create", parent=parent or self.root, name=name)["asset"]
        return gid

    def send(self, path: str, data: bytes, name: str, **fields: str) -> Any:
        return self.member.client.post(
            f"/api/p/{self.member.project}/{path}", data={**fields, "upload_file": (BytesIO(data), name)},
            headers={"Authorization": f"Bearer {self.member.key}"},
        )  # fmt: skip

    def file(self, name: str = "one.png", parent: str | None = None, data: bytes | None = None) -> str:
        response = self.send("assets/upload", picture() if data is None else data, name, parent=parent or self.root)
        assert response.status_code == 200, response.text
        gid: str = response.json["result"]["asset"]
        return gid

    def get(self, gid: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("assets/get", asset=gid)["data"]["assets"][gid]
        return found

    def dam(self, path: str) -> Any:
        return self.member.client.get(
            f"/dam/p/{self.member.project}/{path}", headers={"Authorization": f"Bearer {self.member.key}"}
        )

    def run(self, name: str, selection: list[Any], **params: Any) -> tuple[str, list[str]]:
        token: str = self.call(f"assets/bulk/{name}", selection=selection, **params)["job.token"]
        self.work_all()
        headers = {"Authorization": f"Bearer {self.member.key}"}
        rows = self.member.client.get(f"/api/jobs/{token}/results?page.size=1000", headers=headers).json["results"]
        return token, [row["error"]["code"] if row["status"] == "failed" else row["status"] for row in rows]


@pytest.fixture
def shelf(editor: Member, work_all: Callable[[], None]) -> Shelf:
    return Shelf(editor, work_all)


def test_an_asset_has_every_key(shelf: Shelf) -> None:
    products = shelf.folder("products")
    gid = shelf.file("Photo.PNG", products)
    asset = shelf.get(gid)
    assert set(asset) == ASSET
    assert (asset["pathname"], asset["path"], asset["type"], asset["version"]) == ("/products/Photo.PNG", "/products", "png", 1)
    info = asset["info"]
    assert (info["format"], info["width"], info["height"], info["filesize"]) == ("png", 40, 20, len(picture()))
    assert "key" not in info
    assert shelf.get(products)["info"] == {"filecount": 1, "foldercount": 0}
    root = shelf.get(shelf.root)
    assert (root["pathname"], root["name"], root["childcount"]) == ("/", "", 1)


def test_assets_are_found_by_pathname(shelf: Shelf) -> None:
    inner = shelf.folder("inner", shelf.folder("outer"))
    gid = shelf.file("a.txt", inner, b"text")
    assert shelf.call("assets/get", pathname="/outer/inner/a.txt")["asset"] == gid
    found = shelf.call("assets/get", pathnames=["/outer/inner/a.txt", "/outer/none", "/", "/outer/inner"])["assets"]
    assert found == [shelf.root, inner, gid]
    assert shelf.member.refused("assets/get", pathname="/nothing") == (422, "not_found")


def test_folders_come_first_then_names(shelf: Shelf) -> None:
    b, a = shelf.file("b.png"), shelf.file("A.png")
    z = shelf.folder("z")
    inner = shelf.folder("inner", z)
    assert shelf.call("assets/children", asset=shelf.root)["children"] == [z, a, b]
    assert shelf.call("assets/tree", expanded_paths=["/", "/z"])["tree"] == [shelf.root, z, inner, a, b]
    last = shelf.call("assets/tree", expanded_assets=[shelf.root], **{"page.top": 3, "page.size": 2})
    assert (last["tree"], last["tree.size"]) == ([a, b], 4)
    sheet = shelf.call("assets/worksheet", asset=z)
    assert (sheet["path"], sheet["children"], sheet["children.size"]) == ([shelf.root, z], [inner], 1)


def test_names_are_free_or_made_so(shelf: Shelf) -> None:
    assert [shelf.get(shelf.folder())["name"] for _ in range(2)] == ["New folder", "New folder (2)"]
    assert [shelf.get(shelf.file("a.png"))["name"] for _ in range(2)] == ["a.png", "a (2).png"]
    assert shelf.member.refused("assets/create", parent=shelf.root, name="a.png") == (422, "name_taken")
    assert shelf.member.refused("assets/create", parent=shelf.root, name="a/b") == (400, "invalid_value")
    assert shelf.member.refused("assets/create", parent=shelf.file(), name="x") == (422, "no_parent")


def _swept() -> list[int]:
    """Return how many files were left before a sweep and after it."""
    counts = [_left()]
    housekeeping.sweep_assets()
    return [*counts, _left()]


def _left() -> int:
    with transaction() as session:
        return len(asset_bytes.list_left(session, 10))


def test_bytes_are_replaced_and_the_old_ones_go(shelf: Shelf, web: FlaskClient) -> None:
    gid = shelf.file()
    old = shelf.dam(f"publish/{gid}~1.png").json["result"]["public_url"]
    assert web.get(old).data == picture()
    response = shelf.send("assets/upload_update", picture(10, 10), "other.png", asset=gid)
    assert response.json["data"]["assets"][gid]["version"] == 2
    assert shelf.get(gid)["info"]["width"] == 10
    assert web.get(old).status_code == 422
    assert _swept() == [1, 0]
    assert web.get(shelf.dam(f"publish/{gid}~2.png").json["result"]["public_url"]).data == picture(10, 10)


def test_only_published_addresses_give_bytes(shelf: Shelf, web: FlaskClient, stranger: Member) -> None:
    gid = shelf.file()
    answer = shelf.dam(f"publish/{gid}~1.png")
    assert "Authorization" not in answer.headers
    url = answer.json["result"]["public_url"]
    seal, _, name = url.rpartition("/")
    assert web.get(f"{seal[:-1]}{'0' if seal[-1] != '0' else '1'}/{name}").status_code == 422
    assert web.get(f"/dam/p/{stranger.project}/publish/{gid}~1.png").status_code == 401
    headers = {"Authorization": f"Bearer {stranger.key}"}
    assert refusal(web.get(f"/dam/p/{stranger.project}/publish/{gid}~1.png", headers=headers))[0] == 403
    shelf.call("assets/delete", asset=gid)
    assert web.get(url).status_code == 422


def test_images_are_made_of_images(shelf: Shelf, web: FlaskClient) -> None:
    gid = shelf.file("a.png", data=picture(400, 200))

    def made(options: str) -> Image.Image:
        answer = shelf.dam(f"transform/{gid}~1.png/{options}")
        assert answer.status_code == 200, answer.text
        return Image.open(BytesIO(web.get(answer.json["result"]["public_url"]).data))

    assert made("width=100").size == (100, 50)
    assert made("fit=100,100").size == (100, 50)
    assert made("fill=100,100/type=jpg/q=50").size == (100, 100)
    assert made("height=20/dpr=2").size == (80, 40)
    assert made("crop=0.5,0.5/hs=0.00000,1.00000").size == (200, 100)
    assert made("type=jpg").format == "JPEG"
    assert refusal(shelf.dam(f"transform/{gid}~1.png/width=wide")) == (400, "invalid_value")
    assert refusal(shelf.dam(f"transform/{gid}~1.png/shape=round")) == (400, "invalid_value")
    text = shelf.file("a.txt", data=b"text")
    assert refusal(shelf.dam(f"transform/{text}~1.txt/width=5")) == (422, "invalid_file")
    assert shelf.dam(f"info/{gid}~1.png").json["result"]["info"]["width"] == 400


def test_large_files_and_images_of_too_many_pixels_are_refused(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_MAX_IMAGE_PIXELS", "799")
    monkeypatch.setenv("WAYBILL_MAX_ASSET_BYTES", "1000")
    settings.cache_clear()
    try:
        assert refusal(shelf.send("assets/upload", picture(), "a.png", parent=shelf.root)) == (422, "invalid_file")
        assert refusal(shelf.send("assets/upload", b"x" * 1001, "a.txt", parent=shelf.root)) == (413, "body_too_large")
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert shelf.call("assets/children", asset=shelf.root)["children.size"] == 0


def test_what_is_known_merges_by_language(shelf: Shelf) -> None:
    gid = shelf.file()
    shelf.call("assets/update", asset=gid, title={"en": "One", "nl": "Een"}, description={"en": "First"})
    shelf.call("assets/update", asset=gid, title={"nl": ""}, name="two.jpg", transforms={"_main_": {"crop": [1, 1]}})
    asset = shelf.get(gid)
    assert (asset["title"], asset["description"], asset["name"], asset["type"]) == (
        {"en": "One"}, {"en": "First"}, "two.jpg", "jpg"
    )  # fmt: skip
    assert asset["transforms"] == {"_main_": {"crop": [1, 1]}}
    assert shelf.member.refused("assets/update", asset=shelf.root, name="x") == (422, "root_fixed")
    shelf.call("assets/metadata/set", asset=gid, name="print.colour", value="red")
    assert shelf.get(gid)["metadata"] == {"print.colour": {"type": "textline", "is_localized": False, "value": "red"}}
    shelf.call("assets/metadata/clear", asset=gid, name="print.colour")
    assert shelf.get(gid)["metadata"] == {}


def test_deleting_moving_and_removing_one(shelf: Shelf) -> None:
    outer, other = shelf.folder("outer"), shelf.folder("other")
    inner = shelf.folder("inner", outer)
    gid = shelf.file("a.png", inner)
    assert shelf.member.refused("assets/move", asset=outer, parent=inner) == (422, "cycle")
    shelf.call("assets/move", asset=inner, parent=other)
    assert shelf.get(gid)["pathname"] == "/other/inner/a.png"
    shelf.call("assets/delete", asset=other)
    assert shelf.get(gid)["status"] == "deleted"
    shelf.folder("other")
    assert shelf.member.refused("assets/undelete", asset=other) == (422, "name_taken")
    assert shelf.call("assets/permanent_delete", asset=other)["parent"] == shelf.root
    assert shelf.call("assets/get", assets=[gid, outer])["assets"] == [outer]
    assert _swept() == [1, 0]


def test_assets_in_bulk_are_moved_deleted_and_taken_back(shelf: Shelf) -> None:
    outer, other = shelf.folder("outer"), shelf.folder("other")
    first, second = shelf.file("a.png", outer), shelf.file("b.png", outer)
    shelf.file("b.png", other)
    token, found = shelf.run("move", [first, second, shelf.root], parent=other)
    assert found == ["succeeded", "name_taken", "root_fixed"]
    assert shelf.member.refused("assets/bulk/move", selection=[first], parent=second) == (422, "no_parent")
    _, found = shelf.run("delete", [outer, second, {"children": other}])
    assert found == ["succeeded", "noop", "succeeded", "succeeded"]
    _, found = shelf.run("undelete", [second, outer, first, first])
    assert found == ["noop", "succeeded", "succeeded"]
    headers = {"Authorization": f"Bearer {shelf.member.key}"}
    assert shelf.member.client.post(f"/api/jobs/{token}/undo", headers=headers).status_code in (200, 202)
    shelf.work_all()
    assert shelf.get(first)["status"] == "published"
    assert shelf.get(first)["path"] == "/other", "touched since the move: it stays"
    shelf.call("assets/delete", asset=first)
    assert shelf.run("permanent_delete", [first, second])[1] == ["succeeded", "not_deleted"]


def test_a_move_of_assets_is_undone(shelf: Shelf) -> None:
    outer, other = shelf.folder("outer"), shelf.folder("other")
    first = shelf.file("a.png", outer)
    token, _ = shelf.run("move", [first], parent=other)
    headers = {"Authorization": f"Bearer {shelf.member.key}"}
    shelf.member.client.post(f"/api/jobs/{token}/undo", headers=headers)
    shelf.work_all()
    assert shelf.get(first)["pathname"] == "/outer/a.png"
    with transaction() as session:
        kinds = driver(session).execute("SELECT DISTINCT action FROM project_changes WHERE data_type = 'assets'").fetchall()
    assert {row[0] for row in kinds} == {"INSERT", "UPDATE"}
