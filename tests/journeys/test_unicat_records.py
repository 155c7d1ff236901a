"""The unmodified client `unicat` with records and assets: walking, changing, removing, uploading, and what others see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from unicat import Unicat
from unicat.error import UnicatError
from unicat.transform import UnicatTransform

from tests.factories import CHANNELS, FIELDLISTS, ORDERINGS
from tests.journeys.sdk import connected
from tests.processes import Parts

ALPHA = ORDERINGS["alphabetical"]
WEB, PRINT = CHANNELS["web"], CHANNELS["print"]


@pytest.fixture
def other(product: Parts, tmp_path: Path) -> Iterator[Unicat]:
    client = connected(product, tmp_path / "other", omit_extended_definitions=True)
    yield client
    client.api._requests_session.close()


def make(unicat: Unicat, parent: object, title: str) -> object:
    record = unicat.mutate.create_record(parent, ALPHA)
    return unicat.mutate.update_record(record, {"en": {"title": title}})


def test_a_tree_is_made_walked_and_changed(unicat: Unicat) -> None:
    root = unicat.get_root_record()
    shelf = make(unicat, root, "Shelf")
    books = [make(unicat, shelf, f"Book {number}") for number in range(3)]
    walked = [record.gid for record in unicat.walk_record_tree(ordering=ALPHA)]
    assert walked[-4:] == [shelf.gid, *(book.gid for book in books)]
    assert [book.title["en"] for book in unicat.walk_record_children(shelf, ordering=ALPHA)] == ["Book 0", "Book 1", "Book 2"]
    assert (books[0].treelevel, books[0].path) == (2, [books[0].gid, shelf.gid, root.gid])
    moved = unicat.mutate.set_record_orderings(books[2], {ALPHA: 0})
    assert moved.orderings[ALPHA] == 0
    assert [book.gid for book in unicat.walk_record_children(shelf, ordering=ALPHA)] == [
        books[2].gid, books[0].gid, books[1].gid
    ]  # fmt: skip
    bad = unicat.mutate.update_record(books[0], {"en": {"title": 7}})
    assert [fault["code"] for fault in bad.validation_report] == ["invalid_type"]
    assert bad.fields["en"]["title"].value == "Book 0"


def test_channels_go_where_they_are_sent(unicat: Unicat) -> None:
    mutate = unicat.mutate
    shelf = make(unicat, unicat.get_root_record(), "Shelf")
    book = make(unicat, shelf, "Book")
    shelf = mutate.set_record_channels(shelf, [WEB, PRINT], True)
    assert shelf.channels == ["__all__", WEB, PRINT]
    assert mutate.copy_record_channels_down(shelf) is shelf
    book = unicat.get_record(book.gid, force=True)
    assert book.channels == ["__all__", WEB, PRINT]
    book = mutate.set_record_channels(book, [PRINT], False)
    assert [record.gid for record in unicat.walk_record_children(shelf, channel=PRINT, ordering=ALPHA)] == []
    assert mutate.copy_record_channels_from_parent(book, [PRINT]).channels == ["__all__", WEB, PRINT]
    mutate.copy_record_channels_up(book, [WEB])
    assert WEB in unicat.get_record(unicat.get_root_record().gid, force=True).channels


def test_deleting_taking_back_and_removing_for_good(unicat: Unicat, other: Unicat) -> None:
    mutate = unicat.mutate
    root = unicat.get_root_record()
    shelf = make(unicat, root, "Shelf")
    book = make(unicat, shelf, "Book")
    link = mutate.link_record(root, book, ALPHA)
    assert (link.is_link, link.canonical) == (True, book.gid)
    seen = other.get_records([shelf.gid, book.gid, link.gid])
    assert [record.title["en"] for record in seen] == ["Shelf", "Book", "Book"]
    assert mutate.delete_record(shelf).is_deleted
    assert unicat.get_record(link.gid, force=True).is_deleted
    assert not mutate.undelete_record(shelf).is_deleted
    assert not unicat.get_record(link.gid, force=True).is_deleted
    mutate.delete_record(shelf)
    job = mutate.permanent_delete_record(shelf, return_job=True)
    statuses = list(job.track(timeout_in_seconds=30, poll_interval_in_seconds=0.2))
    assert (statuses[-1], job.name, job.return_value.gid) == ("done", "permanent_delete_record", root.gid)
    assert unicat.get_records([book.gid, root.gid], force=True)[0].gid == root.gid
    with pytest.raises(UnicatError) as caught:
        unicat.get_record(link.gid, force=True)
    assert caught.value.code == 422
    other.sync()
    assert not {shelf.gid, book.gid, link.gid} & set(other.records)


def test_a_bulk_job_is_tracked_to_its_end(unicat: Unicat) -> None:
    shelf = make(unicat, unicat.get_root_record(), "Shelf")
    books = [make(unicat, shelf, f"Book {number}") for number in range(3)]
    cursor = unicat.api.prepare_for_job()
    success, result = unicat.api.call("/records/bulk/delete", {"selection": [{"children": shelf.gid, "exclude": [books[1].gid]}]})
    assert success, result
    *_, last = unicat.api.track_job(cursor, result["job.token"], timeout_in_seconds=30, poll_interval_in_seconds=0.2)
    assert (last["job"], last["status"]) == ("bulk_delete_records", "done")
    assert (last["info"]["total"], last["info"]["remaining"]) == (2, 0)
    assert [book.gid for book in unicat.walk_record_children(shelf)] == [books[1].gid]


def test_definitions_are_extended_for_some_records(unicat: Unicat, other: Unicat) -> None:
    mutate = unicat.mutate
    depth = mutate.commit_field(mutate.create_field(name="depth", type="number"))
    size = mutate.commit_class(mutate.create_class(name="sizes", fields=[depth]))
    price = mutate.commit_field(mutate.create_field(name="price", type="decimal"))
    shelf = make(unicat, unicat.get_root_record(), "Shelf")
    first, second = (make(unicat, shelf, title) for title in ("One", "Two"))
    first = mutate.extend_record_definition_add_class(first, size)
    first = mutate.extend_record_definition_add_field(first, price)
    first = mutate.extend_record_definition_add_fieldlist_field(first, FIELDLISTS["table"], price)
    assert first.definition.is_extended
    assert [field.name for field in first.definition.extended_fields] == ["price"]
    first = mutate.update_record(first, {"en": {"depth": 5, "price": 2.5}})
    seen = other.get_record(first.gid)
    assert {name: field.value for name, field in seen.fields["en"].items()} == {"title": "One", "depth": 5, "price": 2.5}
    assert mutate.copy_record_definition_to_siblings(first) is None
    second = unicat.get_record(second.gid, force=True)
    assert second.definition.gid == first.definition.gid
    second = mutate.clone_extended_record_definition(second, "second", fields=[])
    assert second.definition.name == "second"
    second = mutate.transfer_extended_record_definition_to(second, first.definition)
    assert second.definition.gid == first.definition.gid
    second = mutate.extend_record_definition_remove_class(second, size)
    assert "depth" not in second.fields["en"]
    assert not mutate.revert_extended_record_definition(second).definition.is_extended
    base = unicat.get_definition_by_name("base")
    assert mutate.set_record_definition(first, base).definition.gid == base.gid


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the client leaves what it uploads open
def test_a_file_is_uploaded_replaced_published_and_downloaded(unicat: Unicat, tmp_path: Path) -> None:
    mutate = unicat.mutate
    root = unicat.get_root_asset()
    folder = mutate.create_asset(root, "products")
    for name, width in (("photo.png", 40), ("newer.png", 20)):
        Image.new("RGB", (width, width), "#663399").save(tmp_path / name)
    asset = mutate.upload_asset(str(tmp_path / "photo.png"), folder)
    assert (asset.pathname, asset.is_file, asset.info["width"]) == ("/products/photo.png", True, 40)
    assert [found.gid for found in unicat.walk_asset_tree()] == [root.gid, folder.gid, asset.gid]
    assert unicat.get_asset_by_pathname("/products/photo.png").gid == asset.gid
    asset = mutate.upload_update_asset(str(tmp_path / "newer.png"), asset)
    assert (asset.name, asset.info["width"]) == ("photo.png", 20)
    asset = mutate.update_asset(asset, title={"en": "Photo"}, description={"nl": "Foto"})
    asset = mutate.update_asset_set_metadata(asset, "print.paper", value="thin")
    assert (asset.title, asset.metadata["print.paper"].value) == ({"en": "Photo"}, "thin")
    assert mutate.update_asset_clear_metadata(asset, "print.paper").metadata == {}
    kept = tmp_path / asset.download()
    assert kept.read_bytes() == (tmp_path / "newer.png").read_bytes()
    small = asset.download_transformed(UnicatTransform(resize="width", width=10, type="jpg"))
    with Image.open(tmp_path / small) as image:
        assert (image.size, image.format) == ((10, 10), "JPEG")
    assert mutate.delete_asset(folder).is_deleted
    assert unicat.get_asset(asset.gid, force=True).is_deleted
    assert not mutate.undelete_asset(folder).is_deleted
    mutate.delete_asset(folder)
    assert mutate.permanent_delete_asset(folder)
    with pytest.raises(UnicatError):
        unicat.get_asset(asset.gid, force=True)
