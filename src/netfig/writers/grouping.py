"""Which items of a drawing go into one element: a box's shapes and its text, as far as the painting order allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netfig.drawing import Item, Label, Line, Shape

Bounds = tuple[float, float, float, float]
_CELL = 64.0
_LINE_REACH = 4.0  # half a wire and half a head


def owner(item: Item) -> str:
    """The figure box or group an item belongs to."""
    return item.box if isinstance(item, (Shape, Label)) else ""


def by_owner(items: Sequence[Item]) -> list[list[Item]]:
    """Items in groups of one owner each. A label joins its box's shapes unless something painted in between would cover it."""
    covers = _Covers(items)
    groups: list[list[Item]] = []
    home: dict[str, tuple[list[Item], int]] = {}  # a box's latest group and the place of its last shape
    for position, item in enumerate(items):
        box = owner(item)
        follows = bool(box) and bool(groups) and owner(groups[-1][-1]) == box
        if follows:
            groups[-1].append(item)
        elif isinstance(item, Label) and box in home and not covers.any(item.bounds, box, home[box][1], position):
            home[box][0].append(item)
        else:
            groups.append([item])
        if box and isinstance(item, Shape):
            home[box] = (groups[-1], position)
    return groups


class _Covers:
    """Finds what is painted on a place, by a coarse grid."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.cells: dict[tuple[int, int], list[tuple[int, Bounds, str]]] = {}
        for position, item in enumerate(items):
            for bounds in _pieces(item):
                for cell in _cells(bounds):
                    self.cells.setdefault(cell, []).append((position, bounds, owner(item)))

    def any(self, bounds: Bounds, box: str, after: int, before: int) -> bool:
        """Whether anything of another box touches `bounds` that is painted between two places in the order."""
        return any(
            after < position < before and other != box and _touch(bounds, there)
            for cell in _cells(bounds)
            for position, there, other in self.cells.get(cell, ())
        )


def _pieces(item: Item) -> Iterator[Bounds]:
    if not isinstance(item, Line):
        yield item.bounds
        return
    for (ax, ay), (bx, by) in zip(item.points, item.points[1:], strict=False):
        yield min(ax, bx) - _LINE_REACH, min(ay, by) - _LINE_REACH, max(ax, bx) + _LINE_REACH, max(ay, by) + _LINE_REACH


def _cells(bounds: Bounds) -> Iterator[tuple[int, int]]:
    left, top, right, bottom = (int(value // _CELL) for value in bounds)
    for x in range(left, right + 1):
        for y in range(top, bottom + 1):
            yield x, y


def _touch(a: Bounds, b: Bounds) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
