"""From placed blocks and routed wires to the items of a drawing, back to front."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from netfig.drawing import Item, Label, Line, Shape
from netfig.figure import Figure, Group, Wire
from netfig.layout.blocks import TITLE_INSET, Frame, Rect, Trunk, trunk_of, wire_role
from netfig.layout.notes import WAYS, Board, place_label
from netfig.layout.parts import BADGE_GAP, BADGE_SIZE, SizedBox, badge_line, box_items, fit_line, make_label
from netfig.layout.place import Placement
from netfig.layout.route import Routed
from netfig.layout.search import Path
from netfig.layout.text import CAP_HEIGHT
from netfig.mathtext import Text
from netfig.theme import Theme

DOT = 4.4  # across
MAIN = ("data", "data.same")  # a trunk is painted as one of these, if it has one
SIDES = {"data.added", "data.removed"}  # what wires of these share, both models have


def panel_words(figure: Figure, theme: Theme, placed: Placement, frame: Frame) -> list[Rect]:
    """Where the words of panels stand, for wires to keep out of."""
    found = []
    for id, rect in placed.panels.items():
        group = figure.groups[id]
        left, top, right, bottom = frame.rect_to_page(rect)
        size = theme.role(group.role).size
        if group.title:
            width = fit_line(group.title, size).width
            found.append(frame.rect_from_page(left + TITLE_INSET, top + 6, left + TITLE_INSET + width, top + 9 + size))
        if group.detail:
            width = fit_line(group.detail, size).width
            found.append(frame.rect_from_page(right - TITLE_INSET - width, top + 6, right - TITLE_INSET, top + 9 + size))
        if group.badge:
            width = badge_line(group.badge).width
            if frame.direction == "right":
                x, y = right - TITLE_INSET - width, top - BADGE_GAP - BADGE_SIZE
            else:
                x, y = right + BADGE_GAP + 2, (top + bottom - BADGE_SIZE) / 2
            found.append(frame.rect_from_page(x, y, x + width, y + BADGE_SIZE))
    return found


def compose(
    figure: Figure, theme: Theme, frame: Frame, sized: Mapping[str, SizedBox], placed: Placement, routed: Sequence[Routed]
) -> list[Item]:
    """Panels, lines, boxes, dots, labels."""
    panels, panel_labels = _panels(figure, theme, frame, placed)
    lines, dots = _lines(figure, theme, frame, routed)
    shapes: list[Shape] = []
    labels: list[Label] = []
    badge_at: Literal["top", "right"] = "top" if frame.direction == "right" else "right"
    for id in figure.boxes:
        left, top, _, _ = frame.rect_to_page(placed.boxes[id])
        more_shapes, more_labels = box_items(sized[id], left, top, badge_at=badge_at, copies_below=frame.direction == "down")
        shapes += more_shapes
        labels += more_labels
    named = _named(figure)
    if named:
        board = Board()
        solid: list[Item] = [*shapes, *lines, *labels, *panel_labels]
        for item in solid:
            board.add(item)
        for panel in panels:
            board.add_outline(panel)
        for wires in named:
            first, paths = wires[0], [_page_path(frame, routed[w].path) for w in wires[:WAYS]]
            label = place_label(figure.wires[first], first, wire_role(figure.wires[first].role), paths, theme, board)
            labels.append(label)
            board.add(label)
    return [*panels, *lines, *shapes, *dots, *panel_labels, *labels]


def _named(figure: Figure) -> list[list[int]]:
    """The wires with a name, those that carry one value together: it is named once."""
    named: dict[tuple[Trunk, Text], list[int]] = {}
    for i, wire in enumerate(figure.wires):
        if wire.label:
            named.setdefault((trunk_of(wire), wire.label), []).append(i)
    return list(named.values())


def _panels(figure: Figure, theme: Theme, frame: Frame, placed: Placement) -> tuple[list[Shape], list[Label]]:
    shapes: list[Shape] = []
    labels: list[Label] = []
    for id, group in figure.groups.items():  # outermost first
        if id not in placed.panels:
            continue
        left, top, right, bottom = frame.rect_to_page(placed.panels[id])
        role = _panel_role(figure, group, placed)
        style = theme.role(role)
        points = ((round(left, 2), round(top, 2)), (round(right, 2), round(bottom, 2)))
        radius = min(style.corner, (right - left) / 2, (bottom - top) / 2)
        shapes.append(
            Shape(
                id,
                "rect",
                role,
                points,
                radius,
                dashed=style.dashed,
                box=id,
                tooltip=group.tooltip,
                stands_for=group.stands_for,
            )
        )
        baseline = top + 7 + style.size * 0.8
        if group.title:
            line = fit_line(group.title, style.size)
            labels.append(
                make_label(f"{id}/title", line, left + TITLE_INSET, baseline, role=role, align="left", box=id, on="inside")
            )
        if group.detail:
            line, x = fit_line(group.detail, style.size), right - TITLE_INSET
            labels.append(make_label(f"{id}/detail", line, x, baseline, role=role, align="right", box=id, on="inside"))
        if group.badge:
            line = badge_line(group.badge)
            if frame.direction == "right":
                labels.append(make_label(f"{id}/badge", line, right - TITLE_INSET, top - BADGE_GAP, align="right", box=id))
            else:
                middle = (top + bottom) / 2 + BADGE_SIZE * CAP_HEIGHT / 2
                labels.append(make_label(f"{id}/badge", line, right + BADGE_GAP + 2, middle, align="left", box=id))
    return shapes, labels


def _panel_role(figure: Figure, group: Group, placed: Placement) -> str:
    """Panels within panels alternate their fill, so that each can be told from what it stands on."""
    if group.role != "panel":
        return group.role
    depth, parent = 0, figure.parent_of.get(group.id)
    while parent is not None:
        depth += parent in placed.panels
        parent = figure.parent_of.get(parent)
    return "panel.inner" if depth % 2 else "panel"


# --- lines ---------------------------------------------------------------------------------------------------------------------


def _page_path(frame: Frame, path: Path) -> list[tuple[float, float]]:
    out = []
    for u, v in path:
        x, y = frame.to_page(u, v)
        out.append((round(x, 2), round(y, 2)))
    return out


def _lines(figure: Figure, theme: Theme, frame: Frame, routed: Sequence[Routed]) -> tuple[list[Line], list[Shape]]:
    trunks: dict[Trunk, list[Routed]] = {}
    for one in routed:
        trunks.setdefault(one.trunk, []).append(one)
    drawn: dict[int, Line] = {}
    shared: list[Line] = []
    dots: list[Shape] = []
    for number, group in enumerate(trunks.values()):
        order = sorted(group, key=lambda r: (figure.wires[r.wire].role not in MAIN, len(r.path), -_length(r.path), r.wire))
        tree = _Tree()
        forks: dict[tuple[float, float], str] = {}
        leave: dict[tuple[float, float], str] = {}
        kept: list[tuple[int, Path]] = []
        for one in order:
            point, rest = tree.grow(one.path)
            if len(rest) < 2:  # the same way twice
                point, rest = None, one.path
            if point is not None:
                forks.setdefault(point, wire_role(figure.wires[one.wire].role))
                leave[point] = figure.wires[one.wire].role
            kept.append((one.wire, rest))
        at = {_page_path(frame, [p])[0] for p in forks}
        for wire, rest in kept:
            drawn[wire] = _line(figure.wires[wire], wire, theme, _page_path(frame, rest), at)
        unlike = {point for point, of in leave.items() if of != figure.wires[order[0].wire].role}
        if unlike and {figure.wires[one.wire].role for one in group} == SIDES:
            shared += _without_trunk(drawn, order[0].wire, {_page_path(frame, [p])[0] for p in unlike}, theme)
        for k, (point, role) in enumerate(forks.items()):
            x, y = _page_path(frame, [point])[0]
            half = DOT / 2
            corners = ((round(x - half, 2), round(y - half, 2)), (round(x + half, 2), round(y + half, 2)))
            dots.append(Shape(f"junction/{number}.{k}", "ellipse", role, corners, tone="stroke", outlined=False, part="junction"))
    return _thick_last([*shared, *(drawn[i] for i in sorted(drawn))], theme), dots


def _without_trunk(drawn: dict[int, Line], wire: int, forks: set[tuple[float, float]], theme: Theme) -> list[Line]:
    """What a wire shares with wires of the other model, up to where the last of them leaves; it is cut off the wire."""
    line = drawn[wire]
    points = line.points
    on = [(k, fork) for k, (a, b) in enumerate(itertools.pairwise(points)) for fork in forks if _between(a, fork, b)]
    if not on:
        return []
    last, cut = max(on, key=lambda found: (found[0], _length([points[found[0]], found[1]])))
    trunk, rest = [*points[: last + 1], cut], [cut, *points[last + 1 :]]
    style = theme.role(wire_role("data.same"))
    drawn[wire] = replace(line, id=f"{line.id}.1", points=tuple(_apart(rest)))
    return [
        replace(
            line, role=wire_role("data.same"), points=tuple(_apart(trunk)), radius=style.radius, head=False, dashed=style.dashed
        )
    ]


def _apart(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [p for k, p in enumerate(points) if k == 0 or p != points[k - 1]]


def _between(a: tuple[float, float], point: tuple[float, float], b: tuple[float, float]) -> bool:
    return all(min(a[k], b[k]) - 0.01 <= point[k] <= max(a[k], b[k]) + 0.01 for k in (0, 1))


def _thick_last(lines: list[Line], theme: Theme) -> list[Line]:
    """The emphasised wires are painted over the others."""
    return sorted(lines, key=lambda line: theme.role(line.role).width)


def _line(wire: Wire, index: int, theme: Theme, points: list[tuple[float, float]], forks: set[tuple[float, float]]) -> Line:
    role = wire_role(wire.role)
    style = theme.role(role)
    return Line(
        f"wire/{index}",
        role,
        tuple(points),
        style.radius,
        style.head > 0,
        style.dashed,
        None,
        tuple(p for p in points[1:-1] if p in forks),
        wire.source.box,
        wire.target.box,
        "",
        wire.stands_for,
    )


def _length(path: Path) -> float:
    return sum(abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in itertools.pairwise(path))


class _Tree:
    """The ways of one trunk that are drawn so far, by their corners: from each, how far lines reach in each direction."""

    def __init__(self) -> None:
        self.reach: dict[tuple[tuple[float, float], tuple[int, int]], float] = {}

    def grow(self, path: Path) -> tuple[tuple[float, float] | None, Path]:
        """Adds a way; where it leaves those before (``None``: at once), and what is left to draw."""
        where, rest, together = None, path, True
        for i, (a, b) in enumerate(itertools.pairwise(path)):
            du, dv = b[0] - a[0], b[1] - a[1]
            key, length = (a, (_sign(du), _sign(dv))), abs(du) + abs(dv)
            reach = self.reach.get(key, 0.0)
            if together and reach:
                shared = min(reach, length)
                where = b if shared == length else (round(a[0] + key[1][0] * shared, 2), round(a[1] + key[1][1] * shared, 2))
                rest = [where, *path[i + (2 if shared == length else 1) :]]
            together = together and reach >= length
            self.reach[key] = max(reach, length)
        return where, rest


def _sign(x: float) -> int:
    return (x > 0.005) - (x < -0.005)
