"""The narrow form of a grid, for the column of a paper: smaller boxes and gaps, the same size of text."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from netfig.layout.notes import Board
from netfig.layout.parts import LEADING, fit_line, make_label
from netfig.layout.text import CAP_HEIGHT
from netfig.mathtext import Fence, Run, plain, text_of
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from netfig.drawing import Item, Label
    from netfig.figure import Figure
    from netfig.mathtext import Text
    from netfig.theme import RoleStyle, Theme

Bounds = tuple[float, float, float, float]
CLEAR = 3.0  # from the name of a row to what is beside it
ABOVE = 6.0  # from the name of a row to the box below it


@dataclass(frozen=True, slots=True)
class Measures:
    """Lengths in points: `lead` before and after a chip on a level wire and `rise` on an upright one, `edge` from a box to a wire
    that runs by, `gap` between boxes without a chip, `bend` from a chip to a corner or crossing, `cross` to a
    crossing where that is more.

    `ahead` says whether a chip makes way for the arrow head behind it, `over` whether chips on upright wires may stand over or
    under those on level ones.
    """

    lead: float = 13.0
    edge: float = 17.0
    gap: float | None = None
    bend: float = 8.0
    rise: float = 13.0
    cross: float = 0.0
    ahead: bool = False
    over: bool = False


NORMAL = Measures()
SNUG = Measures(lead=10.0, edge=14.0, gap=20.0, bend=7.0, rise=10.0, over=True)
TIGHT = Measures(lead=5.0, edge=14.0, gap=9.0, bend=3.0, cross=5.0, ahead=True)

_SNUG_CHIP: Mapping[str, float] = {"min_width": 24}
_TENSOR: Mapping[str, float] = {"min_width": 20, "min_height": 28, "pad_x": 3.5, "size": 10.5}
_CHIP: Mapping[str, float] = {"min_width": 18, "pad_x": 2.4, "size": 11}


def snug_theme(theme: Theme) -> Theme:
    """The theme with chips as wide as their text."""
    roles = {name: _changed(style, _SNUG_CHIP if name.split(".")[0] == "weight" else {}) for name, style in theme.roles.items()}
    return dataclasses.replace(theme, roles=roles)


def tight_theme(theme: Theme) -> Theme:
    """The theme with low padding and a narrow margin."""
    change: dict[str, Mapping[str, float]] = {"input": _TENSOR, "state": _TENSOR, "output": _TENSOR, "weight": _CHIP}
    change["ellipsis"] = {"min_width": 18}
    roles = {name: _changed(style, change.get(name.split(".")[0], {})) for name, style in theme.roles.items()}
    return dataclasses.replace(theme, margin=min(theme.margin, 6.0), roles=roles)


def _changed(style: RoleStyle, change: Mapping[str, float]) -> RoleStyle:
    return dataclasses.replace(style, **change) if change else style  # type: ignore[arg-type]


def tight_figure(figure: Figure) -> Figure:
    """The figure without chips on wires that only lead on."""
    wires = tuple(
        dataclasses.replace(wire, chips=()) if figure.boxes[wire.target.box].role.startswith("ellipsis") else wire
        for wire in figure.wires
    )
    return dataclasses.replace(figure, wires=wires)


def names_inside(
    rows: Sequence[tuple[float, Bounds]], names: Sequence[tuple[Text, ...]], left: float, there: Iterable[Item], theme: Theme
) -> list[Label] | None:
    """The names of rows where the figure leaves room: at its left edge, else over or under the first box of their row; ``None``
    when one has no place. `rows` gives the middle of each and its first box."""
    board = Board()
    for item in there:
        board.add(item)
    found: list[Label] = []
    for r, (place, texts) in enumerate(zip(rows, names, strict=False)):
        labels = next((one for one in _places(r, *place, texts, left, theme) if _is_free(one, board)), None)
        if labels is None:
            return None
        for label in labels:
            board.add(label)
        found += labels
    return found


def _is_free(labels: Sequence[Label], board: Board) -> bool:
    return not any(board.clash(label.bounds, CLEAR) for label in labels)


def _places(
    row: int, middle: float, first: Bounds, texts: Sequence[Text], left: float, theme: Theme
) -> Iterable[list[Label]]:  # fmt: skip
    """Where the name of a row may stand: as it is, on one line over or under its first box, or a word a line."""
    size = theme.role("text.secondary").size
    step = size * 1.3 * LEADING
    for nth, shown in enumerate((texts, [_on_one_line(texts)], texts, [line for text in texts for line in _words(text)])):
        lines = [fit_line(text, size) for text in shown if text]
        high = step * (len(lines) - 1)
        at = middle + (size * CAP_HEIGHT - high) / 2
        over, under = first[1] - ABOVE - high, first[3] + ABOVE + size * CAP_HEIGHT
        beside = ((left, at),) if nth != 1 else ()
        near = ((first[0], over), (first[0], under)) if nth else ()
        for x, y in (*beside, *near):
            yield [
                make_label(f"row/{row}.{i}", line, x, y + step * i, role="text.secondary", align="left")
                for i, line in enumerate(lines)
            ]


def _on_one_line(texts: Sequence[Text]) -> Text:
    """The lines of a name one after the other."""
    return tuple(piece for n, text in enumerate(t for t in texts if t) for piece in (*(plain(" ") if n else ()), *text))


def _words(text: Text) -> list[Text]:
    """A name a word a line; what is not only words stays whole."""
    if all(isinstance(piece, Run) and piece.style == "plain" for piece in text):
        return [plain(word) for word in text_of(text).split()]
    return [text]


def said(names: Sequence[tuple[Text, ...]]) -> Text:
    """The names of the rows in one line of a caption."""
    text: Text = ()
    for row in names:
        for n, piece in enumerate(row):
            text = (*text, *((plain(" ") if n else plain("; ")) if text else ()), Fence("", piece, ""))  # it is not broken
    return (*text, *plain(".")) if text else ()
