"""How long ``netfig --help`` takes, as a ratio to loading the two libraries that its command line stands on."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 21
LIMIT = 2.0

PLAIN = [sys.executable, "-c", "import click, pluggy"]
HELP = [sys.executable, "-m", "netfig", "--help"]


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> int:
    for command in (PLAIN, HELP):
        seconds(command)  # writes the bytecode
    pairs = [(seconds(PLAIN), seconds(HELP)) for _ in range(ROUNDS)]
    plain, shown = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"Medians of {ROUNDS} alternating runs. The ratio must stay at or under {LIMIT:.1f}.\n")
    print("| command | ms |\n| --- | --: |")
    print(f'| `python -c "import click, pluggy"` | {1000 * plain:.0f} |')
    print(f"| `netfig --help` | {1000 * shown:.0f} |")
    print(f"| ratio | {ratio:.2f} |")
    return int(ratio > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
