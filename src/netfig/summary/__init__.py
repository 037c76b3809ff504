"""A graph as a table: layers, shapes, parameters with their products written out, multiply-adds."""

from __future__ import annotations

from netfig.summary.render import FORMATS, render
from netfig.summary.row import Row
from netfig.summary.rows import COLUMNS, DEFAULT_COLUMNS, Share, Summary, summarize

__all__ = ["COLUMNS", "DEFAULT_COLUMNS", "FORMATS", "Row", "Share", "Summary", "render", "summarize"]
