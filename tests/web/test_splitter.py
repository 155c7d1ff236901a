"""Cutting a body into items: every value, any blanks, any window; never twice the work, and nothing but refusals."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import Refused
from models.settings import load
from models.strictness import split_array
from web import splitter
from web.intake import receive
from web.splitter import ArrayItems, Lines, Window, locate

LIMITS = load().limits
JSON_TYPE, LINES_TYPE = "application/json", "application/x-ndjson"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('a,:[]{}"\\é\n', max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('a},{"\\', max_size=3), inner, max_size=3),
    max_leaves=8,
)
BLANKS = st.text(" \t\r\n", max_size=3)
WINDOWS = st.sampled_from([1, 2, 3, 7, 16, 64, 4096])


class CountingFile(io.BytesIO):
    """Counts the bytes that are read from it."""

    count = 0

    def read(self, size: int | None = -1) -> bytes:
        part = super().read(size)
        self.count += len(part)
        return part


def cut_array(raw: bytes, step: int, **limits: int) -> list[bytes]:
    window = Window(CountingFile(raw), 1, step)
    return [item for batch in ArrayItems(window, replace(LIMITS, **limits)).batches() for item in batch]


def cut_lines(raw: bytes, step: int, **limits: int) -> list[tuple[int | None, bytes]]:
    return [line for batch in Lines(Window(CountingFile(raw), 0, step), replace(LIMITS, **limits)).batches() for line in batch]


def items_of(raw: bytes, content_type: str, step: int, **limits: int) -> list[Any]:
    with receive(
        io.BytesIO(raw), content_type=content_type, content_encoding=None, content_length=None, limits=replace(LIMITS, **limits),
        window=step,
    ) as body:  # fmt: skip
        return [body.single()] if body.kind == "single" else [json.loads(item.raw) for item in body.items(str)]


def refusal_of(raw: bytes, content_type: str = JSON_TYPE, step: int = 16, **limits: int) -> Refused:
    with pytest.raises(Refused) as caught:
        items_of(raw, content_type, step, **limits)
    return caught.value


@st.composite
def arrays(draw: st.DrawFn) -> tuple[list[Any], str]:
    values = draw(st.lists(VALUES, max_size=12))
    indent = draw(st.sampled_from([None, 0, 2]))
    between = [draw(BLANKS) + "," + draw(BLANKS) for _ in values]
    written = [json.dumps(value, indent=indent) for value in values]
    joined = "".join(part for pair in zip(written, between, strict=True) for part in pair)
    return values, "[" + draw(BLANKS) + joined[: joined.rfind(",")] + draw(BLANKS) + "]" if values else "[ ]"


@given(arrays(), WINDOWS)
def test_an_array_splits_to_its_values(array: tuple[list[Any], str], step: int) -> None:
    values, raw = array
    assert [json.loads(item) for item in cut_array(raw.encode(), step)] == values
    assert items_of(raw.encode(), JSON_TYPE, step) == values


@given(
    arrays(),
    WINDOWS,
    st.dictionaries(st.sampled_from(["import_id", "status"]), st.text('],"}{', max_size=5)),
    st.booleans(),
    BLANKS,
)
def test_records_split_to_their_values_wherever_they_stand(
    array: tuple[list[Any], str], step: int, more: dict[str, str], records_first: bool, blanks: str
) -> None:
    values, raw = array
    members = [f"{json.dumps(name)}{blanks}:{blanks}{json.dumps(value)}" for name, value in more.items()]
    members.insert(0 if records_first else len(members), f'"records":{blanks}{raw}')
    body = f"{blanks}{{{blanks}{f'{blanks},{blanks}'.join(members)}{blanks}}}{blanks}".encode()
    with receive(
        io.BytesIO(body), content_type=JSON_TYPE, content_encoding=None, content_length=None, limits=LIMITS, window=step
    ) as received:
        assert dict(received.envelope) == more
        assert [json.loads(item.raw) for item in received.items(str)] == values
        assert dict(received.envelope) == more


@given(
    st.lists(VALUES, min_size=1, max_size=12),
    st.lists(st.sampled_from(["\n", "\r\n", "\n\n", "\n \t\r\n"]), min_size=12),
    WINDOWS,
)
def test_lines_split_to_their_values(values: list[Any], ends: list[str], step: int) -> None:
    raw = "".join(json.dumps(value) + end for value, end in zip(values, ends, strict=False))
    assert items_of(raw.encode(), LINES_TYPE, step) == values
    assert items_of(raw.rstrip().encode(), LINES_TYPE, step) == values
    numbers = [number for number, _ in cut_lines(raw.encode(), step)]
    assert numbers == [1 + "".join(json.dumps(0) + end for end in ends[:place]).count("\n") for place in range(len(values))]


@given(st.binary(max_size=80) | st.text('[]{},:"\\ud8aréc0ords1 \n', max_size=80).map(str.encode), st.booleans(), WINDOWS)
def test_garbage_is_split_as_json_is_or_refused(raw: bytes, line_based: bool, step: int) -> None:
    try:
        items = items_of(raw, LINES_TYPE if line_based else JSON_TYPE, step)
    except Refused:
        return
    if line_based:
        assert items == [json.loads(line) for line in raw.split(b"\n") if line.strip()]
        return
    sent = json.loads(raw)
    assert items == (sent if isinstance(sent, list) else sent.get("records", [sent]))


@given(arrays(), st.integers(0, 400), st.sampled_from(["", ",", "]", "}", "{", '"', "x", ":", "\\"]), WINDOWS)
def test_a_damaged_array_is_refused_or_still_json(array: tuple[list[Any], str], place: int, patch: str, step: int) -> None:
    raw = array[1][:place] + patch + array[1][place + 1 :]
    try:
        values = items_of(raw.encode(), JSON_TYPE, step)
    except Refused:
        return
    assert values == json.loads(raw)


ODD = ['{"a":"\\ud800"}', "[" * 3_000 + "]" * 3_000, '{"a":NaN}', '{"a":1e400}', '{"a":1,"a":2}', '{"a":"\\u0000"}', "[[[]]]"]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("step", [3, 100, splitter.WINDOW])
def test_an_item_that_cannot_be_kept_is_an_item_all_the_same(odd: str, step: int) -> None:
    good = '{"id":"org/lab/1","patch":{"a":{"value":1}}}'
    items = [good.encode(), odd.encode(), good.encode(), odd.encode()]
    raw = b"[" + b", ".join(items) + b"]"
    assert cut_array(raw, step) == items
    assert [line for _, line in cut_lines(b"\n".join(items), step)] == items
    with receive(
        io.BytesIO(raw), content_type=JSON_TYPE, content_encoding=None, content_length=None, limits=LIMITS, window=step
    ) as body:
        received = [item.raw for item in body.items(str)]
    assert received == items
    assert split_array(b"[" + b",".join(received) + b"]") == items


@pytest.mark.parametrize("step", [5, 1_000, splitter.WINDOW])
@pytest.mark.parametrize(
    ("raw", "line", "column"),
    [
        ('[{"a":1},\n {"a":1,}]', 2, 9),
        ('[{"é":"é"},{"é" 1}]', 1, 17),
        ("[1,]", 1, 4),
        ("[,1]", 1, 2),
        ("[1,,2]", 1, 4),
        ("[1 2]", 1, 4),
        ("[1,2}", 1, 5),
        ("[1,2", 1, 5),
        ('[{"a":1},{"a":"', 1, 15),
        ("[1,2]]", 1, 6),
        ("[1] [2]", 1, 5),
        ("[1,\n2,\n{'a':1}]", 3, 2),
        ("[1,\n2,\n] x", 3, 1),
        ("[1,\n2\n] x", 3, 3),
        ("[1,2] // end", 1, 7),
        ('[{"a":"x\ny"}]', 1, 9),
        ('{"records":[1],}', 1, 16),
        ('{"records":[1] "status":""}', 1, 16),
        ('{"records" [1]}', 1, 12),
        ('{"records":}', 1, 12),
        ('{"records":[1]', 1, 15),
        ('{"records":[1]}}', 1, 16),
        ('{"records":[1],\n"status":tru}', 2, 10),
        ('{"status":tru,"records":[1]}', 1, 11),
        ('{"records":{"a":tru}}', 1, 17),
        ("{'records':[1]}", 1, 2),
        ('{"a":[1}', 1, 8),
        ('{"a":1', 1, 7),
    ],
)
def test_row_12_bad_syntax_of_a_body_is_refused_with_line_and_column(raw: str, line: int, column: int, step: int) -> None:
    refused = refusal_of(raw.encode(), step=step)
    assert (refused.code, refused.members) == ("invalid_json", {"line": line, "column": column})


@pytest.mark.parametrize("step", [5, splitter.WINDOW])
@pytest.mark.parametrize(
    ("raw", "line", "column"),
    [
        (b'{"a":1}\n\n{"a":1,}\n', 3, 8),
        (b'{"a":1}\r\n{"a":1} {"a":2}\r\n', 2, 9),
        ('{"a":1}\n{"é":"é" 1}'.encode(), 2, 10),
        (b'{"a":1}\n{"a":\r1}\n', 2, 6),
        (b'{"a":1}\r{"a":1}\n', 1, 8),
        (b"[1,\n2]\n", 1, 4),
        (b'{"a":1}\n\x0b\n', 2, 1),
    ],
)
def test_row_14_a_bad_line_is_refused_with_its_number(raw: bytes, line: int, column: int, step: int) -> None:
    refused = refusal_of(raw, LINES_TYPE, step)
    assert (refused.code, refused.members) == ("invalid_json", {"line": line, "column": column})


@pytest.mark.parametrize("step", [5, splitter.WINDOW])
def test_an_item_larger_than_the_limit_is_named(step: int) -> None:
    small, large = b'{"a":1}', b'{"a":"' + b"x" * 100 + b'"}'
    array = refusal_of(b"[" + b",".join([small, small, large, small]) + b"]", step=step, item_bytes=50)
    assert (array.code, array.members) == ("body_too_large", {"limit": 50, "index": 2})
    lines = refusal_of(b"\n\n".join([small, large, small]), LINES_TYPE, step, item_bytes=50)
    assert (lines.code, lines.members) == ("body_too_large", {"limit": 50, "line": 3})
    member = refusal_of(b'{"status":"' + b"x" * 100 + b'","records":[]}', step=step, item_bytes=50)
    assert (member.code, member.members) == ("body_too_large", {"limit": 50})


def test_an_item_of_just_the_limit_passes() -> None:
    item = b'{"a":"' + b"x" * 42 + b'"}'
    assert cut_array(b"[" + item + b"]", 7, item_bytes=50) == [item]
    assert cut_lines(item, 7, item_bytes=50) == [(1, item)]


def test_a_lost_quote_is_a_syntax_error_and_not_a_large_item() -> None:
    raw = b'[{"a":1},{"a":"x},' + b'{"a":"y"},' * 1_000 + b"1]"
    refused = refusal_of(raw, step=64, item_bytes=500)
    assert (refused.code, refused.members["column"]) == ("invalid_json", 21)


@pytest.mark.parametrize(
    "raw", [b"[" * 1_000_000, b'{"a":' * 1_000_000, b'{"records":' + b"[" * 1_000_000, b'[{"a":1},' + b'{"a":[' * 500_000]
)
def test_row_27_a_million_open_brackets_are_too_deep(raw: bytes) -> None:
    assert refusal_of(raw, step=splitter.WINDOW).code == "too_deep"


HOSTILE = {
    "brackets": b"[" * 300_000,
    "one huge text": b'["' + b"x" * 300_000,
    "escapes": b'["' + b'\\"' * 150_000,
    "no border": b'[{"a":[' + b"[1,2]," * 50_000,
    "false seams": b'[{"a":[' + b"{},{}," * 50_000 + b"1]}]",
    "blanks": b"[1" + b" " * 300_000 + b",2]",
    "numbers": b"[" + b"1," * 150_000 + b"1]",
    "empty lists": b"[" + b"[]," * 100_000 + b"1]",
    "half pairs": b"[" + b'{"a":"\\ud800"},' * 20_000 + b"1]",
    "deep items": b"[" + (b"[" * 2_000 + b"]" * 2_000 + b",") * 75 + b"1]",
    "lines": b"1\n" * 150_000,
    "one line": b'"' + b"x" * 300_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_work_on_hostile_bodies_stays_linear(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = HOSTILE[name]
    decoded = Decoded()
    monkeypatch.setattr(splitter, "_RAWS", decoded)
    file = CountingFile(raw)
    cutter = Lines(Window(file, 0, 4_096), LIMITS) if "line" in name else ArrayItems(Window(file, 1, 4_096), LIMITS)
    try:
        for _ in cutter.batches():
            pass
    except Refused:
        file.count -= len(raw)  # it is read once more to find line and column
    assert file.count <= 2 * len(raw)
    assert decoded.count <= 12 * len(raw)


class Decoded:
    """Decodes, and counts the bytes."""

    def __init__(self) -> None:
        self.count = 0
        self._decode = splitter._RAWS.decode

    def decode(self, raw: bytes) -> Any:
        self.count += len(raw)
        return self._decode(raw)


@given(st.lists(st.sampled_from(["é", "x", "\n", "😀", "\r"]), max_size=30), st.integers(0, 30))
def test_a_place_is_told_in_characters(characters: list[str], place: int) -> None:
    before = "".join(characters[:place])
    line, column = locate(io.BytesIO("".join(characters).encode()), len(before.encode()))
    assert (line, column) == (before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)


def test_likely_borders_find_the_seam_at_once() -> None:
    items = [json.dumps({"id": f"org/lab/{n}", "patch": {"a": {"value": [{"x": 1}, {"x": 2}]}}}).encode() for n in range(1_000)]
    assert fast_share(b"[" + b",".join(items) + b"]") > 0.95
    assert fast_share(b"[" + b" ,\n  ".join(items) + b"]") > 0.95


def fast_share(raw: bytes) -> float:
    def counted(cutter: ArrayItems) -> Iterator[int]:
        while guessed := cutter._guessed():
            yield len(guessed)

    return sum(counted(ArrayItems(Window(io.BytesIO(raw), 1, 4_096), LIMITS))) / 1_000
