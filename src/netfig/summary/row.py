"""One line of a summary."""

from __future__ import annotations

from netfig.records import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One layer: a module call, an op that stands by itself, or a symbol of a recurrence. Shapes are without the batch dimension.

    `params_text` stands for a count whose sizes are names (``m·n``), `growth` is how it grows with them (``O(m·n)``).
    """

    subject: str
    depth: int
    layer: str
    type: str = ""
    settings: str = ""
    output: tuple[tuple[str, ...] | None, ...] = ()
    params: int | None = None
    formula: str = ""
    shared_with: str = ""
    macs: int | None = None
    macs_unknown: int = 0
    dense: int | None = None
    dense_formula: str = ""
    field: str = ""
    problem: str = ""
    container: bool = False
    params_text: str = ""
    is_symbol: bool = False
    growth: str = ""

    @property
    def output_text(self) -> str:
        """``16×64×64``; several outputs are separated by commas."""
        return ", ".join("?" if shape is None else "×".join(map(_factor, shape)) or "scalar" for shape in self.output)


def _factor(size: str) -> str:
    """A sum in brackets."""
    return f"({size})" if size[:1] not in "⌊⌈(" and any(sign in size for sign in " /") else size
