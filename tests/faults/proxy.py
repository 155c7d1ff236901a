"""A small TCP proxy before the database, which cuts answers, resets connections, falls silent or is slow when told to."""

from __future__ import annotations

import socket
import struct
import threading
import time
from dataclasses import dataclass, field

COMMIT = b"COMMIT\x00"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset
PIECE = 1 << 16


@dataclass(eq=False)
class Line:
    """One connection: the client's end and the server's."""

    client: socket.socket
    server: socket.socket
    doomed: bool = False  # the next answer is not delivered

    def cut(self) -> None:
        """Reset both ends; whoever reads or writes them notices."""
        for end in (self.client, self.server):
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                end.shutdown(socket.SHUT_RDWR)
            except OSError:  # gone already
                continue


@dataclass
class Proxy:
    """Listens on a port of its own and passes on to a Unix socket, each connection in two threads."""

    target: str
    cuts_left: int = 0
    cuts_made: int = 0
    delay: float = 0.0
    lines: set[Line] = field(default_factory=set)
    threads: list[threading.Thread] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.flowing = threading.Event()
        self.flowing.set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = int(self.listener.getsockname()[1])
        self._spawn(self._accept)

    def cut_commits(self, number: int) -> None:
        """Let so many commits through and drop their answers."""
        with self.lock:
            self.cuts_left = number

    def reset(self) -> None:
        """Reset every connection."""
        for line in list(self.lines):
            line.cut()

    def silence(self) -> None:
        """Take bytes and pass none on, in either direction, until `resume`."""
        self.flowing.clear()

    def resume(self) -> None:
        """Pass on what was kept back, and all that follows."""
        self.flowing.set()

    def stop(self) -> None:
        """End all connections and threads."""
        self.flowing.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.reset()
        for thread in list(self.threads):
            thread.join(10)

    def _spawn(self, target: object, *values: object) -> None:
        thread = threading.Thread(target=target, args=values, daemon=True)  # type: ignore[arg-type]
        self.threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:  # the listener was closed
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self.target)
            except OSError:  # the database is away: so is the connection
                client.close()
                server.close()
                continue
            line = Line(client, server)
            self.lines.add(line)
            self._spawn(self._serve, line)

    def _serve(self, line: Line) -> None:
        back = threading.Thread(target=self._pass, args=(line, line.server, line.client), daemon=True)
        back.start()
        self._pass(line, line.client, line.server)
        back.join()
        self.lines.discard(line)
        line.client.close()
        line.server.close()

    def _pass(self, line: Line, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(PIECE):
                self.flowing.wait(60)
                time.sleep(self.delay)
                if source is line.client and COMMIT in data:
                    line.doomed = self._takes_a_cut()
                if source is line.server and line.doomed:
                    break
                sink.sendall(data)
        except OSError:  # reset by either end, or by us
            pass
        line.cut()

    def _takes_a_cut(self) -> bool:
        with self.lock:
            taken = self.cuts_left > 0
            self.cuts_left -= taken
            self.cuts_made += taken
        return taken
