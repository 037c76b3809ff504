"""The Drawing: where everything is, as a display list in points (1/72 inch), y growing downwards from the top left.

Items are painted in order. Each has the role the theme paints it with and the graph ids it stands for. Writers draw exactly this
and decide nothing; `netfig.layout.lint` judges exactly this.
"""

from __future__ import annotations

from typing import Literal

from netfig.records import dataclass

Point = tuple[float, float]
Tone = Literal["fill", "light", "dark", "page", "none", "plate", "stroke"]
Face = Literal["sans", "sans-bold", "sans-italic", "serif", "serif-italic", "serif-bold", "serif-bold-italic", "mono", "symbol"]


@dataclass(frozen=True, slots=True)
class Shape:
    """A filled outline.

    `tone` says which of the role's paints fills it: ``fill``, its ``light``er or ``dark``er face, the ``page``, ``none``, the
    ``stroke`` colour (a junction dot), or ``plate`` (page colour, no outline: behind text on a pattern). `fade` mixes towards
    the page (stacked copies). `id` is unique in the drawing; `part` says which piece of a figure box it is ("" = its outline).
    `heat`, from 0 to 1, fills it from the page's colour to the role's and a little beyond, without a pattern.
    """

    id: str
    kind: Literal["rect", "ellipse", "polygon"]
    role: str
    points: tuple[Point, ...]  # rect, ellipse: two opposite corners; polygon: its corners
    radius: float = 0.0
    tone: Tone = "fill"
    fade: float = 0.0
    dashed: bool = False
    outlined: bool = True
    width: float | None = None  # stroke width when it differs from the role's
    box: str = ""  # the figure box or group it belongs to
    part: str = ""
    tooltip: str = ""
    stands_for: tuple[str, ...] = ()
    heat: float | None = None

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """left, top, right, bottom."""
        xs, ys = [p[0] for p in self.points], [p[1] for p in self.points]
        return min(xs), min(ys), max(xs), max(ys)


@dataclass(frozen=True, slots=True)
class Line:
    """A wire or helper line through `points`; inner corners are rounded with `radius` (0 for corners listed in `sharp`).

    With `head`, the arrow tip is exactly the last point, which lies on the target's outline. `source` and `target` are figure
    box ids ("" for helper lines); lines that share a trunk have the same source, and each stretch is drawn by one line only.
    """

    id: str
    role: str
    points: tuple[Point, ...]
    radius: float = 7.0
    head: bool = True
    dashed: bool = False
    width: float | None = None
    sharp: tuple[Point, ...] = ()
    source: str = ""
    target: str = ""
    tooltip: str = ""
    stands_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Glyphs:
    """A run of characters in one face and size; `x` is its left end and `dy` its baseline's offset from the line's (up < 0).

    `squeeze` is how broad they are beside what the face has: tall brackets are narrower and lighter than their size says.
    """

    text: str
    face: Face
    size: float
    x: float
    dy: float = 0.0
    width: float = 0.0
    squeeze: float = 1.0


def spoken(runs: tuple[Glyphs, ...]) -> str:
    """The characters of runs, with a space where there is room for one."""
    out, end = "", 0.0
    for i, run in enumerate(runs):
        apart = i > 0 and run.x - end > 0.12 * run.size and not out.endswith(" ")
        out, end = out + (" " if apart else "") + run.text, run.x + run.width
    return out


@dataclass(frozen=True, slots=True)
class Rule:
    """A filled bar that belongs to text (of a fraction, a radical, an overline); `x` is its left end and `dy` its top's offset
    from the baseline (up < 0)."""

    x: float
    dy: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Label:
    """One line of text: measured runs and rules on a baseline. `box` is the figure box it belongs to; `on` is where it may lie:
    ``inside`` that box's outline, or ``free`` of every line and outline."""

    id: str
    role: str  # "text", "text.secondary", or a box role whose text colour it takes
    runs: tuple[Glyphs, ...]
    baseline: float
    bounds: tuple[float, float, float, float]  # ink box: left, top, right, bottom
    align: Literal["left", "center", "right"] = "center"
    box: str = ""
    on: Literal["inside", "free"] = "free"
    rules: tuple[Rule, ...] = ()

    @property
    def text(self) -> str:
        """The characters, without scripts' positions."""
        return spoken(self.runs)


Item = Shape | Line | Label


@dataclass(frozen=True, slots=True)
class Drawing:
    """`width` × `height` points of page; `scale` is printed size ÷ design size (1 unless ``--width`` asked for another)."""

    width: float
    height: float
    items: tuple[Item, ...]
    title: str
    alt: str
    direction: str = "right"
    scale: float = 1.0

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shapes, back to front."""
        return tuple(i for i in self.items if isinstance(i, Shape))

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines, back to front."""
        return tuple(i for i in self.items if isinstance(i, Line))

    @property
    def labels(self) -> tuple[Label, ...]:
        """The lines of text."""
        return tuple(i for i in self.items if isinstance(i, Label))
