"""Pause points: where a test may stop a worker to kill it there. Without WAYBILL_PAUSE_AT they do nothing."""

from __future__ import annotations

import time
from pathlib import Path

from models.settings import settings


def pause(point: str) -> None:
    """Stand still at `point` if the settings name it, until a file of that name in the home's `pause` folder is gone.

    The file is made by whoever wants the pause; a worker that arrives adds `.reached` beside it.
    """
    if settings().pause_at != point:
        return
    gate = Path(settings().home) / "pause" / point
    if gate.exists():
        gate.with_suffix(".reached").touch()
    while gate.exists():
        time.sleep(0.01)
