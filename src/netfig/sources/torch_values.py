"""Which value each tensor object holds at each moment, given that several of them may share memory.

A tensor object of the run has a number; what it holds is a value of the graph. A write through one tensor changes what the others
of the same memory hold: the next time one of those is read, a ``write`` op says so ("this tensor with a part replaced").
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from netfig.graph.build import safe_id
from netfig.sources.torch_quick import QuickRef
from netfig.sources.torch_record import Recorder
from netfig.sources.torch_storage import Layout, needed, relation


class Pending:
    """A value whose storage is not known yet: that is decided when the whole log is read."""

    __slots__ = ("id", "kind", "names", "number", "refs", "region")

    def __init__(self, id: str, kind: Any, number: int, region: Region | None, names: tuple[str, ...] = ()) -> None:
        self.id = id
        self.kind = kind
        self.number = number
        self.region = region
        self.names = names
        self.refs = (QuickRef(id),)


class Region:
    """All tensors of one type and layout in one memory: they always hold the same content. It is what a Graph calls a storage."""

    __slots__ = ("base", "layout", "name", "parts", "synced", "value", "written")

    def __init__(self, layout: Layout | None, name: str) -> None:
        self.layout, self.name = layout, name
        self.written = False
        self.value: Pending | None = None  # what it held after its memory's write number `synced`
        self.synced = -1
        self.base: Pending | None = None  # what `value` was put together from: this, with these parts replaced
        self.parts: list[Part] = []


class Memory:
    """One block of memory: its regions, and which of them were written to, in order."""

    __slots__ = ("regions", "writes")

    def __init__(self) -> None:
        self.regions: dict[tuple[Any, Layout | None], Region] = {}
        self.writes: list[Region] = []


class Names:
    """Hands out ids that are unique within one kind of thing: the wanted one, then with ``@1``, ``@2`` …"""

    def __init__(self) -> None:
        self.used: dict[str, int] = {}

    def __call__(self, wanted: str) -> str:
        """An id not handed out before."""
        used = self.used
        count = used.get(wanted)
        if count is None:
            used[wanted] = 1
            return wanted
        while True:
            found = f"{wanted}@{count}"
            count += 1
            if found not in used:
                used[wanted], used[found] = count, 1
                return found


Part = tuple[Layout | None, Pending]
WriteOp = Callable[[int, Region, "Pending | None", Sequence[Part]], Pending]
MOST_PARTS = 64
"""A tensor put together from more parts than this starts anew from what it is then."""


class Values:
    """The values made so far, and what every tensor holds now; `write_op` is called to add a ``write`` op.

    `written` are the memories that the run writes to in place: only they need regions.
    """

    def __init__(self, recorder: Recorder, write_op: WriteOp, written: Collection[int]) -> None:
        self.made: list[Pending] = []
        self.name = Names()
        self._recorder = recorder
        self._seen = recorder.seen
        self._write_op = write_op
        count = len(recorder.seen)
        self._current: list[Pending | None] = [None] * count
        self._synced: list[int] = [0] * count
        self._memories = {storage: Memory() for storage in written}  # where nothing is written, no care is needed
        self._constants = 0
        self.first: dict[int, Pending] = {}  # what externals held at first

    def close(self) -> None:
        """Nothing is read any more: let go of the build, which holds these values in turn."""
        del self._write_op

    def _region(self, number: int, memory: Memory, name: str) -> Region:
        dtype, shape, stride, offset, _ = self._seen[number]
        layout = None if stride is None else Layout(dtype.itemsize, shape, stride, offset)
        found = memory.regions.get((dtype, layout))
        if found is None:
            found = memory.regions[dtype, layout] = Region(layout, name)
        return found

    def declare(self, number: int, kind: Any, wanted: str, names: tuple[str, ...] = ()) -> Pending:
        """A new value: what the tensor `number` holds from now on."""
        used = self.name.used
        if wanted in used:
            wanted = self.name(wanted)
        else:
            used[wanted] = 1
        memory = self._memories.get(self._seen[number][4]) if self._memories else None
        if memory is None:
            made = Pending(wanted, kind, number, None, names)
        else:
            made = Pending(wanted, kind, number, self._region(number, memory, wanted), names)
            self._synced[number] = len(memory.writes)
        self.made.append(made)
        self._current[number] = made
        return made

    def declare_external(self, number: int) -> Pending:
        """A parameter, buffer, input or constant that was there before the run."""
        external = self._recorder.external[number]
        if external.names:
            made = self.declare(number, external.kind, safe_id(external.names[0]), external.names)
            self.first[number] = made
            return made
        self._constants += 1
        made = self.declare(number, "constant", f"constant{self._constants}")
        self.first[number] = made
        return made

    def known(self, number: int) -> bool:
        """Whether the tensor holds a value (a view that nobody reads was dropped)."""
        return self._current[number] is not None or number in self._recorder.external

    def hold(self, number: int, value: Pending) -> None:
        """The tensor `number` holds an existing value."""
        self._current[number] = value
        memory = self._memories.get(self._seen[number][4])
        self._synced[number] = len(memory.writes) if memory is not None else 0

    def overwrite(self, number: int, wanted: str) -> Pending:
        """A new value, written in place into the tensor `number`."""
        memory = self._memories[self._seen[number][4]]
        made = self.declare(number, "computed", wanted)
        region = made.region
        assert region is not None
        memory.writes.append(region)
        region.value, region.synced, region.written = made, len(memory.writes), True
        region.base = None
        self._synced[number] = len(memory.writes)
        return made

    def region_of(self, number: int) -> Region:
        """The region that a tensor occupies, made when nothing was there yet."""
        storage = self._seen[number][4]
        memory = self._memories[storage]
        return self._region(number, memory, f"storage{storage}.{len(memory.regions)}")

    def read(self, number: int) -> Pending:
        """The value that a tensor holds now, after all writes to its memory so far."""
        value = self._current[number]
        if value is None:
            if number in self._recorder.external:
                return self.declare_external(number)
            value = self.declare(number, "constant", f"unknown{number}")
        if not self._memories:
            return value
        memory = self._memories.get(self._seen[number][4])
        if memory is None or len(memory.writes) == self._synced[number]:
            return value
        return self._catch_up(number, memory, value)

    def _catch_up(self, number: int, memory: Memory, value: Pending) -> Pending:
        """Take in what was written to the tensor's memory through other tensors since it was last read."""
        region = value.region
        assert region is not None
        since, now = self._synced[number], len(memory.writes)
        self._synced[number] = now
        if region.synced > since:
            assert region.value is not None
            value, since = region.value, region.synced
        later = dict.fromkeys(reversed(memory.writes[since:]))  # of each region only its last write counts
        pending = [other for other in reversed(later) if other is not region and meets(other, region)]
        if pending:
            parts = [(other.layout, other.value) for other in pending if other.value is not None]
            value = self._put_together(number, region, value, parts)
            region.value, region.synced, region.written = value, now, True
        self._current[number] = value
        return value

    def _put_together(self, number: int, region: Region, old: Pending, parts: list[Part]) -> Pending:
        """The value of a region after parts of it were written.

        Usually the old value with these parts. When they hide something that an earlier write brought in, or that an earlier
        write left of what was there before, the value is put together anew from what really shows.
        """
        reads_old, shown = visible(region.layout, parts)
        if reads_old and old is region.value and region.base is not None and len(region.parts) + len(parts) <= MOST_PARTS:
            everything = [*region.parts, *parts]
            reads_base, all_shown = visible(region.layout, everything)
            if len(all_shown) < len(everything) or not reads_base:
                old, reads_old, shown = region.base, reads_base, all_shown
        made = self._write_op(number, region, old if reads_old else None, shown)
        if reads_old and old is region.value and region.base is not None and len(region.parts) < MOST_PARTS:
            region.parts = [*region.parts, *shown]
        else:
            region.base, region.parts = old, list(shown)
        return made


def meets(written: Region, read: Region) -> bool:
    """Whether a write to one region changes anything in another of the same memory."""
    if written.layout is None or read.layout is None:
        return True
    return relation(written.layout, read.layout) != "disjoint"


def visible(read: Layout | None, parts: Sequence[Part]) -> tuple[bool, list[Part]]:
    """Whether old content shows through the parts written over it, and which of these parts show at all."""
    layouts = [layout for layout, _ in parts if layout is not None]
    if read is None or len(layouts) != len(parts):
        return True, list(parts)
    reads_old, seen = needed(layouts, read)
    return reads_old, [part for part, used in zip(parts, seen, strict=True) if used]
