"""Runs every benchmark in a process of its own, prints what they say, and writes it to docs/benchmarks.md.

A benchmark prints a section of Markdown and exits with 1 when it misses its own limit.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
BENCHMARKS = ("trace.py", "drawing.py", "startup.py")
PAGE = HERE.parent / "docs" / "benchmarks.md"


def heading() -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "graphviz-pure"))
    return (
        "# Benchmarks\n\n"
        "Written by `make bench`. Figures are of one machine and one day; the ratios and exponents are what carries over.\n\n"
        f"Python {platform.python_version()}, {versions}, {platform.system()} {platform.machine()}.\n"
    )


def main() -> int:
    chosen = sys.argv[1:] or BENCHMARKS
    sections, failed = [], []
    for name in chosen:
        done = subprocess.run([sys.executable, HERE / name], stdout=subprocess.PIPE, text=True)
        print(done.stdout, flush=True)
        sections.append(done.stdout.strip())
        if done.returncode:
            failed.append(name)
    if failed:
        print(f"missed a limit or failed: {', '.join(failed)}", file=sys.stderr)
    if chosen is BENCHMARKS:
        PAGE.write_text("\n\n".join([heading().rstrip(), *sections]) + "\n", encoding="utf-8")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
