"""Printed widths: ``3.25in``, ``8cm``, ``85mm``, ``234pt``."""

from __future__ import annotations

import re

from netfig.errors import UsageError

POINTS = {"in": 72.0, "cm": 72.0 / 2.54, "mm": 72.0 / 25.4, "pt": 1.0}
SMALLEST, LARGEST = 36.0, 14400.0  # points: half an inch; what a PDF page may have
_WIDTH = re.compile(r"\A\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([a-zA-Z]*)\s*\Z")


def points(width: str | float | None) -> float | None:
    """A width in points; a number is points already."""
    if width is None:
        return None
    text = f"{width}pt" if isinstance(width, (int, float)) else width
    found = _WIDTH.match(text)
    if not found or found[2].lower() not in POINTS:
        raise UsageError(f"the width {width!r} is not a length", hint=f"for example 3.25in; units: {', '.join(POINTS)}")
    value = float(found[1]) * POINTS[found[2].lower()]
    if not SMALLEST <= value <= LARGEST:
        raise UsageError(
            f"the width {width!r} is out of range", why=f"{value:g} pt, and it may be {SMALLEST:g} to {LARGEST:g} pt"
        )
    return value
