"""Our zips are zips, and writing one takes no memory for what is in it."""

from __future__ import annotations

import io
import subprocess
import tracemalloc
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from models.exports.bundle import Zip

MOMENT = datetime(2026, 11, 22, 12, 30, 44, tzinfo=UTC)


def write(entries: dict[str, list[bytes]]) -> bytes:
    archive = Zip(MOMENT)
    parts = [archive.open(name) + b"".join(map(archive.write, pieces)) + archive.close() for name, pieces in entries.items()]
    return b"".join([*parts, *archive.end()])


@settings(deadline=None)
@given(st.dictionaries(st.text(st.characters(exclude_characters="\0/\\", exclude_categories=["Cs"]), min_size=1, max_size=9),
                       st.lists(st.binary(max_size=99), max_size=3), max_size=4))  # fmt: skip
def test_it_is_read_back(entries: dict[str, list[bytes]]) -> None:
    with zipfile.ZipFile(io.BytesIO(write(entries))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {n: b"".join(data) for n, data in entries.items()}
        assert all(info.date_time == (2026, 11, 22, 12, 30, 44) for info in archive.infolist())


def test_another_program_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "x.zip"
    file.write_bytes(write({"north/one/Ä.json": [b"[]"], "b.csv": [b"x" * 100_000, b"y"]}))
    listed = subprocess.run(["python3", "-m", "zipfile", "-t", str(file)], capture_output=True, text=True, check=True)
    assert "Done testing" in listed.stdout


def test_a_cut_off_archive_is_none(tmp_path: Path) -> None:
    whole = write({"a": [b"1"], "b": [b"2"]})
    assert not zipfile.is_zipfile(io.BytesIO(whole[:-30]))


def test_many_entries_take_no_memory() -> None:
    archive = Zip(MOMENT)
    tracemalloc.start()
    for number in range(70_000):  # more than the 16-bit count of old archives
        archive.open(f"north/one/R{number}.json")
        archive.write(b"[]")
        archive.close()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    end = b"".join(archive.end())
    assert peak < 3_000_000
    assert archive.count == 70_000 and end[-22:-18] == b"PK\x05\x06"
