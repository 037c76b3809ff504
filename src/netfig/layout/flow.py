"""Figures whose boxes stand where the wires put them.

Boxes are sized by their text, groups are put together from the inside out (`place`), wires are routed at right angles (`route`),
and the result becomes items on a page (`compose`, `parts`).
"""

from __future__ import annotations

from collections.abc import Sequence

from netfig.drawing import Drawing, Item
from netfig.figure import Direction, Figure
from netfig.layout.blocks import PAGE_HEIGHT, PAGE_WIDTH, Frame
from netfig.layout.columns import in_columns
from netfig.layout.compose import compose, panel_words
from netfig.layout.parts import WIDEST_EQUATION, SizedBox, bounds_of, equation_lines, page
from netfig.layout.place import Placement, Placer
from netfig.layout.route import Router
from netfig.layout.sizes import size_boxes
from netfig.layout.structure import entering, lift
from netfig.records import dataclass
from netfig.theme import Theme

LEGIBLE = 0.9
"""What is printed smaller than this has text under nine points."""
FEW_BOXES = 120
"""A figure with more than this cannot be made legible by narrower boxes."""


def print_scale(figure: Figure, theme: Theme) -> float:
    """About how large a figure prints on a page in its best direction, 1 being design size; wires are not looked after."""
    wanted = figure.direction
    ways: tuple[Direction, ...] = ("right", "down") if wanted == "auto" else (wanted,)
    best = max((_place(figure, theme, d, "auto") for d in ways), key=lambda a: a.print_scale(None))
    room = _room(figure, theme, None)
    return _printed(_items(figure, theme, best, room, effort=0), room)


def lay_out_flow(
    figure: Figure, theme: Theme, *, direction: Direction | None = None, width: float | None = None, engine: str = "auto"
) -> Drawing:
    """See `netfig.layout.lay_out`."""
    wanted = direction or figure.direction
    ways: tuple[Direction, ...] = ("right", "down") if wanted == "auto" else (wanted,)
    best = max((_place(figure, theme, d, engine) for d in ways), key=lambda a: a.print_scale(width))
    room = _room(figure, theme, width)
    items = _items(figure, theme, best, room)
    if _printed(items, room) < LEGIBLE and len(figure.boxes) <= FEW_BOXES:  # with titles on two lines, boxes are narrower
        narrow = _items(figure, theme, _place(figure, theme, best.frame.direction, engine, narrow=True), room)
        if _printed(narrow, room) > 1.05 * _printed(items, room):
            items = narrow
    return page(items, figure, theme, direction=best.frame.direction, width=width)


def _room(figure: Figure, theme: Theme, width: float | None) -> tuple[float, float]:
    """What of a page is left for boxes and wires."""
    around = 2 * theme.margin
    caption = 12 + 1.35 * theme.role("text.caption").size * len(figure.caption) if figure.caption else 0.0
    if figure.equations:
        caption += 16 + equation_lines(figure.equations, theme, 0.0, 0.0, WIDEST_EQUATION)[1]
    return (width or PAGE_WIDTH) - around, PAGE_HEIGHT - around - caption


def _items(
    figure: Figure, theme: Theme, attempt: _Attempt, room: tuple[float, float], *, effort: int | None = None
) -> list[Item]:
    """Everything of an attempt with its wires, in as many columns as the room asks for."""
    sized, placed, frame = attempt.sized, attempt.placed, attempt.frame
    corners = {id: one.corner for id, one in sized.items()}
    corners |= {id: theme.role(figure.groups[id].role).corner for id in placed.panels}
    circles = {id for id, one in sized.items() if one.outline == "circle"}
    router = Router(figure, placed, corners, circles, panel_words(figure, theme, placed, frame))
    if effort is not None:
        router.field.effort = effort
    items = compose(figure, theme, frame, sized, placed, router.run())
    return in_columns(items, direction=frame.direction, room=room)


def _printed(items: Sequence[Item], room: tuple[float, float]) -> float:
    """How large items print in a room of (width, height) points; 1 is design size."""
    left, top, right, bottom = bounds_of(items)
    return min(1.0, room[0] / max(right - left, 1.0), room[1] / max(bottom - top, 1.0))


@dataclass(frozen=True, slots=True)
class _Attempt:
    frame: Frame
    sized: dict[str, SizedBox]
    placed: Placement

    def print_scale(self, width: float | None) -> float:
        """How large it would be printed: 1 is design size. Shapes too long for a page lose a little."""
        w, h = self.frame.size(self.placed.length, self.placed.breadth)
        w, h = w + 24, h + 24
        fit = min(1.0, (width or PAGE_WIDTH) / w, PAGE_HEIGHT / h)
        return fit * (1.0 if 0.5 <= w / h <= 4.0 else 0.9)


def _place(figure: Figure, theme: Theme, direction: Direction, engine: str, *, narrow: bool = False) -> _Attempt:
    frame = Frame(direction)
    lifted = lift(figure)
    sized = size_boxes(figure, theme, direction, entering(figure, lifted), narrow=narrow)
    return _Attempt(frame, sized, Placer(figure, theme, frame, sized, lifted, engine).run())
