"""Runs every benchmark in a process of its own, prints what they say, and writes it to docs/benchmarks.md.

A benchmark prints Markdown and exits with 1 when it misses a limit of its own. Named ones run alone, and nothing is written.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
BENCHMARKS = {
    "Tracing": ("trace.py", "--peers"),
    "Memory": ("trace.py", "--memory"),
    "Drawing": ("drawing.py",),
    "Start-up": ("startup.py",),
}


def heading() -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "graphviz-pure", "torchview", "torchlens"))
    return (
        "# Benchmarks\n\n"
        "Written by `make bench`. Times are of one machine on one day; what carries over are ratios and exponents.\n\n"
        f"Python {platform.python_version()}, {versions}, {platform.system()} {platform.machine()}."
    )


def main() -> int:
    """Run them."""
    chosen = sys.argv[1:] or list(BENCHMARKS)
    sections, failed = [], []
    for name in chosen:
        script, *words = BENCHMARKS[name]
        done = subprocess.run([sys.executable, HERE / script, *words], stdout=subprocess.PIPE, text=True)
        section = f"## {name}\n\n{done.stdout.strip()}\n"
        print(section, flush=True)
        sections.append(section)
        if done.returncode:
            failed.append(name)
    if failed:
        print(f"failed, or missed a limit: {', '.join(failed)}", file=sys.stderr)
    if len(chosen) == len(BENCHMARKS):
        PAGE.write_text("\n\n".join([heading(), *(s.strip() for s in sections)]) + "\n", encoding="utf-8")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
