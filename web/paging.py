"""Lists a page at a time: size and cursor out of the parameters, the next page's address into the answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from models import ids
from models.selection.cursor import Binding, Cursor, open_cursor, query_digest
from web.answers import answer
from web.auth import principal


def open_page(ask: dict[str, Any], kind: str) -> tuple[int, Cursor, Binding]:
    """Take size and cursor out of the parameters; the rest is what the cursor is bound to."""
    size, text = ask.pop("page_size"), ask.pop("page_cursor")
    others = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in ask.items()}
    binding = Binding(kind, principal().user_id, query_digest(others))
    return size, open_cursor(text, binding, ids.now()) if text else Cursor((), ids.now()), binding


def paged(body: dict[str, Any], size: int, following: str | None) -> Response:
    """Answer with a page; `Link` and `page.cursor` lead to the next one."""
    response = answer(body | {"page.size": size, "page.cursor": following})
    if following:
        query = {**request.args.to_dict(), "page.cursor": following}
        response.headers["Link"] = f'<{request.path}?{urlencode(query)}>; rel="next"'
    return response
