"""What the tests of the command line share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

CHAIN = "Conv2d(3,16,3,padding=1) | ReLU | MaxPool2d(2) | Flatten | Linear(10)"


@dataclass(frozen=True)
class Done:
    """What one command did."""

    code: int
    stdout: str
    stderr: str
    stdout_bytes: bytes = b""

    @property
    def error_line(self) -> str:
        """The first line of the error; warnings may stand before it."""
        return next((line for line in self.stderr.splitlines() if line.startswith("netfig: error: ")), "")


Netfig = Callable[..., Done]
