"""The bad-input matrix as requests: what is sent, and which answers are right. Row numbers are those of the matrix."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

RECORD = "/classification/api/classifications/v2/record/"
SELECTED = "/classification/api/classifications/v2/records/bulk/publish"
JSON = "application/json"
NDJSON = "application/x-ndjson"
GOOD = {"id": "north/one/good", "upsert": {"condition": "fine"}}
BIG = 100_000


@dataclass(frozen=True)
class Bad:
    """One request. `codes` are the codes of which the answer must have one, as a whole or for its first item."""

    row: int
    name: str
    body: bytes | None
    statuses: tuple[int, ...]
    codes: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    path: str = RECORD

    def __str__(self) -> str:
        return f"{self.row}-{self.name}"


def compact(value: Any) -> bytes:
    """Return JSON; half surrogates and NUL go out as escapes."""
    return json.dumps(value, separators=(",", ":")).encode()


def bulk(*items: bytes) -> bytes:
    """Return a bulk body of items as they are."""
    return b'{"records":[' + b",".join(items) + b"]}"


def both(row: int, name: str, item: bytes, *codes: str, status: int = 400) -> Iterator[Bad]:
    """The same fault in a single operation, which is refused, and in one of two items, where the other is not harmed."""
    yield Bad(row, name, item, (status,), codes)
    yield Bad(row, f"{name} as an item", bulk(item, compact(GOOD)), (200,), codes)


def of_value(row: int, name: str, text: str, *codes: str) -> Iterator[Bad]:
    """A fault in the value of a cell, given as JSON text."""
    item = '{"id":"north/one/bad","upsert":{"condition":%s}}' % text  # noqa: UP031 - braces
    yield from both(row, name, item.encode(), *codes)


def of_id(row: int, name: str, text: str, *codes: str, status: int = 400) -> Iterator[Bad]:
    """A fault in the id, given as JSON text."""
    item = '{"id":%s,"upsert":{"condition":"x"}}' % text  # noqa: UP031 - braces
    yield from both(row, name, item.encode(), *codes, status=status)


def transport() -> Iterator[Bad]:
    good = compact(GOOD)
    for name, body in {"empty": b"", "blanks": b" \n\t "}.items():
        yield Bad(1, name, body, (400,), ("invalid_json",))
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", ""):
        yield Bad(2, f"content type {kind or 'none'}", good, (415,), ("unsupported_media_type",), {"Content-Type": kind})
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        yield Bad(3, encoding, json.dumps(GOOD).encode(encoding), (400,), ("invalid_encoding", "invalid_json"))
    latin = '{"id":"north/one/bad","upsert":{"condition":"é"}}'.encode("latin-1")
    yield Bad(4, "latin-1", latin, (400,), ("invalid_encoding",))
    yield Bad(4, "latin-1 with a charset", latin, (400, 415), (), {"Content-Type": "application/json; charset=latin-1"})
    yield Bad(4, "overlong UTF-8", good.replace(b"fine", b"\xc0\xaf"), (400,), ("invalid_encoding",))
    yield Bad(4, "surrogate in UTF-8", good.replace(b"fine", b"\xed\xa0\x80"), (400,), ("invalid_encoding",))
    yield Bad(5, "byte order mark", b"\xef\xbb\xbf" + good, (200, 400), ())
    bomb = gzip.compress(b'{"id":"' + b"a" * 300_000_000, 1)
    yield Bad(6, "gzip bomb", bomb, (413,), ("body_too_large",), {"Content-Encoding": "gzip"})
    for name, body in {"none": good, "cut": gzip.compress(good)[:-6], "twice": gzip.compress(gzip.compress(good))}.items():
        yield Bad(7, f"gzip {name}", body, (400,), ("invalid_encoding", "invalid_json"), {"Content-Encoding": "gzip"})
    for encoding in ("br", "compress", "gzip, gzip", "zip"):
        headers = {"Content-Encoding": encoding}
        yield Bad(7, f"encoding {encoding}", good, (400, 415), ("unsupported_content_encoding", "invalid_encoding"), headers)
    for method in ("PUT", "DELETE", "PATCH"):
        yield Bad(10, method, good, (405,), ("method_not_allowed",), method=method)
    for name, path in {"NUL": "%00", "bad UTF-8": "%ff%fe", "long": "a" * 20_000, "NUL in a name": "north/one/a%00b"}.items():
        yield Bad(11, f"path {name}", good, (400, 404, 414), (), path=RECORD + path)


SYNTAX = {
    "cut": '{"id": "a", ', "trailing comma": '{"id": "a",}', "single quotes": "{'id': 'a'}", "comment": '{"id": /* */ "a"}',
    "unquoted key": '{id: "a"}', "raw newline": '{"id": "a\nb"}', "raw NUL": '{"id": "a\0b"}', "bad escape": '{"id": "\\x41"}',
    "cut escape": '{"id": "\\u12"}', "word": '{"id": nil}', "no colon": '{"id" "a"}', "two commas": '{"id": "a",, "b": 1}',
    "zero first": '{"id": 007}', "plus": '{"id": +1}', "hex": '{"id": 0x10}', "bare dot": '{"id": 1.}', "dot first": '{"id": .5}',
}  # fmt: skip


def syntax() -> Iterator[Bad]:
    for name, text in SYNTAX.items():
        row = 48 if name in ("zero first", "plus", "hex", "bare dot", "dot first") else 12
        yield Bad(row, name, text.encode(), (400,), ("invalid_json", "invalid_number"))
        whole = bulk(compact(GOOD), text.encode())
        yield Bad(row, f"{name} in a list", whole, (200, 400), ("invalid_json", "invalid_number"))
        if "\n" not in text:
            lines = compact(GOOD) + b"\n" + text.encode() + b"\n"
            headers = {"Content-Type": NDJSON}
            yield Bad(14, f"{name} in a line", lines, (400,), ("invalid_json", "invalid_number"), headers)
    yield Bad(12, "two documents", compact(GOOD) * 2, (400,), ("invalid_json",))
    yield from both(13, "duplicate member", b'{"id":"north/one/bad","upsert":{"condition":"a","condition":"b"}}', "duplicate_key")
    yield Bad(13, "duplicate records", b'{"records":[],"records":[]}', (400,), ("duplicate_key",))


def shape() -> Iterator[Bad]:
    for text in ("null", "1", '"text"', "true"):
        yield Bad(15, text, text.encode(), (400,), ("invalid_request", "invalid_record"))
    for text in ("null", "{}", '"text"', "1", "true"):
        yield Bad(16, f"records {text}", f'{{"records":{text}}}'.encode(), (400,), ("invalid_request", "empty"))
    yield Bad(17, "unknown member", b'{"recrods":[{"id":1}]}', (400,), ("unknown_field", "invalid_id"))
    yield Bad(17, "unknown member beside records", b'{"records":[{"id":1}],"rcords":1}', (400,), ("unknown_field",))
    for text in ("null", "1", "[]", '"text"', "true"):
        yield Bad(18, f"item {text}", bulk(text.encode()), (200,), ("invalid_record",))
    for text in ("null", "true", "[]", '""', '"' + "a" * 10_000 + '"', "{}", "1.5", "-1", '"north/one/"'):
        yield from of_id(19, f"id {text[:20]}", text, "invalid_id", "text_too_long", "unknown_lab", "invalid_number")
    yield from both(19, "no id", b'{"upsert":{}}', "invalid_id")
    verbs = {
        "two operations": '"create":{},"patch":{}', "a list": '"patch":[]', "a text": '"upsert":"x"', "a number": '"create":1',
    }  # fmt: skip
    for name, text in verbs.items():
        item = f'{{"id":"north/one/bad",{text}}}'.encode()
        yield from both(20, name, item, "ambiguous_operation", "invalid_operation")
    for text in ('"galaxy"', "9", "-1", "[]", "1.5", '"PUBLIC"'):
        yield from both(
            21, f"publish {text}", b'{"id":"north/one/bad","publish":%s}' % text.encode(), "invalid_publish", "not_found"
        )
    yield from both(22, "a version", b'{"id":"north/one/bad.1557189685.4","patch":{}}', "read_only_version", "not_found")
    for name in ("no/lab/x", "a/b", "a/b/c/d"):
        yield from both(22, f"unknown lab {name}", b'{"id":"%s","create":{}}' % name.encode(), "unknown_lab", status=404)
    yield from both(23, "patch of nothing", b'{"id":"north/one/none","patch":{}}', "not_found", status=404)
    yield from both(25, "delete reason", b'{"id":"north/one/x","delete":true,"delete_reason":"BORED"}', "invalid_value")
    yield from both(25, "delete nonsense", b'{"id":"north/one/x","delete":"yes"}', "invalid_value")
    yield from both(25, "source", b'{"id":"north/one/x","patch":{},"source":"dream"}', "invalid_source")
    for depth in (100, 5_000, 1_000_000):
        text = "[" * depth + "]" * depth
        if depth < 1_000_000:
            yield from of_value(26, f"depth {depth}", text, "too_deep")
        yield Bad(27, f"depth {depth} alone", text.encode(), (400, 413, 200), ("too_deep", "body_too_large", "invalid_record"))
    keys = ",".join(f'"k{number}":1' for number in range(BIG)).encode()
    yield from both(28, "100,000 keys", b'{"id":"north/one/bad","upsert":{%s}}' % keys, "too_many_keys")
    yield Bad(29, "one too many", bulk(*[b"1"] * (BIG + 1)), (413,), ("too_many_items",))
    yield Bad(29, "300,000", bulk(*[b"1"] * 3 * BIG), (413,), ("too_many_items",))


def texts() -> Iterator[Bad]:
    for name, text in {"NUL": "\\u0000", "lone": "\\ud800", "reversed": "\\udc00\\ud800"}.items():
        row = 32 if name == "NUL" else 33
        yield from of_value(row, f"{name} in a value", f'"a{text}b"', "invalid_text")
        item = f'{{"id":"north/one/bad","upsert":{{"{text}":"x"}}}}'.encode()
        yield from both(row, f"{name} in a key", item, "invalid_text", "unknown_key")
        yield from of_id(row, f"{name} in an id", f'"north/one/a{text}b"', "invalid_text", "invalid_id")
        yield from both(row, f"{name} in a ref", f'{{"id":"north/one/bad","patch":{{}},"ref":"{text}"}}'.encode(), "invalid_text")
    yield from of_value(36, "a million characters", '"' + "a" * 1_000_000 + '"', "text_too_long")
    yield from of_value(36, "a million marks", '"a' + "\\u0301" * 200_000 + '"', "text_too_long")


def numbers() -> Iterator[Bad]:
    for text in ("NaN", "Infinity", "-Infinity"):
        yield Bad(
            41,
            text,
            f'{{"id":"north/one/bad","upsert":{{"condition":{text}}}}}'.encode(),
            (400,),
            ("invalid_number", "invalid_json"),
        )
    for text in ("1e400", "-1e400", str(2**63), str(-(2**63) - 1), str(2**64), "9" * 5_000, "0." + "1" * 30):
        row = 42 if "e" in text else 44 if len(text) > 100 else 49 if "." in text else 43
        yield from of_value(row, f"{text[:24]}", text, "invalid_number")


def headers() -> Iterator[Bad]:
    good = bulk(compact(GOOD))
    for name, key in {"empty": "", "long": "k" * 300, "tab": "a\tb", "not ASCII": "clé", "comma": "a,b"}.items():
        yield Bad(60, f"key {name}", good, (400,), ("invalid_idempotency_key",), {"Idempotency-Key": key})
    for name, text in {
        "none": "", "empty": "Bearer ", "Basic": "Basic a2V5LWFubjo=", "unknown": "Bearer me", "8 kB": "Bearer " + "k" * 8_000,
        "alg none": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.", "two": "Bearer key-for-tests-ann key-for-tests-ben",
    }.items():  # fmt: skip
        yield Bad(63, f"authorization {name}", good, (400, 401) if name == "8 kB" else (401,), (), {"Authorization": text})
    yield Bad(64, "key in the query", good, (400, 401), (), {"Authorization": ""}, path=RECORD + "?key=key-for-tests-ann")


def reading() -> Iterator[Bad]:
    for token in (
        "1",
        "x",
        "'",
        "%25",
        "%2e%2e",
        "00000000-0000-4000-8000-000000000000",
        "{00000000-0000-4000-8000-000000000000}",
        "a" * 8_000,
    ):
        for path in (f"/api/jobs/{token}", f"/api/jobs/{token}/results"):
            yield Bad(54, f"{path[:24]}...{path[-30:]}", None, (404,), ("not_found",), method="GET", path=path)
        yield Bad(54, f"cancel {token[:40]}", b"", (404,), ("not_found",), path=f"/api/jobs/{token}/cancel")
    for size in ("0", "-1", "1.5", "ten", "1" + "0" * 20, "%D9%A1", "%C2%B2", "NaN", "", "+1", "1e2"):
        yield Bad(56, f"size {size}", None, (400,), ("invalid_page_size",), method="GET", path=f"/api/jobs?page.size={size}")
    for cursor in ("", "garbage", "a" * 5_000, "%C3%A9", "..%2F", "eyJhIjoxfQ=="):
        yield Bad(
            57,
            f"cursor {cursor[:20]}",
            None,
            (400, 414),
            ("invalid_cursor", "uri_too_long"),
            method="GET",
            path=f"/api/jobs?page.cursor={cursor}",
        )
    for moment in (
        "2026-02-30T00:00:00Z",
        "0000-00-00T00:00:00Z",
        "2026-01-01T25:00:00Z",
        "infinity",
        "now",
        "1e20",
        "10000-01-01T00:00:00Z",
    ):
        yield Bad(50, f"after {moment}", None, (400,), ("invalid_date",), method="GET", path=f"/api/jobs?created_after={moment}")
    for selection in (
        "null",
        "{}",
        "[]",
        '"x"',
        "[null]",
        "[1.5]",
        '[{"children":[1],"search":{}}]',
        '[{"search":{"q":1}}]',
        "[" * 300 + "]" * 300,
    ):
        body = b'{"selection":%s,"publish":"lab"}' % selection.encode()
        yield Bad(30, f"selection {selection[:30]}", body, (400,), (), path=SELECTED)


def all_of_them() -> list[Bad]:
    """Return every request of the matrix."""
    return [bad for part in (transport, syntax, shape, texts, numbers, headers, reading) for bad in part()]
