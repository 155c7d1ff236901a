"""What is put between a process and the C library, for faults of the machine itself."""

from __future__ import annotations

import subprocess
from pathlib import Path


def build(name: str, folder: Path) -> Path:
    """Compile `name`.c into a library for LD_PRELOAD that any user may read."""
    library = folder / f"{name}.so"
    source = Path(__file__).with_name(f"{name}.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source, "-ldl"], check=True)
    library.chmod(0o755)
    return library
