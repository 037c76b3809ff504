"""What `summarize` hands back: a table that prints itself, in any form."""

from __future__ import annotations

from netfig.records import dataclass
from netfig.summary import Summary, render


@dataclass(frozen=True)
class Table:
    """A summary and its texts; `summary` holds the numbers."""

    summary: Summary

    def text(self, form: str = "terminal") -> str:
        """The table as ``terminal``, ``json``, ``markdown``, ``latex`` or ``csv``."""
        return render(self.summary, form)

    def __str__(self) -> str:
        return self.text()

    def _repr_markdown_(self) -> str:
        return self.text("markdown")
