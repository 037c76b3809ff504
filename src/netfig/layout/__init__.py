"""Layout: from a Figure to a Drawing, everything automatic.

Boxes are sized by their text, groups are put together from the inside out (`place`), wires are routed at right angles (`route`),
and the result becomes items on a page (`compose`, `parts`).
"""

from __future__ import annotations

from dataclasses import dataclass

from netfig.drawing import Drawing
from netfig.figure import Direction, Figure
from netfig.layout.blocks import Frame
from netfig.layout.columns import in_columns
from netfig.layout.compose import compose, panel_words
from netfig.layout.parts import SizedBox, page
from netfig.layout.place import Placement, Placer
from netfig.layout.route import Router
from netfig.layout.sizes import size_boxes
from netfig.layout.structure import entering, lift
from netfig.theme import Theme

__all__ = ["lay_out"]

PAGE_WIDTH, PAGE_HEIGHT = 520.0, 680.0
"""The room a figure has in print when no width is asked for: two columns, most of a page."""


def lay_out(
    figure: Figure, theme: Theme, *, direction: Direction | None = None, width: float | None = None, engine: str = "auto"
) -> Drawing:
    """Places everything a figure shows and routes its wires.

    `direction` overrides the figure's own; where that is ``auto`` the one is taken that prints larger. `width` is the printed
    width in points: the drawing says by how much it is made smaller for it. `engine` chooses the Graphviz that places what no
    template fits (see `netfig.layout.engine.run_dot`).
    """
    if figure.root.arrangement == "pipeline":
        from netfig.layout.pipeline import lay_out_pipeline

        return lay_out_pipeline(figure, theme, width)
    wanted = direction or figure.direction
    attempts = [_place(figure, theme, d, engine) for d in (("right", "down") if wanted == "auto" else (wanted,))]
    best = max(attempts, key=lambda a: a.print_scale(width))
    sized, placed, frame = best.sized, best.placed, best.frame
    corners = {id: one.corner for id, one in sized.items()}
    corners |= {id: theme.role(figure.groups[id].role).corner for id in placed.panels}
    circles = {id for id, one in sized.items() if one.outline == "circle"}
    routed = Router(figure, placed, corners, circles, panel_words(figure, theme, placed, frame)).run()
    items = compose(figure, theme, frame, sized, placed, routed)
    around = 2 * theme.margin
    caption = 12 + 1.35 * theme.role("text.caption").size * len(figure.caption) if figure.caption else 0.0
    room = (width or PAGE_WIDTH) - around, PAGE_HEIGHT - around - caption
    items = in_columns(items, direction=frame.direction, room=room)
    return page(items, figure, theme, direction=frame.direction, width=width)


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


def _place(figure: Figure, theme: Theme, direction: Direction, engine: str) -> _Attempt:
    frame = Frame(direction)
    lifted = lift(figure)
    sized = size_boxes(figure, theme, direction, entering(figure, lifted))
    return _Attempt(frame, sized, Placer(figure, theme, frame, sized, lifted, engine).run())
