"""How long netfig takes to start, as ratios within one run: ``netfig --help`` to loading the two libraries that its command line
stands on, and drawing a recurrence to starting Python with click.

Each command is a process of its own, with bytecode written as an installed package has it; a pair runs in turn, and the
verdict is the median of the pairs' ratios.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 21
PROJECT = Path(__file__).parents[1]
DRAW = "netfig draw examples/recurrences/elman.rnn --steps 3 -o rnn.svg"

PYTHON = [sys.executable, "-c"]
PAIRS = (
    ("netfig --help", "import click, pluggy", ["--help"], 2.0),
    (DRAW, "import click", DRAW.split()[1:-1], 4.0),
)
"""What is measured, what it is compared with, its arguments, and the largest ratio allowed."""


def seconds(command: list[str], env: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=PROJECT, env=env)
    return time.perf_counter() - start


def main() -> int:
    missed = False
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    print(f"Medians of {ROUNDS} alternating runs of whole processes.\n")
    print("| command | ms | beside | ms | ratio | at most |\n| --- | --: | --- | --: | --: | --: |")
    with tempfile.TemporaryDirectory() as folder:
        for name, plain, words, limit in PAIRS:
            ours = [sys.executable, "-m", "netfig", *words]
            if "-o" in words:
                ours.append(str(Path(folder) / "rnn.svg"))
            for command in ([*PYTHON, plain], ours):
                seconds(command, env)  # writes the bytecode
            pairs = [(seconds([*PYTHON, plain], env), seconds(ours, env)) for _ in range(ROUNDS)]
            base, shown = (statistics.median(column) for column in zip(*pairs, strict=True))
            ratio = statistics.median(b / a for a, b in pairs)
            missed |= ratio > limit
            print(f'| `{name}` | {1000 * shown:.0f} | `python -c "{plain}"` | {1000 * base:.0f} | {ratio:.2f} | {limit:.1f} |')
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
