"""Whether the matrices of several projections are one stored matrix, and how their rows are laid out in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netfig.passes.attention_index import Place, Space
from netfig.passes.attention_products import Reader, Site, Strand


def fused_rows(
    space: Space,
    reader: Reader,
    strands: Mapping[str, Strand],
    letters: str,
    rows: Mapping[str, Sequence[int]],
    columns: Mapping[str, Sequence[int]],
    counts: Sequence[int],
) -> int:
    """In how many groups of rows of q, k, v the one matrix comes, of the `counts` that may be; 0 where it is no one matrix."""
    weights = {one: strands[one].weight for one in letters}
    sites = [site for site in weights.values() if site is not None]
    if len(sites) < len(letters) or len({site[0] for site in sites}) > 1:
        return 0
    sizes = reader.sizes(sites[0][0])
    if len(sizes) < 2 or any(size != 1 for size in sizes[2:]):
        return 0
    places: dict[str, Place] = {}
    for letter in letters:
        site = weights[letter]
        assert site is not None
        at = next((k for k in (0, 1) if space.over(site[1][1 - k]) == list(columns[letter])), None)
        if at is None or not space.is_all(site[1][1 - at], sizes[1 - at]):
            return 0
        places[letter] = site[1][at]
    total = sum(space.extent(rows[one]) for one in letters)
    biases = [strands[one].bias for one in letters]
    if total not in sizes or not _is_one_bias(space, reader, biases, [places[one] for one in letters], total):
        return 0
    for groups in dict.fromkeys((1, *counts)):
        even = groups and all(space.extent(rows[one]) % groups == 0 for one in letters)
        if even and _fits(space, places, letters, rows, total // groups, groups):
            return groups
    return 0


def _fits(
    space: Space, places: Mapping[str, Place], letters: str, rows: Mapping[str, Sequence[int]], block: int, groups: int
) -> bool:
    start = 0
    for letter in letters:
        each = space.extent(rows[letter]) // groups
        expected = []
        for atom, stride in space.of(list(rows[letter]))[1]:
            if stride >= each:
                if stride % each:
                    return False
                expected.append((atom, stride // each * block))
            elif stride * space.size(atom) <= each:
                expected.append((atom, stride))
            else:
                return False
        if places[letter][0] != start or sorted(space.terms(places[letter])) != sorted(expected):
            return False
        start += each
    return True


def _is_one_bias(space: Space, reader: Reader, biases: Sequence[Site | None], places: Sequence[Place], total: int) -> bool:
    """Whether there is no bias, or one vector that is cut like the matrix."""
    given = [one for one in biases if one is not None]
    if not given:
        return True
    if len(given) < len(biases) or len({one[0] for one in given}) > 1 or reader.sizes(given[0][0]) != (total,):
        return False
    return all(space.same((one[1][0],), (place,)) for one, place in zip(given, places, strict=True))
