"""What is refused of one JSON value, where, and what the decoder underneath does by itself."""

import json
import math
import re
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models import strictness
from models.errors import Refused
from models.settings import load
from models.strictness import Borders, decode_strict, find_syntax_fault, split_array

LIMITS = load().limits
MILLION = 1_000_000
STEPS = ("_INSIDE", "_BETWEEN", "_TEXT_REST", "_BRACKETS")


def refusal_of(raw: bytes, **limits: int) -> Refused:
    with pytest.raises(Refused) as caught:
        decode_strict(raw, replace(LIMITS, **limits))
    return caught.value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a":[1,-2.5,true,null,"x"]}', {"a": [1, -2.5, True, None, "x"]}),
        (b' { "a" : 1 ,\n\t"b" : { } } ', {"a": 1, "b": {}}),
        (b'{"a":"caf\\u00e9 \\ud83d\\ude00"}', {"a": "café 😀"}),
        (b'{"a":"\\\\u0000","b":"\\"x\\":1"}', {"a": "\\u0000", "b": '"x":1'}),
        (b'{"a":{"x":1},"b":{"x":1}}', {"a": {"x": 1}, "b": {"x": 1}}),
        (b'[{"a":1},{"a":2}]', [{"a": 1}, {"a": 2}]),
        (b'{"":{"":""}}', {"": {"": ""}}),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"9007199254740993", 2**53 + 1),
        (b"1e2", 100.0),
        (b"-0.0", 0.0),
        (b"1.50", 1.5),
        (b"0.10000000000000000000", 0.1),
        (b"0.30000000000000004", 0.30000000000000004),
        (b"1.7976931348623157e308", 1.7976931348623157e308),
        (b"0e999", 0.0),
        (b"[" * 20 + b"]" * 20, json.loads("[" * 20 + "]" * 20)),
        (b'{"a":' * 20 + b"1" + b"}" * 20, json.loads('{"a":' * 20 + "1" + "}" * 20)),
    ],
)
def test_what_can_be_kept_is_kept_exactly(raw: bytes, value: Any) -> None:
    decoded = decode_strict(raw, LIMITS)
    assert decoded == value
    assert type(decoded) is type(value)


@pytest.mark.parametrize(
    ("raw", "code", "pointer"),
    [
        (b'{"a":1,"a":1}', "duplicate_key", "/a"),
        (b'{ "a" : 1 , "a" : 2 }', "duplicate_key", "/a"),
        (b'{"a":1,"\\u0061":2}', "duplicate_key", "/a"),
        (b'{"x":[0,{"a/b~":{"c":1,"c":1}}]}', "duplicate_key", "/x/1/a~1b~0/c"),
        (b'{"note":"\\":","a":1,"a":2}', "duplicate_key", "/a"),
        (b'{"k\\u0022:":1,"a":1,"a":2}', "duplicate_key", "/a"),
        (b'{"a":' * 25 + b"1" + b"}" * 25, "too_deep", "/a" * 20),
        (b'{"x":' + b"[" * 20 + b"]" * 20 + b"}", "too_deep", "/x" + "/0" * 19),
        (b'"\\ud800"', "invalid_text", ""),
        (b'{"a":["\\ude00\\ud83d"]}', "invalid_text", "/a/0"),
        (b'{"a":{"\\udfff":1}}', "invalid_text", "/a"),
        (b'{"a":{"\\u0000":1}}', "invalid_text", "/a"),
        (b'{"a":{"b":"x\\u0000"}}', "invalid_text", "/a/b"),
        (b'{"a":"\\\\u0000","b":"\\u0000"}', "invalid_text", "/b"),
        (b'{"a":NaN}', "invalid_number", "/a"),
        (b'{"a":[Infinity]}', "invalid_number", "/a/0"),
        (b'{"a":-Infinity}', "invalid_number", "/a"),
        (b'{"a":1e400}', "invalid_number", "/a"),
        (b'{"a":-1e400}', "invalid_number", "/a"),
        (b'{"a":1e-400}', "invalid_number", "/a"),
        (b'{"a":0.12345678901234567890}', "invalid_number", "/a"),
        (b'{"a":9223372036854775808}', "invalid_number", "/a"),
        (b'{"a":-9223372036854775809}', "invalid_number", "/a"),
        (b'{"a":18446744073709551616}', "invalid_number", "/a"),
        (b'{"a":' + b"1" * 5_000 + b"}", "invalid_number", "/a"),
        (b'{"a":1.' + b"1" * 5_000 + b"}", "invalid_number", "/a"),
    ],
)
def test_what_parsers_let_through_is_refused_with_its_place(raw: bytes, code: str, pointer: str) -> None:
    refused = refusal_of(raw)
    assert (refused.code, refused.pointer) == (code, pointer)


@pytest.mark.parametrize(
    ("raw", "limits", "code", "pointer"),
    [
        ({"a": {"b": "x" * 11}}, {"text": 10}, "text_too_long", "/a/b"),
        ({"a": {"x" * 11: 1}}, {"text": 10}, "text_too_long", "/a"),
        ({"a": [dict.fromkeys("abcd", 1)]}, {"keys": 3}, "too_many_keys", "/a/0"),
        ([[[]]], {"depth": 2}, "too_deep", "/0/0"),
    ],
)
def test_a_limit_is_named_with_its_place(raw: Any, limits: dict[str, int], code: str, pointer: str) -> None:
    for separators in ((",", ":"), (", ", ": ")):
        refused = refusal_of(json.dumps(raw, separators=separators).encode(), **limits)
        assert (refused.code, refused.pointer) == (code, pointer)
        assert refused.members["limit"] == next(iter(limits.values()))


@pytest.mark.parametrize("raw", [{"a": "é" * 10}, {"é" * 10: 1}, [dict.fromkeys("abc", 1)], [[]]])
def test_a_limit_may_be_reached(raw: Any) -> None:
    limits = replace(LIMITS, text=10, keys=3, depth=2)
    assert decode_strict(json.dumps(raw).encode(), limits) == raw
    assert decode_strict(json.dumps(raw, ensure_ascii=False).encode(), limits) == raw


@pytest.mark.parametrize(
    ("raw", "line", "column"),
    [
        (b'{"a":1', 1, 7),
        (b'{"a":1,}', 1, 8),
        (b'{"a":1} {"a":1}', 1, 9),
        (b"{'a':1}", 1, 2),
        (b'{"a":1} // no', 1, 9),
        (b"{a:1}", 1, 2),
        (b'{"a":"x\ny"}', 1, 8),
        (b'{"a":"x\x00y"}', 1, 8),
        (b'{"a":\n "\\x"}', 2, 3),
        ('{"ééé":\n"é" x}'.encode(), 2, 5),
        (b"007", 1, 2),
        (b"+1", 1, 1),
        (b"0x10", 1, 2),
        (b"1.", 1, 2),
        (b".5", 1, 1),
        (b"", 1, 1),
        (b"nul", 1, 1),
    ],
)
def test_row_12_and_48_bad_syntax_is_refused_with_line_and_column(raw: bytes, line: int, column: int) -> None:
    refused = refusal_of(raw)
    assert (refused.code, refused.members) == ("invalid_json", {"line": line, "column": column})
    assert f"Line {line}, column {column}:" in refused.detail


@pytest.mark.parametrize("raw", [b'"\xff"', b'{"a":"\xc0\xaf"}', b'"\xed\xa0\x80"', b"\xff\xfe[\x00]\x00", b'{"\xe9":1}'])
def test_what_is_not_utf_8_is_refused(raw: bytes) -> None:
    assert refusal_of(raw).code == "invalid_encoding"


@pytest.mark.parametrize(
    "raw", [b"[" * MILLION, b"[" * MILLION + b"]" * MILLION, b'{"a":' * MILLION, b"[" * 5_000 + b"]" * 5_000]
)
def test_row_27_a_million_levels_are_too_deep_and_not_a_crash(raw: bytes) -> None:
    assert refusal_of(raw).code == "too_deep"


def test_a_pointer_never_repeats_a_long_name() -> None:
    long = "x" * 5_000
    assert refusal_of(json.dumps({"a": {long: {"b": math.nan}}}).encode()).pointer == "/a"


def test_trailing_blanks_cost_no_more_than_their_length() -> None:
    assert refusal_of(b'{"a":1,"a":1}' + b" " * 4_000_000).code == "duplicate_key"


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text('aé:"\\u0 \n😀')
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text('a:"\\ é'), inner, max_size=5),
    max_leaves=30,
)  # fmt: skip


@given(JSON, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_every_good_value_is_what_json_says(value: Any, ascii_only: bool, indent: Any) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert decode_strict(raw, LIMITS) == value


@given(JSON, JSON, st.text('ab:"\\u00 '), st.booleans())
def test_a_doubled_member_is_always_found(first: Any, second: Any, name: str, spaced: bool) -> None:
    colon = " : " if spaced else ":"
    raw = f"[{{{json.dumps(name)}{colon}{json.dumps(first)},{json.dumps(name)}{colon}{json.dumps(second)}}}]"
    refused = refusal_of(raw.encode())
    assert (refused.code, json.loads(raw)) == ("duplicate_key", [{name: second}])


@given(st.binary(max_size=60) | st.text('[]{},:"\\ud800NaN1e.-+ \n', max_size=60).map(str.encode))
@example(b'{"a":NaN,"b":[')
@example(b'["\\ud800\\')
def test_garbage_is_decoded_as_json_does_or_refused(raw: bytes) -> None:
    try:
        value = decode_strict(raw, LIMITS)
    except Refused:
        return
    assert json.loads(raw) == value


# Where values end


@given(JSON, st.text(" \t\r\n"), st.sampled_from([b",", b"]", b"}"]), st.integers(1, 9))
def test_borders_are_found_in_pieces_of_any_size(value: Any, blanks: str, closing: bytes, step: int) -> None:
    raw = (blanks + json.dumps(value, indent=len(blanks) % 3 or None) + blanks).encode()
    whole = raw + closing + b'"x",['
    borders = Borders()
    ends = (borders.find(whole[:size]) for size in range(0, len(whole) + step, step))
    assert next(end for end in ends if end is not None) == len(raw)


@pytest.mark.parametrize(
    "item",
    ['"\\ud800"', "[" * 5_000 + "]" * 5_000, '{"a": [ [ ] ] }', "[ [ [ ] ] ]", '{"a]":"},{"}', "NaN", '"\\\\"', '["\\"]"]', "1"],
)
def test_split_array_gives_back_what_was_joined(item: str) -> None:
    items = [item.encode(), b'{"a":1}', item.encode()]
    assert split_array(b"[" + b",".join(items) + b"]") == items


def test_split_array_of_nothing_is_empty() -> None:
    assert split_array(b"[]") == []


class CountingPattern:
    """Counts how often a pattern is applied."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self._pattern = pattern
        self.calls = 0

    def match(self, piece: bytes, at: int) -> re.Match[bytes] | None:
        self.calls += 1
        return self._pattern.match(piece, at)


@pytest.mark.parametrize("piece", [b"[", b"[ ", b'{"a":', b"[[],", b'["', b'"\\', b'["\\n', b"[1,[{},"])
def test_borders_take_a_bounded_number_of_steps(piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    patterns = [CountingPattern(getattr(strictness, name)) for name in STEPS]
    for name, pattern in zip(STEPS, patterns, strict=True):
        monkeypatch.setattr(strictness, name, pattern)
    whole = piece * (100_000 // len(piece))
    borders = Borders()
    for size in range(0, len(whole), 1_000):
        assert borders.find(whole[:size]) is None
    brackets = whole.count(b"[") + whole.count(b"{")
    assert sum(pattern.calls for pattern in patterns) <= 2 * brackets + 4 * 101


# What msgspec does by itself; where one of these changes, the module's reasons change


@pytest.mark.parametrize("raw", [b'"\\ud800"', b'"\\ude00\\ud83d"', b'{"\\ud800":1}', b"NaN", b"-Infinity", b"007", b'"\n"'])
def test_msgspec_refuses_even_to_skip(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(b"[" + raw + b"]", type=list[msgspec.Raw])


@pytest.mark.parametrize("raw", [b"1e400", b"1" * 5_000, b'"\xff"', b'"\\u0000"', b'{"a":1,"a":2}'])
def test_msgspec_skips_without_looking(raw: bytes) -> None:
    assert [bytes(item) for item in msgspec.json.decode(b"[" + raw + b"]", type=list[msgspec.Raw])] == [raw]


@pytest.mark.parametrize("raw", [b'{"a":1,"a":2}', b'"\\u0000"', b"18446744073709551616", b"1e-400", b"0.12345678901234567890"])
def test_msgspec_decodes_what_cannot_be_kept(raw: bytes) -> None:
    msgspec.json.decode(raw)


@pytest.mark.parametrize("raw", [b"1e400", b"1" * 5_000])
def test_msgspec_refuses_numbers_out_of_range(raw: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(raw)


def test_msgspec_keeps_long_whole_numbers_exactly() -> None:
    assert msgspec.json.decode(b"123456789012345678901234567890") == 123456789012345678901234567890


def test_msgspec_counts_levels_when_it_skips() -> None:
    with pytest.raises(RecursionError):
        msgspec.json.decode(b"[" * MILLION, type=list[msgspec.Raw])


def test_syntax_in_the_wide_sense_lets_other_refusals_speak() -> None:
    for raw in (b'"\\ud800"', b"NaN", b"1e400", b"1" * 5_000, b"[" * 100_000 + b"]" * 100_000):
        assert find_syntax_fault(raw) is None
    assert find_syntax_fault('["é" 1]'.encode()) == (6, "Expecting ',' delimiter")
