"""Layout: from a Figure to a Drawing, everything automatic. Each arrangement of the figure's root has a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netfig.drawing import Drawing
    from netfig.figure import Direction, Figure
    from netfig.theme import Theme

__all__ = ["lay_out"]


def lay_out(
    figure: Figure, theme: Theme, *, direction: Direction | None = None, width: float | None = None, engine: str = "auto"
) -> Drawing:
    """Places everything a figure shows and routes its wires.

    `direction` overrides the figure's own; where that is ``auto`` the one is taken that prints larger. `width` is the printed
    width in points: the drawing says by how much it is made smaller for it. `engine` chooses the Graphviz that places what no
    template fits (see `netfig.layout.engine.run_dot`).
    """
    match figure.root.arrangement:
        case "pipeline":
            from netfig.layout.pipeline import lay_out_pipeline

            return lay_out_pipeline(figure, theme, width)
        case "grid":
            from netfig.layout.grid import lay_out_grid

            return lay_out_grid(figure, theme, width)
        case "cell":
            from netfig.layout.cell import lay_out_cell

            return lay_out_cell(figure, theme, width)
        case "neurons":
            from netfig.layout.neurons import lay_out_neurons

            return lay_out_neurons(figure, theme, width)
        case "sheet":
            from netfig.layout.sheet import lay_out_sheet

            return lay_out_sheet(figure, theme, width)
        case "ladders":
            from netfig.layout.ladder import lay_out_ladders

            return lay_out_ladders(figure, theme, width)
        case "residual":
            from netfig.layout.residual import lay_out_residual

            return lay_out_residual(figure, theme, width)
        case "towers":
            from netfig.layout.tower import lay_out_towers

            return lay_out_towers(figure, theme, width)
    from netfig.layout.flow import lay_out_flow

    return lay_out_flow(figure, theme, direction=direction, width=width, engine=engine)
