"""Taking bodies in: the rows of the bad-input matrix that concern a body, what comes out of good ones, and in how much memory."""

import gzip
import hashlib
import io
import json
import tracemalloc
import zlib
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from models.classifications.record_id import lane_key
from models.errors import Refused
from models.jobs.values import Item
from models.settings import MIB, load
from web import unpack
from web.intake import Body, receive

LIMITS = load().limits
JSON, LINES = "application/json", "application/x-ndjson"


class Stream(io.RawIOBase):
    """A request's stream: gives what has arrived, and counts it."""

    def __init__(self, raw: bytes, step: int = 1 << 30) -> None:
        self._rest = memoryview(raw)
        self._step = step
        self.given = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        part = bytes(self._rest[: min(size if size >= 0 else len(self._rest), self._step)])
        self._rest = self._rest[len(part) :]
        self.given += len(part)
        return part


def taken(
    raw: bytes | Stream, kind: str | None = JSON, *, coding: str | None = None, length: int | None = None, **limits: int
) -> Any:
    stream: Any = raw if isinstance(raw, Stream) else Stream(raw)
    return receive(
        stream, content_type=kind, content_encoding=coding, content_length=length, limits=replace(LIMITS, **limits)
    )  # fmt: skip


def items_of(received: AbstractContextManager[Body]) -> list[Item]:
    with received as body:
        return list(body.items(lane_key))


def refusal_of(*args: Any, **named: Any) -> Refused:
    with pytest.raises(Refused) as caught, taken(*args, **named) as body:
        if body.kind == "single":
            body.single()
        else:
            dict(body.envelope)
            list(body.items(lane_key))
    return caught.value


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


OPERATIONS = [{"id": f"org/lab/{number}", "patch": {"age": {"value": number}}} for number in range(50)]
ARRAY = dumped(OPERATIONS)
TEXT_LINES = b"\n".join(dumped(operation) for operation in OPERATIONS)


# Transport


@pytest.mark.parametrize("raw", [b"", b" ", b"\n\t \r\n", b" " * 200_000])
@pytest.mark.parametrize("kind", [JSON, LINES])
def test_row_01_an_empty_body_is_no_json(raw: bytes, kind: str) -> None:
    refused = refusal_of(raw, kind)
    assert (refused.code, refused.members) == ("invalid_json", {"line": 1, "column": 1})


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/json",
        "application/jsonx",
        "*/*",
    ],
)
def test_row_02_another_type_is_refused_naming_those_that_are_read(kind: str | None) -> None:
    refused = refusal_of(ARRAY, kind)
    assert refused.code == "unsupported_media_type"
    assert JSON in refused.detail
    assert LINES in refused.members["accepted"]


@pytest.mark.parametrize(
    "kind", [JSON, "Application/JSON", "application/json;charset=utf-8", 'application/json; charset="UTF-8"; x=y']
)
def test_json_may_be_named_in_any_spelling(kind: str) -> None:
    assert len(items_of(taken(ARRAY, kind))) == 50


@pytest.mark.parametrize(
    "kind", [LINES, "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/JSONL; charset=UTF8"]
)
def test_lines_may_be_named_in_any_spelling(kind: str) -> None:
    assert len(items_of(taken(TEXT_LINES, kind))) == 50


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_row_03_utf_16_is_refused(coding: str) -> None:
    assert refusal_of('[{"id":1}]'.encode(coding)).code == "invalid_encoding"


@pytest.mark.parametrize(
    "text", ['"é"'.encode("latin-1"), b'"\xc0\xaf"', b'"\xed\xa0\x80"', b'"\xf5\x80\x80\x80"', b'"\xe2\x82"']
)
def test_row_04_what_is_not_utf_8_is_refused_wherever_it_stands(text: bytes) -> None:
    for kind, raw in ((JSON, b"[" + text + b"]"), (JSON, b'{"a":' + text + b"}"), (LINES, b"1\n" + text), (JSON, b"[1," + text)):
        assert refusal_of(raw, kind).code == "invalid_encoding"
    assert refusal_of(b'["' + b"x" * (unpack.STEP - 4) + text + b'"]').code == "invalid_encoding"


def test_row_04_a_charset_but_utf_8_is_refused() -> None:
    assert refusal_of(ARRAY, "application/json; charset=latin-1").code == "invalid_encoding"


def test_a_character_may_be_cut_between_two_pieces() -> None:
    raw = dumped([]).replace(b"]", '"é😀"]'.encode() * 1)
    assert [json.loads(item.raw) for item in items_of(taken(Stream(raw, step=1)))] == ["é😀"]


@pytest.mark.parametrize("kind", [JSON, LINES])
def test_row_05_a_byte_order_mark_is_refused(kind: str) -> None:
    assert refusal_of(b"\xef\xbb\xbf[1]", kind).code == "invalid_encoding"


def bomb(coding: str, size: int) -> bytes:
    return gzip.compress(b" " * size) if coding == "gzip" else zstd.compress(b" " * size)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_row_06_a_bomb_is_refused_at_the_cap(coding: str) -> None:
    raw = bomb(coding, 100 * MIB)
    tracemalloc.start()
    refused = refusal_of(raw, coding=coding, body_bytes=4 * MIB)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (refused.code, refused.members) == ("body_too_large", {"limit": 4 * MIB})
    assert peak < 4 * MIB


@pytest.mark.parametrize("pack", [lambda raw: raw, gzip.compress, zstd.compress])
def test_row_07_what_is_not_what_its_headers_say_is_refused(pack: Any) -> None:
    packed = pack(ARRAY)
    for coding, right in (("gzip", gzip.compress), ("zstd", zstd.compress), (None, lambda raw: raw)):
        if right is not pack and packed != right(ARRAY):
            assert refusal_of(packed, coding=coding).code == "invalid_encoding"


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("zstd", zstd.compress)])
def test_row_07_a_cut_or_doubled_compression_is_refused(coding: str, pack: Any) -> None:
    for kind in (JSON, LINES):
        for cut in (1, 5, -1, -4, -9):
            assert refusal_of(pack(ARRAY)[:cut], kind, coding=coding).code == "invalid_encoding"
        assert refusal_of(pack(pack(ARRAY)), kind, coding=coding).code == "invalid_encoding"
        assert refusal_of(pack(ARRAY) + b"more", kind, coding=coding).code == "invalid_encoding"
        assert refusal_of(pack(ARRAY)[:-8] + b"\1" * 8, kind, coding=coding).code == "invalid_encoding"


@pytest.mark.parametrize("coding", ["br", "deflate", "compress", "gzip, gzip", "identity, gzip", "zip"])
def test_row_07_another_compression_is_refused(coding: str) -> None:
    assert refusal_of(ARRAY, coding=coding).code == "unsupported_content_encoding"


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        (None, bytes), ("", bytes), ("identity", bytes), ("zstd", zstd.compress),
        ("gzip", gzip.compress), ("GZip ", gzip.compress), ("x-gzip", gzip.compress),
        ("gzip", lambda raw: gzip.compress(raw[:99]) + gzip.compress(b"") + gzip.compress(raw[99:])),
        ("zstd", lambda raw: zstd.compress(raw[:99]) + zstd.compress(b"") + zstd.compress(raw[99:])),
    ],
)  # fmt: skip
@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_each_coding_gives_the_same_items_and_digest(coding: str | None, pack: Any, step: int) -> None:
    packed = pack(ARRAY)
    with taken(Stream(packed, step), coding=coding, length=len(packed)) as body:
        assert [json.loads(item.raw) for item in body.items(lane_key)] == OPERATIONS
        assert (body.digest, body.size) == (hashlib.sha256(ARRAY).digest(), len(ARRAY))


def test_large_compressed_bodies_come_out_whole() -> None:
    raw = b"[" + b",".join([b'"' + b"x" * 1_000 + b'"'] * 3_000) + b"]"
    for coding, packed in (("gzip", gzip.compress(raw)), ("zstd", zstd.compress(raw))):
        with taken(Stream(packed, 1_000), coding=coding) as body:
            assert body.digest == hashlib.sha256(raw).digest()


def test_a_body_of_countless_empty_members_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MOST_MEMBERS", 10)
    for coding, empty in (("gzip", gzip.compress(b"")), ("zstd", zstd.compress(b""))):
        assert refusal_of(empty * 12, coding=coding).code == "invalid_encoding"


def test_a_zstd_window_of_more_than_8_mib_is_refused() -> None:
    options = {zstd.CompressionParameter.window_log: 25, zstd.CompressionParameter.content_size_flag: 0}
    writer = zstd.ZstdCompressor(options=options)
    packed = writer.compress(b"[1]") + writer.flush()
    assert refusal_of(packed, coding="zstd").code == "invalid_encoding"


@pytest.mark.parametrize("pack", [None, "gzip", "zstd"])
def test_row_08_a_body_over_the_limit_is_refused_before_it_is_all_read(pack: str | None) -> None:
    noise = bytes(range(32, 127)) * 20_000
    raw = {None: noise, "gzip": zlib.compress(noise, 0, wbits=31), "zstd": noise}[pack]
    with_length, without = Stream(raw), Stream(raw)
    for stream, length in ((with_length, len(raw)), (without, None)):
        refused = refusal_of(stream, coding=pack if pack == "gzip" else None, length=length, body_bytes=200_000)
        assert (refused.code, refused.members) == ("body_too_large", {"limit": 200_000})
    assert with_length.given == 0
    assert without.given <= 200_000 + unpack.STEP


def test_a_body_of_just_the_limit_passes() -> None:
    assert len(items_of(taken(ARRAY, length=len(ARRAY), body_bytes=len(ARRAY)))) == 50


@pytest.mark.parametrize("kind", [JSON, LINES])
def test_row_09_a_body_shorter_than_its_length_is_refused(kind: str) -> None:
    refused = refusal_of(TEXT_LINES[: TEXT_LINES.index(b"\n")], kind, length=len(TEXT_LINES))
    assert refused.code == "invalid_request"


# Shape


@pytest.mark.parametrize("raw", [b"null", b"5", b'"text"', b"true", b" -1.5e3 "])
def test_row_15_another_top_level_is_refused(raw: bytes) -> None:
    assert refusal_of(raw).code == "invalid_request"


@pytest.mark.parametrize(
    ("raw", "code"), [(b"nul", "invalid_json"), (b"'a'", "invalid_json"), (b"}", "invalid_json"), (b"NaN", "invalid_number")]
)
def test_a_top_level_that_is_no_json_is_refused_as_such(raw: bytes, code: str) -> None:
    assert refusal_of(raw).code == code


@pytest.mark.parametrize("records", [b"null", b"{}", b'"[]"', b"1", b"true"])
def test_row_16_records_of_another_type_are_refused(records: bytes) -> None:
    for raw in (b'{"records":' + records + b"}", b'{"status":"x","records" : ' + records + b',"tags":[]}'):
        refused = refusal_of(raw)
        assert (refused.code, refused.pointer) == ("invalid_request", "/records")


@pytest.mark.parametrize("raw", [b'{"records":[]}', b'{"records":[ ],"import_id":"x"}', b"[]", b" [\n] "])
def test_row_16_empty_records_are_a_bulk_body_without_items(raw: bytes) -> None:
    with taken(raw) as body:
        assert (body.kind, list(body.items(lane_key))) == ("bulk", [])


def test_row_16_an_object_without_records_is_one_operation() -> None:
    with taken(dumped(OPERATIONS[0])) as body:
        assert (body.kind, body.single(), dict(body.envelope)) == ("single", OPERATIONS[0], {})


@pytest.mark.parametrize(
    "raw", ['{"recrods":1,"records":[]}', '{"records":[{"id":1}],"recrods":{}}', '{"records":[],"status":"","recrods":[{}]}']
)
def test_row_17_an_unknown_member_beside_records_is_refused(raw: str) -> None:
    refused = refusal_of(raw.encode())
    assert (refused.code, refused.pointer) == ("unknown_field", "/recrods")
    assert "recrods" in refused.detail


def test_row_17_an_unknown_member_of_any_name_can_be_told() -> None:
    for name in ('"\\ud800"', '"' + "x" * 5_000 + '"', '"\\u0000\\n"'):
        refused = refusal_of(f'{{{name}:1,"records":[]}}'.encode())
        assert (refused.code, refused.pointer) == ("unknown_field", None)
        assert refused.detail.isascii() and len(refused.detail) < 200


@pytest.mark.parametrize(
    "item", [None, 5, "x", True, [], [1], {}, {"id": None}, {"id": []}, {"id": {}}, {"id": True}, {"id": ""}, {"patch": {}}]
)
def test_row_18_and_19_an_item_that_is_no_operation_is_an_item(item: Any) -> None:
    for kind, raw in ((JSON, dumped([item, OPERATIONS[0]])), (LINES, dumped(item) + b"\n" + dumped(OPERATIONS[0]))):
        odd, good = items_of(taken(raw, kind))
        assert (json.loads(odd.raw), odd.key, odd.ref, odd.index) == (item, None, None, 0)
        assert (good.key, good.index) == (lane_key("org/lab/0"), 1)


ODD = [
    '{"a":' * 100 + "1" + "}" * 100,
    "[" * 5_000 + "]" * 5_000,
    '{"id":1,"a":"\\ud800"}',
    '{"id":1,"a":NaN}',
    '{"id":1e400}',
    "1" * 5_000,
]


@pytest.mark.parametrize("odd", ODD)
def test_rows_26_33_41_44_in_one_item_leave_the_others_alone(odd: str) -> None:
    good = dumped(OPERATIONS[0])
    for kind, raw in (
        (JSON, b"[" + good + b"," + odd.encode() + b"," + good + b"]"),
        (JSON, b'{"records": [' + good + b"," + odd.encode() + b"," + good + b"]}"),
        (LINES, good + b"\n" + odd.encode() + b"\n" + good),
    ):
        assert [item.raw for item in items_of(taken(raw, kind))] == [good, odd.encode(), good]


@pytest.mark.parametrize(
    ("raw", "code", "pointer"),
    [
        (b'{"id":1,"id":2}', "duplicate_key", "/id"),
        (b'{"patch":{"a":1,"a":1}}', "duplicate_key", "/patch/a"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "too_deep", "/a" * 20),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "too_deep", "/a" * 20),
        (b'{"a":[' + b"[" * 999_999 + b"]" * 999_999 + b"]}", "too_deep", "/a" + "/0" * 19),
        (dumped({"a": dict.fromkeys(map(str, range(100_000)), 1)}), "too_many_keys", "/a"),
        (b'{"a":"\\u0000"}', "invalid_text", "/a"),
        (b'{"a":"\\ud800"}', "invalid_text", "/a"),
        (dumped({"a": "x" * 1_000_000}), "text_too_long", "/a"),
        (dumped({"a": "\u0301" * 200_000}), "text_too_long", "/a"),
        (b'{"a":NaN}', "invalid_number", "/a"),
        (b'{"a":1e400}', "invalid_number", "/a"),
        (b'{"a":' + b"1" * 5_000 + b"}", "invalid_number", "/a"),
        (b'{"a":007}', "invalid_json", None),
        (b'{"a":1} {"a":1}', "invalid_json", None),
        (b'{"a":1}]', "invalid_json", None),
        (b'{"a":1', "invalid_json", None),
        (b'{"a":1,}', "invalid_json", None),
    ],
)
def test_rows_12_13_26_to_28_32_33_36_41_to_48_of_a_single_operation(raw: bytes, code: str, pointer: str | None) -> None:
    refused = refusal_of(raw)
    assert (refused.code, refused.pointer) == (code, pointer)


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (b'{"records":[],"records":[]}', "/records"),
        (b'{"records":[{}],"import_id":"x","records":[{}]}', "/records"),
        (b'{"status":"a","status":"a","records":[]}', "/status"),
        (b'{"status":"a","records":[],"st\\u0061tus":"a"}', "/status"),
    ],
)
def test_row_13_a_doubled_member_beside_records_is_refused(raw: bytes, pointer: str) -> None:
    refused = refusal_of(raw)
    assert (refused.code, refused.pointer) == ("duplicate_key", pointer)


def test_a_large_single_operation_is_refused() -> None:
    for raw in (dumped({"a": "x" * 100}), b'{"a":1}' + b" " * 100, b"5" * 101, b'"' + b"x" * 100):
        refused = refusal_of(raw, item_bytes=100)
        assert (refused.code, refused.members) == ("body_too_large", {"limit": 100})


# Numbers of items


@pytest.mark.parametrize(
    ("raw", "kind"), [(ARRAY, JSON), (b'{"records":' + ARRAY + b"}", JSON), (TEXT_LINES, LINES), (TEXT_LINES + b"\n\n", LINES)]
)
def test_row_29_one_item_too_many_is_refused_with_both_numbers(raw: bytes, kind: str) -> None:
    refused = refusal_of(raw, kind, operations=49)
    assert (refused.code, refused.members) == ("too_many_items", {"limit": 49, "actual": 50})
    assert len(items_of(taken(raw, kind, operations=50))) == 50


def test_row_29_three_times_too_many_are_counted_and_ten_times_no_further() -> None:
    raw = b"[" + b"1," * 299_999 + b"1]"
    assert refusal_of(raw).members == {"limit": 100_000, "actual": 300_000}
    endless = refusal_of(raw, operations=1_000)
    assert endless.members["actual"] > 10_000
    assert endless.detail.startswith("At least ")


# Keys and refs


def test_ids_of_all_forms_become_keys() -> None:
    ids = ["org/lab/a", 77, {"lab_id": "org/lab", "lab_record_id": "a"}, {"rid": 77}, "org/lab/a.1700000000.5", None, 1.5]
    keys = [item.key for item in items_of(taken(dumped([{"patch": {"x": {"id": "no"}}, "id": name} for name in ids])))]
    assert keys == [lane_key(name) for name in ids]
    assert keys[0] == keys[2] == keys[4] == "org/lab/a"


def test_an_id_is_read_wherever_and_however_it_is_written() -> None:
    raw = b'[{"x":{"id":1},"i\\u0064":"org/lab/a"},{"x":1e400,"id":5},{"x":"\\u0000","id":6},{"id":1e400,"ref":"r"}]'
    items = items_of(taken(raw))
    assert [(item.key, item.ref) for item in items] == [("org/lab/a", None), (5, None), (6, None), (None, "r")]


@pytest.mark.parametrize(
    ("ref", "text"),
    [
        ("a", "a"),
        (7, "7"),
        (-1, "-1"),
        ("", ""),
        ("é" * 5_000, "é" * 5_000),
        (None, None),
        ({}, None),
        ([1], None),
        (True, None),
        (1.5, None),
        ("a\0b", None),
        ("x" * 100_001, None),
    ],
)
def test_a_ref_is_text_or_left_for_the_item_to_fail(ref: Any, text: str | None) -> None:
    (item,) = items_of(taken(dumped([{"id": 1, "ref": ref}])))
    assert (item.ref, item.key) == (text, 1)


@pytest.mark.parametrize("refs", [("a", "b", "a"), (7, "b", "7"), ("", "b", ""), ("é" * 5_000, "b", "é" * 5_000)])
def test_a_repeated_ref_is_refused_with_both_places(refs: tuple[Any, ...]) -> None:
    raws = [dumped({"id": 1, "ref": ref}) for ref in refs]
    for kind, raw in ((JSON, b"[" + b",".join(raws) + b"]"), (LINES, b"\n".join(raws))):
        refused = refusal_of(raw, kind)
        assert (refused.code, refused.members["indexes"]) == ("duplicate_ref", [0, 2])


def test_lines_are_numbered_and_items_indexed() -> None:
    items = items_of(taken(b'\n\r\n{"id":1}\r\n \t\n{"id":2}\n\n{"id":3}', LINES))
    assert [(item.index, item.line, item.key) for item in items] == [(0, 3, 1), (1, 5, 2), (2, 7, 3)]
    assert [item.line for item in items_of(taken(ARRAY))] == [None] * 50


# The members beside records


@pytest.mark.parametrize(
    "raw",
    [
        '{"import_id":"x","status":"complete","tags":["a"],"records":[{"id":1}]}',
        '{"records":[{"id":1}],"import_id":"x","status":"complete","tags":["a"]}',
        '{ "import_id" : "x" ,\n"records" : [ {"id":1} ] ,\n"tags" : [ "a" ] , "status" : "complete" }\n',
        '{"records":[{"id":1}],"tags":["a"],"status":"complete","import_id":"\\u0078"}',
        '{"tags":["a"],"status":"complete","import_id":"x","records":[{"id":[{}]}]}',
    ],
)
def test_members_are_known_before_and_after_the_items(raw: str) -> None:
    with taken(raw.encode()) as body:
        members = dict(body.envelope)
        assert members == {"import_id": "x", "status": "complete", "tags": ["a"]}
        assert len(list(body.items(lane_key))) == 1
        assert body.envelope == members


def test_items_can_be_read_again() -> None:
    with taken(b'{"records":' + ARRAY + b',"status":"x"}') as body:
        assert list(body.items(lane_key)) == list(body.items(lane_key))


@pytest.mark.parametrize(
    ("members", "code", "pointer"),
    [
        ('"status":5', "invalid_type", "/status"),
        ('"import_id":["x"]', "invalid_type", "/import_id"),
        ('"tags":"a"', "invalid_type", "/tags"),
        ('"tags":[1]', "invalid_type", "/tags"),
        ('"tags":[{}]', "invalid_type", "/tags"),
        ('"tags":["a","\\u0000"]', "invalid_text", "/tags/1"),
        ('"status":"\\ud800"', "invalid_text", "/status"),
        ('"status":1e400', "invalid_number", "/status"),
        ('"tags":' + "[" * 30 + "]" * 30, "too_deep", "/tags" + "/0" * 19),
    ],
)
def test_members_are_as_strict_as_items_and_typed(members: str, code: str, pointer: str) -> None:
    for raw in (f'{{{members},"records":[{{}}]}}', f'{{"records":[{{}}],{members}}}'):
        refused = refusal_of(raw.encode())
        assert (refused.code, refused.pointer) == (code, pointer)


# Memory and anything at all


@pytest.mark.parametrize("kind", [JSON, LINES])
@pytest.mark.parametrize("coding", [None, "gzip"])
def test_60_mb_are_taken_in_within_a_few(kind: str, coding: str | None) -> None:
    operation = dumped({"id": "org/lab/a", "patch": {f"key_{number}": {"value": "x" * 20} for number in range(50)}})
    count = 60_000_000 // len(operation)
    joined = (b"," if kind == JSON else b"\n").join([operation] * count)
    raw = b"[" + joined + b"]" if kind == JSON else joined
    stream = Stream(gzip.compress(raw, 1) if coding else raw)
    tracemalloc.start()
    with taken(stream, kind, coding=coding) as body:
        assert sum(1 for _ in body.items(str)) == count
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * MIB


def test_many_tiny_items_are_taken_in_within_a_few_mb() -> None:
    raw = b"[" + b"1," * 5_000_000 + b"1]"
    tracemalloc.start()
    assert refusal_of(Stream(raw)).members["actual"] > 1_000_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * MIB


@given(st.binary(max_size=200), st.sampled_from([JSON, LINES]), st.sampled_from([None, "gzip", "zstd"]), st.booleans())
def test_anything_at_all_is_taken_or_refused(raw: bytes, kind: str, coding: str | None, packed: bool) -> None:
    sent = {None: raw, "gzip": gzip.compress(raw), "zstd": zstd.compress(raw)}[coding] if packed else raw
    try:
        with taken(sent, kind, coding=coding) as body:
            if body.kind == "bulk":
                dict(body.envelope)
                list(body.items(lane_key))
            else:
                body.single()
    except Refused as refused:
        assert refused.code != "refused"
