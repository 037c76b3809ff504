"""Reads queries, keys and values back to what they are projected from, and the weighted sum on to the output projection."""

from __future__ import annotations

from netfig.graph.types import Op
from netfig.passes.attention_follow import aten, narrowed
from netfig.passes.attention_index import Places
from netfig.passes.attention_products import Reader, Site, Strand
from netfig.passes.attention_rotary import Rotary, Rotations
from netfig.passes.recognise_atoms import Unclear
from netfig.records import dataclass

_STEPS = 200


@dataclass(frozen=True, slots=True)
class Projection:
    """A matrix applied to a source: rows × columns as in `weight`, summed over the atoms `over`."""

    source: Site
    weight: Site
    bias: Site | None
    over: tuple[int, ...]


@dataclass(eq=False)
class Outgoing:
    """The weighted sum on its way out: values before and after the output projection, each with its places."""

    heads: list[Site]
    projection: Projection | None = None
    outputs: list[Site] | None = None


class Strands:
    """Reads the strands of one graph."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self.space, self.graph = reader, reader.space, reader.graph
        self.rotations = Rotations(reader)

    # ---- back --------------------------------------------------------------------------------------------------------

    def strand(self, letter: str, site: Site, features: tuple[int, ...]) -> Strand:
        """Queries (``q``), keys (``k``) or values (``v``) whose features are the atoms given."""
        value, places = site
        found = Strand(letter, site)
        bare: tuple[Site, int, float] | None = None
        for _ in range(_STEPS):
            found.visits.append((value, places, "norm" if found.norm else "rotary" if found.rotary else "", found.factor))
            try:
                step = self.reader.back(value, places)
            except Unclear:
                break
            if step is not None:
                value, places = step
                continue
            op = self.graph.producer.get(value)
            if op is None or op.phase != "forward":
                break
            projection = self.projection(op, value, places)
            if projection is not None:
                found.weight, found.bias, found.projected = projection.weight, projection.bias, (value, places)
                found.source, found.source_over = projection.source, projection.over
                return found
            before = self._before(found, op, value, places, features)
            if before is None:
                break
            if found.norm is not None and bare is None:
                bare = ((value, places), len(found.visits), found.factor)
            value, places = before
        if bare is not None:  # a norm of what comes in, not of projected queries
            (value, places), count, found.factor = bare
            found.norm, found.visits = None, found.visits[:count]
        found.source = (value, places)
        return found

    def _before(self, found: Strand, op: Op, value: str, places: Places, features: tuple[int, ...]) -> Site | None:
        """What a factor, rotation or norm was applied to, noted down."""
        if found.letter == "v":
            return None
        scaled = self.reader.multiplied(op)
        if scaled is not None and found.norm is None:
            found.factor *= scaled[1]
            return scaled[0], narrowed(places, self.reader.sizes(value), self.reader.sizes(scaled[0]))
        if found.norm is not None:
            return None
        if found.rotary is None:
            rotary = self.rotations.find(value, places, features)
            if rotary is not None:
                found.rotary = rotary
                return rotary.input
        norm = self.reader.norm(value)
        if norm is None:
            return None
        found.norm, found.norm_over = norm, tuple(self.space.over(places[-1]))
        return norm.input, places

    def projection(self, op: Op, value: str, places: Places) -> Projection | None:
        """The matrix that makes a value of something that is computed, if one does."""
        bias: Site | None = None
        if aten(op) == "add" and op.attribute("alpha", 1) == 1:
            pair = self.reader.pair(op, places)
            if pair is None:
                return None
            for inner, other in (pair, pair[::-1]):
                if self.reader.is_weight(other[0]) and (not self.reader.is_weight(inner[0]) or self.reader.is_stored(other[0])):
                    value, places = self.reader.origin(*inner)[-1]
                    bias = other
                    break
            if bias is None:
                return None
        try:
            product = self.reader.product(value, places)
        except Unclear:
            return None
        if product is None or product.alpha != 1 or product.beta != 1:
            return None
        if product.addend is not None:
            if bias is not None or not self.reader.is_weight(product.addend[0]):
                return None
            bias = product.addend
        if self.reader.is_weight(product.right[0]):
            source, weight = product.left, product.right
        elif self.reader.is_weight(product.left[0]):
            source, weight = product.right, product.left
        else:
            return None
        return self._checked(Projection(source, self.reader.origin(*weight)[-1], bias, product.over))

    def _checked(self, found: Projection) -> Projection | None:
        """A projection whose weight is the same at all places of its source."""
        source, weight = (set(self.space.all_over(site[1])) for site in (found.source, found.weight))
        over = set(self.space.flat(found.over))
        if source & weight != over or found.bias is None:
            return found if source & weight == over else None
        bias = self.reader.origin(*found.bias)[-1]
        if not set(self.space.all_over(bias[1])) <= weight - over:
            return None
        return Projection(found.source, found.weight, bias, found.over)

    # ---- on ----------------------------------------------------------------------------------------------------------

    def outgoing(self, value: str, places: Places, merged: set[int]) -> Outgoing:
        """Where a weighted sum goes; `merged` are the atoms of its heads and features, as far as they are known."""
        found = Outgoing([(value, places)])
        ports = {port.value for port in self.graph.outputs}
        for _ in range(_STEPS):
            value, places = (found.outputs or found.heads)[-1]
            readers = self.graph.readers.get(value, ())
            if found.outputs is not None and (len(readers) != 1 or value in ports):
                return found
            step = next((one for op in readers if (one := self.viewed(op, value, places)) is not None), None)
            if step is not None:
                (found.outputs if found.outputs is not None else found.heads).append(step)
                continue
            if found.outputs is not None or not self._projected(found, readers, value, places):
                return found
        return found

    def viewed(self, op: Op, value: str, places: Places) -> Site | None:
        """What an op makes of a value when it only looks at it in another way."""
        if op.phase != "forward" or op.writes:
            return None
        try:
            made = self.reader.forward(op, places)
        except Unclear:
            return None
        return None if made is None else (op.outputs[0], made)

    def _projected(self, found: Outgoing, readers: tuple[Op, ...], value: str, places: Places) -> bool:
        """Take the output projection, when this is what comes next."""
        for op in readers:
            if len(op.outputs) != 1 or aten(op) not in (
                "mm",
                "addmm",
                "bmm",
                "matmul",
                "linear",
                "convolution",
                "conv1d",
                "conv2d",
            ):
                continue
            out = op.outputs[0]
            made = self.forward(op, value, places)
            if made is None:
                continue
            over = set(self.space.all_over(places)) - set(self.space.all_over(made[1]))
            weight = self.reader.origin(*made[0])[-1]
            of_weight = set(self.space.all_over(weight[1]))
            rows = of_weight - over
            if (
                not self.reader.is_weight(weight[0])
                or not over
                or not over <= of_weight
                or rows & set(self.space.all_over(places))
            ):
                continue
            bias = made[2]
            site: Site = (out, made[1])
            if bias is None:
                site, bias = self._biased(site, rows)
            elif not self.reader.is_weight(bias[0]):
                continue
            found.projection = Projection((value, places), weight, bias, tuple(over))
            found.outputs = [(out, made[1])] if site[0] == out else [site]
            return True
        return False

    def forward(self, op: Op, value: str, places: Places) -> tuple[Site, Places, Site | None] | None:
        """The other factor, the places of the product, and what is added, of a product that reads a value."""
        made = self.reader.new(op.outputs[0])
        try:
            product = self.reader.product(op.outputs[0], made)
        except Unclear:
            return None
        if product is None or product.alpha != 1 or product.beta != 1:
            return None
        left = product.left[0] == value
        mine, other = (product.left, product.right) if left else (product.right, product.left)
        if mine[0] != value:
            return None
        to = self._renamed(mine[1], places)
        if to is None:
            return None

        def renamed(site: Site) -> Site:
            return site[0], _replaced(site[1], to)

        return renamed(other), _replaced(made, to), None if product.addend is None else renamed(product.addend)

    def _renamed(self, new: Places, places: Places) -> dict[int, tuple[tuple[int, int], ...]] | None:
        """For each atom of new dimensions what those stand for that are known already."""
        found: dict[int, tuple[tuple[int, int], ...]] = {}
        for mine, known in zip(new, places, strict=True):
            if known[0]:
                return None
            if mine[1]:
                found[mine[1][0][0]] = known[1]
        return found

    def _biased(self, site: Site, rows: set[int]) -> tuple[Site, Site | None]:
        """A bias that is added after a product, possibly with another view in between."""
        value, places = site
        for _ in range(4):
            readers = self.graph.readers.get(value, ())
            if len(readers) != 1:
                return site, None
            op = readers[0]
            if aten(op) == "add" and op.attribute("alpha", 1) == 1 and not op.writes:
                others = [one for one in op.reads if one != value]
                if (
                    len(others) == 1
                    and self.reader.is_weight(others[0])
                    and self.reader.sizes(op.outputs[0]) == self.reader.sizes(value)
                ):
                    bias = self.reader.origin(
                        others[0], narrowed(places, self.reader.sizes(value), self.reader.sizes(others[0]))
                    )[-1]
                    if set(self.space.all_over(bias[1])) <= rows:
                        return (op.outputs[0], places), bias
                return site, None
            step = self.viewed(op, value, places)
            if step is None:
                return site, None
            value, places = step
        return site, None


def _replaced(places: Places, to: dict[int, tuple[tuple[int, int], ...]]) -> Places:
    return tuple(
        (offset, tuple((a, s * stride) for atom, stride in terms for a, s in to.get(atom, ((atom, 1),))))
        for offset, terms in places
    )


__all__ = ["Outgoing", "Projection", "Rotary", "Strands"]
