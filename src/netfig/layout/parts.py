"""What every layout shares: sizing boxes, making labels, and putting a page around what was placed.

Coordinates are points, y downwards. Nothing here decides where a box stands.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Literal

from netfig.drawing import Drawing, Item, Label, Line, Shape
from netfig.figure import Box, Figure, LegendEntry
from netfig.layout.lines import WIDEST_EQUATION as WIDEST_EQUATION
from netfig.layout.lines import equation_lines as equation_lines
from netfig.layout.lines import fit_line as fit_line
from netfig.layout.lines import make_label as make_label
from netfig.layout.lines import wrap as wrap
from netfig.layout.plates import with_plates
from netfig.layout.text import CAP_HEIGHT, SetLine, set_line
from netfig.mathtext import Run, Text, plain, text_of
from netfig.records import dataclass
from netfig.theme import RoleStyle, Theme

STACK_OFFSET = 5.0  # each copy behind a stacked box
SLIM_WIDTH = 48.0  # least width of a box in a row
SYMBOL_LENGTH = 8  # characters: more is no symbol
CHIP_PAD = 2.4  # from the lowest ink in a chip to its edge
MARK_PAD = 6.0  # a mark sits on the top outline and reaches a little below it
BADGE_SIZE = 14.0
BADGE_GAP = 6.0
LEADING = 1.22
TALL_ASCENT, TALL_DESCENT = 1.05, 0.55  # em: a line that reaches further holds a fraction, limits or tall brackets


def _round4(bounds: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    a, b, c, d = bounds
    return round(a, 2), round(b, 2), round(c, 2), round(d, 2)


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """A line of a box's text: its baseline below the top of the text, and the role that paints it."""

    line: SetLine
    baseline: float
    role: str


@dataclass(frozen=True, slots=True)
class SizedBox:
    """A box with its text set and its outline sized. `text_height` reaches from the first capitals to the last baseline, or as
    far as tall formulas do."""

    box: Box
    style: RoleStyle
    outline: Literal["rect", "round", "pill", "circle"]
    width: float
    height: float
    lines: tuple[PlacedLine, ...]
    text_height: float
    badge: SetLine | None = None

    @property
    def copies(self) -> int:
        """How many fading copies stand behind it."""
        return 2 if "stacked" in self.box.marks else 1 if "paired" in self.box.marks else 0

    @property
    def corner(self) -> float:
        """The radius of its corners."""
        if self.outline in ("pill", "circle"):
            return self.height / 2
        return min(self.style.corner, self.height / 2) if self.outline == "round" else 0.0

    def resized(self, width: float, height: float) -> SizedBox:
        """The same box, at least as large as `width` × `height`."""
        if self.outline == "circle":
            return self
        return dataclasses.replace(self, width=max(width, self.width), height=max(height, self.height))


def _title_size(box: Box, style: RoleStyle) -> float:
    """A lone symbol is set larger than words, but not on a chip."""
    alone = len(box.title) == 1 and not box.rows and style.outline not in ("circle", "rect")
    alone = alone and len(_bare(box.title[0])) <= SYMBOL_LENGTH
    maths = all(not isinstance(p, Run) or p.style.startswith("math") for line in box.title for p in line)
    return max(style.size, min(16.0, round(style.size * 4 / 3))) if alone and maths and box.title[0] else style.size


def _bare(text: Text) -> str:
    """The characters that are seen."""
    return re.sub(r"[_^{}\s]", "", text_of(text))


def size_box(box: Box, theme: Theme, *, slim: bool = False) -> SizedBox:
    """Sets a box's text and finds the smallest outline its role allows around it; `slim` lets its width follow its text."""
    style = theme.role(box.role)
    size = _title_size(box, style)
    lines: list[PlacedLine] = []
    baseline = 0.0
    for text, points in ((title, size) for title in box.title if title):
        line = fit_line(text, points)
        baseline = _below(baseline, lines, line, points, LEADING * points)
        lines.append(PlacedLine(line, baseline, box.role))
    for row in box.rows:
        line = fit_line(row.text, style.row_size)
        if line.runs:
            baseline = _below(baseline, lines, line, style.row_size, LEADING * style.row_size + 1)
            lines.append(PlacedLine(line, baseline, box.role))  # a quieter colour falls under 4.5:1 on the darker fills
    text_width = max((placed.line.width for placed in lines), default=0.0)
    descent = max((placed.line.descent for placed in lines[-1:]), default=0.0)
    if descent > TALL_DESCENT * size:  # a denominator is part of the block that is centred
        baseline, descent = baseline + descent, 0.0
    badge = set_line(_badge_text(box.badge), BADGE_SIZE) if box.badge else None
    outline = style.outline
    if outline == "circle":
        diameter = max(style.min_width, style.min_height)
        if len(lines) <= 1 and text_width <= 34:
            diameter = max(diameter, round(text_width + 9))
            return SizedBox(box, style, "circle", diameter, diameter, tuple(lines), baseline, badge)
        outline = "pill"  # a word does not fit in a circle
    pad_y = max(style.pad_y, MARK_PAD) if box.marks else style.pad_y
    if outline == "rect" and len(lines) == 1 and not box.marks:  # a chip is low: half of what hangs below the line counts as text
        baseline, descent = baseline + descent / 2, descent / 2
        height = max(style.min_height, baseline + 2 * descent + 2 * CHIP_PAD)
    else:
        height = max(style.min_height, baseline + 2 * pad_y + max(2.0, descent), baseline + 2 * descent + 6)
    least = min(style.min_width, SLIM_WIDTH) if slim else style.min_width
    width = max(least, text_width + 2 * max(style.pad_x, 9.0 if outline == "pill" else 0.0))
    if outline == "pill" and len(lines) > 1:
        outline = "round"
    if outline in ("pill", "circle"):
        width = max(width, height + 8)
    return SizedBox(box, style, outline, _even(width), _even(height), tuple(lines), baseline, badge)


def _below(baseline: float, lines: Sequence[PlacedLine], line: SetLine, size: float, leading: float) -> float:
    """The baseline of the next line: on the usual grid unless a fraction or limits need more."""
    if not lines:
        return line.ascent if line.ascent > TALL_ASCENT * size else size * CAP_HEIGHT
    return baseline + max(leading, lines[-1].line.descent + line.ascent + 0.1 * size)


def _even(size: float) -> float:
    """Whole even points, so that centres fall on whole points."""
    return float(-(-size // 2) * 2)


def _badge_text(text: Text) -> Text:
    """A badge is set upright in serif: ``× 12``."""
    return tuple(
        Run(p.text, "math") if isinstance(p, Run) and p.style == "plain" and re.search(r"\d|×", p.text) else p for p in text
    )


def badge_line(text: Text) -> SetLine:
    """The badge of a group or box, set."""
    return set_line(_badge_text(text), BADGE_SIZE)


def box_items(
    sized: SizedBox, left: float, top: float, *, badge_at: Literal["top", "right"] = "top", copies_below: bool = False
) -> tuple[list[Shape], list[Label]]:
    """The shapes and labels of a box whose outline has its top left corner there.

    The copies of a stacked box stand behind it to the upper right, or to the lower right where wires enter from above.
    """
    box = sized.box
    right, bottom = left + sized.width, top + sized.height
    shapes = []
    kind: Literal["rect", "ellipse"] = "ellipse" if sized.outline == "circle" else "rect"
    dashed = "initial" in box.marks or sized.style.dashed
    for copy in range(sized.copies, 0, -1):
        d = STACK_OFFSET * copy
        dy = d if copies_below else -d
        points = (_xy(left + d, top + dy), _xy(right + d, bottom + dy))
        shapes.append(
            Shape(f"{box.id}/copy{copy}", kind, box.role, points, sized.corner, fade=0.35 * copy, box=box.id, part=f"copy{copy}")
        )
    shapes.append(
        Shape(
            box.id, kind, box.role, (_xy(left, top), _xy(right, bottom)), sized.corner if kind == "rect" else 0.0,
            dashed=dashed, box=box.id, tooltip=box.tooltip, stands_for=box.stands_for,
        )
    )  # fmt: skip
    shapes += _marks(sized, right, top)
    labels = _text_of_box(sized, left, top)
    if sized.badge is not None:
        d = STACK_OFFSET * sized.copies
        if badge_at == "top":
            label = make_label(f"{box.id}/badge", sized.badge, (left + right + d) / 2, top - d - BADGE_GAP, box=box.id)
        else:
            middle = (top + bottom) / 2 + BADGE_SIZE * CAP_HEIGHT / 2
            label = make_label(f"{box.id}/badge", sized.badge, right + d + BADGE_GAP, middle, align="left", box=box.id)
        labels.append(label)
    return shapes, labels


def _text_of_box(sized: SizedBox, left: float, top: float) -> list[Label]:
    centre_x, centre_y = left + sized.width / 2, top + sized.height / 2
    start = centre_y - sized.text_height / 2
    if len(sized.lines) == 1 and sized.outline == "circle":
        start = centre_y + _sign_middle(sized.lines[0].line) - sized.lines[0].baseline
    return [
        make_label(
            f"{sized.box.id}/text{i}",
            placed.line,
            centre_x,
            start + placed.baseline,
            role=placed.role,
            box=sized.box.id,
            on="inside",
        )
        for i, placed in enumerate(sized.lines)
    ]


def _sign_middle(line: SetLine) -> float:
    """How far above its baseline a sign's middle is: that of + is on the axis, that of h with a script at half its height."""
    on_line = [run for run in line.runs if run.dy == 0]
    if len(on_line) < len(line.runs) and any(run.text[0].isalpha() for run in on_line):
        return CAP_HEIGHT * on_line[0].size / 2
    return (line.ascent - line.descent) / 2


def _marks(sized: SizedBox, right: float, top: float) -> list[Shape]:
    """The small signs at a box's top right corner: two links for shared weights, a spot for what failed."""
    box, shapes = sized.box, []
    x = right - sized.corner * 0.3 + 3.0
    if "shared" in box.marks:
        for i, dx in enumerate((-8.0, -3.5)):
            points = (_xy(x + dx - 3.5, top - 2.8), _xy(x + dx + 3.5, top + 2.8))
            shapes.append(Shape(f"{box.id}/shared{i}", "rect", box.role, points, 2.8, "page" if i == 0 else "none", width=1.1, box=box.id, part="mark.shared"))  # noqa: E501  # fmt: skip
        x -= 16
    for mark, role in (("failed", "loss"), ("data-dependent", "activation")):
        if mark in box.marks:
            shapes.append(
                Shape(
                    f"{box.id}/{mark}",
                    "ellipse",
                    role,
                    (_xy(x - 8, top - 4), _xy(x, top + 4)),
                    box=box.id,
                    part=f"mark.{mark}",
                    tooltip=mark,
                )
            )
            x -= 11
    return shapes


def _xy(x: float, y: float) -> tuple[float, float]:
    return round(x, 2), round(y, 2)


# --- the page -----------------------------------------------------------------------------------------------------------------


def bounds_of(items: Iterable[Item]) -> tuple[float, float, float, float]:
    """The box around everything, line widths aside."""
    left = top = float("inf")
    right = bottom = float("-inf")
    for item in items:
        if isinstance(item, Line):
            xs, ys = [p[0] for p in item.points], [p[1] for p in item.points]
            a, b, c, d = min(xs), min(ys), max(xs), max(ys)
        else:
            a, b, c, d = item.bounds
        left, top, right, bottom = min(left, a), min(top, b), max(right, c), max(bottom, d)
    return (left, top, right, bottom) if left <= right else (0.0, 0.0, 0.0, 0.0)


def shift(item: Item, dx: float, dy: float) -> Item:
    """The same item, moved."""
    if isinstance(item, Shape):
        return dataclasses.replace(item, points=tuple(_xy(x + dx, y + dy) for x, y in item.points))
    if isinstance(item, Line):
        return dataclasses.replace(
            item,
            points=tuple(_xy(x + dx, y + dy) for x, y in item.points),
            sharp=tuple(_xy(x + dx, y + dy) for x, y in item.sharp),
        )
    a, b, c, d = item.bounds
    return dataclasses.replace(
        item,
        runs=tuple(dataclasses.replace(r, x=round(r.x + dx, 2)) for r in item.runs),
        rules=tuple(dataclasses.replace(r, x=round(r.x + dx, 2)) for r in item.rules),
        baseline=round(item.baseline + dy, 2),
        bounds=_round4((a + dx, b + dy, c + dx, d + dy)),
    )


def page(items: Sequence[Item], figure: Figure, theme: Theme, *, direction: str = "right", width: float | None = None) -> Drawing:
    """The finished drawing: title above, legend and caption below, an even margin around all of it.

    `width` is the printed width in points; a figure is made smaller to fit it, never larger.
    """
    left, top, right, bottom = bounds_of(items)
    middle = (left + right) / 2
    extra: list[Item] = []
    column = max(right - left, 260.0 if width is None else min(260.0, width - 2 * theme.margin))
    if figure.show_title and figure.title:
        style = theme.role("text.title")
        for i, line in enumerate(reversed(wrap(plain(figure.title), style.size, column))):
            strong = set_line(plain(line.text), style.size, strong=True)
            extra.insert(0, make_label(f"title/{i}", strong, middle, top - 14 - i * LEADING * style.size, role="text.title"))
    below = bottom
    if figure.legend:
        legend, below = _legend(figure.legend, theme, middle, bottom + 16, column)
        extra += legend
    if figure.equations:
        equations, below = equation_lines(figure.equations, theme, middle, below + 16, max(right - left, WIDEST_EQUATION))
        extra += equations
    style = theme.role("text.caption")
    baseline = below + 12 + style.size
    for i, text in enumerate(figure.caption):
        for j, line in enumerate(wrap(text, style.size, column)):
            baseline = max(baseline, below + line.ascent + 1.0)  # formulas may be tall
            extra.append(make_label(f"caption/{i}.{j}", line, middle, baseline, role="text.caption"))
            below = baseline + line.descent
            baseline += 1.35 * style.size
    everything = with_plates([*items, *extra], theme)
    left, top, right, bottom = bounds_of(everything)
    m = theme.margin
    placed = tuple(shift(item, m - left, m - top) for item in everything)
    full_width, full_height = round(right - left + 2 * m, 2), round(bottom - top + 2 * m, 2)
    scale = 1.0 if width is None else round(min(1.0, width / full_width), 6)
    return Drawing(full_width, full_height, placed, figure.title, _said(figure), direction, scale)


def _said(figure: Figure) -> str:
    """The alt text, with the equations that it does not say already."""
    said = [text_of(equation) for equation in figure.equations]
    missing = [words for words in said if words not in figure.alt]
    return " ".join([figure.alt, f"Equations: {'; '.join(missing)}."]) if missing else figure.alt


def _legend(entries: Sequence[LegendEntry], theme: Theme, middle: float, top: float, column: float) -> tuple[list[Item], float]:
    """Samples with their meaning, in centred rows; also where the last row ends."""
    style = theme.role("text.secondary")
    lines = [set_line(entry.text, style.size) for entry in entries]
    rows: list[list[int]] = [[]]
    used = 0.0
    for i, line in enumerate(lines):
        need = 24 + 6 + line.width + 18
        if rows[-1] and used + need - 18 > column:
            rows.append([])
            used = 0.0
        rows[-1].append(i)
        used += need
    items: list[Item] = []
    for row in rows:
        x = middle - (sum(48 + lines[i].width for i in row) - 18) / 2
        centre = top + 7
        for i in row:
            if entries[i].sample == "wire":
                items.append(Line(f"legend/{i}", entries[i].role, (_xy(x, centre), _xy(x + 24, centre)), head=theme.role(entries[i].role).head > 0, dashed=theme.role(entries[i].role).dashed))  # noqa: E501  # fmt: skip
            else:
                items.append(Shape(f"legend/{i}", "rect", entries[i].role, (_xy(x, centre - 6), _xy(x + 24, centre + 6)), 3.0))
            items.append(
                make_label(
                    f"legend/{i}/text",
                    lines[i],
                    x + 30,
                    centre + style.size * CAP_HEIGHT / 2,
                    role="text.secondary",
                    align="left",
                )
            )
            x += 48 + lines[i].width
        top += 20
    return items, top - 6
