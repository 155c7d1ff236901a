"""Requests on the wire, for programs that run many things at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import IO, Any

import httpx2

from waybill.errors import Unreachable
from waybill.wire import TIMEOUT, Answer, Flow, Lost, Pause, Request, T

STEP = 256 * 1024


class AsyncTransport:
    """Connections to one server as one user."""

    def __init__(self, url: str, key: str, agent: str) -> None:
        self.url = url
        headers = {"Authorization": f"Bearer {key}", "User-Agent": agent}
        self._client = httpx2.AsyncClient(headers=headers, follow_redirects=False)

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""
        resume: Callable[[], Request | Pause] = partial(next, flow)
        while True:
            try:
                step = resume()
            except StopIteration as done:
                result: T = done.value
                return result
            resume = await self._answered(flow, step)

    async def _answered(self, flow: Flow[T], step: Request | Pause) -> Callable[[], Request | Pause]:
        """Do what a flow asks for; return what goes on with it."""
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return partial(flow.send, None)
        try:
            return partial(flow.send, await self.send(step))
        except Lost as lost:
            return partial(flow.throw, lost)

    async def send(self, request: Request) -> Answer:
        """Send a request once and read the answer to its end. Raises Lost, and Unreachable where a repeat would not help."""
        async with self._open(request) as response:
            return Answer(response.status_code, dict(response.headers), await response.aread())

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[tuple[Answer, AsyncIterator[bytes]]]:
        """Give an answer without its body, and the body piece by piece. Raises as `send`."""
        async with self._open(request) as response:
            refusal = await response.aread() if response.status_code >= 300 else b""
            yield Answer(response.status_code, dict(response.headers), refusal), response.aiter_raw()

    @asynccontextmanager
    async def _open(self, request: Request) -> AsyncIterator[httpx2.Response]:
        try:
            body, headers = _body(request)
            timeout = httpx2.Timeout(request.silence, connect=TIMEOUT[0], pool=None)
            async with self._client.stream(
                request.method,
                self.url + request.path,
                params=dict(request.query),
                content=body,
                headers=headers,
                timeout=timeout,
            ) as response:
                yield response
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise Unreachable(f"{self.url}: {error}") from None
        except httpx2.TransportError as error:
            if "CERTIFICATE" in str(error):
                raise Unreachable(f"{self.url}: no safe connection: {error}") from None
            raise Lost(f"{self.url}: {_cause(error)}") from None


def _body(request: Request) -> tuple[Any, dict[str, str]]:
    if request.body is None or isinstance(request.body, bytes):
        return request.body, dict(request.headers)
    size = request.body.seek(0, os.SEEK_END)
    return _pieces(request.body), {**request.headers, "Content-Length": str(size)}


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    """Give a file from its beginning. It was just written, so reading it waits for no disk."""
    file.seek(0)
    while piece := file.read(STEP):
        yield piece


def _cause(error: Exception) -> str:
    if isinstance(error, httpx2.TimeoutException):
        return "no answer in time"
    return "nothing answers there" if isinstance(error, httpx2.ConnectError) else "the connection broke off"
