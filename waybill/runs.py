"""What `waybill submit` has begun, on disk: so that a second run of the command goes on where the first was killed.

The run's name is made of the operations themselves. So the same file is the same run, and even where this memory is lost, the
server knows the parts by their idempotency keys.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from waybill.config import state_folder, write_private
from waybill.parts import Cut
from waybill.pieces import Piece

KEPT = 365 * 86_400  # seconds; as long as the server keeps its idempotency keys


@dataclass(slots=True)
class Run:
    """One file on its way. `number` counts the times that it was to be sent anew, `sent` says that all parts are stored."""

    place: Path
    identity: str
    cut: Cut
    number: int = 0
    pieces: list[Piece] = field(default_factory=list)
    sent: bool = False
    ended: bool = False

    @property
    def name(self) -> str:
        """What its parts' idempotency keys begin with."""
        return f"file-{self.identity[:32]}-{self.number}"

    def save(self) -> None:
        """Keep it."""
        document = {
            "cut": asdict(self.cut),
            "number": self.number,
            "pieces": [asdict(piece) for piece in self.pieces],
            "sent": self.sent,
            "ended": self.ended,
        }
        write_private(self.place, json.dumps(document))

    def again(self) -> None:
        """Begin anew with the same operations."""
        self.number += 1
        self.pieces, self.sent, self.ended = [], False, False
        self.save()


def open_run(url: str, key: str, asked: str, digest: str, cut: Cut) -> Run:
    """Return the run of these operations, as far as it came; `asked` is all that makes it another one."""
    identity = hashlib.sha256(f"{url}\n{asked}\n{digest}".encode()).hexdigest()
    whose = hashlib.sha256(key.encode()).hexdigest()
    folder = state_folder() / "runs"
    _forget_old(folder)
    place = folder / f"{identity[:32]}-{whose[:8]}.json"
    try:
        known = json.loads(place.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return Run(place, identity, cut)
    return _parse(known, place, identity)


def _parse(known: dict[str, Any], place: Path, identity: str) -> Run:
    pieces = [Piece(**piece) for piece in known["pieces"]]
    return Run(place, identity, Cut(**known["cut"]), known["number"], pieces, known["sent"], known["ended"])


def _forget_old(folder: Path) -> None:
    for file in folder.glob("*.json"):
        if file.stat().st_mtime < time.time() - KEPT:
            file.unlink(missing_ok=True)
