"""Which bytes of a storage a tensor occupies, and whether two tensors of one storage meet.

Needed for writes through views: ``y[:, :4].mul_(gate)`` changes `y` in part, ``a, b = x.chunk(2)`` are two tensors that never
touch. Decided exactly (by listing bytes) unless the storage is very large, and then on the safe side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch

EXACT_LIMIT = 1 << 26
"""Elements up to which occupied positions are listed one by one."""

Relation = Literal["disjoint", "covers", "partial"]


class Layout(NamedTuple):
    """Where a tensor's elements lie in its storage: element size in bytes, sizes, strides and offset in elements."""

    itemsize: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int

    @property
    def span(self) -> tuple[int, int]:
        """First byte and one past the last; an empty tensor spans nothing."""
        if 0 in self.shape:
            return (0, 0)
        last = self.offset + sum((size - 1) * step for size, step in zip(self.shape, self.stride, strict=True))
        return (self.offset * self.itemsize, (last + 1) * self.itemsize)

    @property
    def dense(self) -> bool:
        """Whether it fills its span without a gap."""
        expected = 1
        for step, size in sorted(zip(self.stride, self.shape, strict=True)):
            if size == 1:
                continue
            if step > expected:
                return False
            if step == expected:
                expected *= size
        low, high = self.span
        return expected * self.itemsize == high - low


def _mask(layouts: Sequence[Layout], length: int, start: int) -> torch.Tensor:
    mask = torch.zeros(length, dtype=torch.bool)
    for layout in layouts:
        low = layout.offset * layout.itemsize - start
        sizes, strides = (*layout.shape, layout.itemsize), (*(s * layout.itemsize for s in layout.stride), 1)
        if layout.span[0] < layout.span[1]:
            mask.as_strided(sizes, strides, low).fill_(True)
    return mask


def relation(written: Layout, read: Layout) -> Relation:
    """How a write to one tensor concerns another of the same storage."""
    if written == read:
        return "covers"
    (a, b), (c, d) = written.span, read.span
    if a == b or c == d or b <= c or d <= a:
        return "disjoint"
    if a <= c and d <= b and written.dense:
        return "covers"
    if written.dense and read.dense:
        return "partial"
    start, end = min(a, c), max(b, d)
    if end - start > EXACT_LIMIT:
        return "partial"
    one, other = _mask([written], end - start, start), _mask([read], end - start, start)
    shared = one & other
    if not shared.any():
        return "disjoint"
    return "covers" if bool((shared == other).all()) else "partial"


def needed(writes: Sequence[Layout], read: Layout) -> tuple[bool, list[bool]]:
    """Of several writes in order: does the reader still see its old content anywhere, and which writes does it see?

    A write that later ones hide completely is not seen.
    """
    start = min(layout.span[0] for layout in (*writes, read))
    end = max(layout.span[1] for layout in (*writes, read))
    if end - start > EXACT_LIMIT:
        return not any(relation(write, read) == "covers" for write in writes), [True] * len(writes)
    hidden = ~_mask([read], end - start, start)
    seen: list[bool] = []
    for write in reversed(writes):
        mask = _mask([write], end - start, start)
        seen.append(bool((mask & ~hidden).any()))
        hidden |= mask
    return not bool(hidden.all()), seen[::-1]
