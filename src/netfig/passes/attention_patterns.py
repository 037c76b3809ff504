"""Which pattern a mask of known numbers has, over queries and keys: causal, a window, a slope."""

from __future__ import annotations

from typing import Any

from netfig.passes.attention_index import Places, Space


class Patterns:
    """Names patterns; the same mask is looked at once, however many layers have it."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self._seen: dict[tuple[Any, ...], tuple[str, int | None]] = {}

    def kind(
        self, array: Any, token: tuple[int, str], places: Places, means: str, queries: list[int], keys: list[int]
    ) -> tuple[str, int | None]:
        """Which of the patterns people name a mask of known truth values is; ``given`` when it is none.

        `token` stands for the array: the same mask is looked at once, however many layers have it.
        """
        import numpy as np

        n, m = self.space.flat(queries), self.space.flat(keys)
        key = (token, means, *self._roles(places, n, m))
        if key in self._seen:
            return self._seen[key]
        grid = self._grid(array, places, n, m)
        found: tuple[str, int | None] = ("given", None)
        if grid is not None:
            seen = grid.astype(bool) if means == "keep" else ~grid.astype(bool)
            if (seen == seen[:1]).all():
                one = seen[0]
                rows, columns = one.shape
                ahead = np.arange(columns)[None, :] - np.arange(rows)[:, None] - (columns - rows)
                width = int(one[-1].sum())
                for kind, expected in (
                    ("", np.ones_like(one)),
                    ("causal", ahead <= 0),
                    ("causal window", (ahead <= 0) & (ahead > -width)),
                    ("window", np.abs(ahead) < width),
                ):
                    if (one == expected).all():
                        found = (kind, width if "window" in kind else None)
                        break
        self._seen[key] = found
        return found

    def _roles(self, places: Places, n: list[int], m: list[int]) -> tuple[Any, ...]:
        order: dict[int, int] = {}
        listed = [*n, *m]
        described = []
        for offset, _ in places:
            described.append(offset)
        for place in places:
            for atom, stride in self.space.terms(place):
                role = listed.index(atom) if atom in listed else -1 - order.setdefault(atom, len(order))
                described += [role, stride, self.space.size(atom)]
            described.append(-999)
        return (len(n), len(m), *described)

    def _grid(self, array: Any, places: Places, n: list[int], m: list[int]) -> Any:
        """The numbers as (others × queries × keys)."""
        import numpy as np

        space = self.space
        others = [atom for atom in dict.fromkeys(space.all_over(places)) if atom not in n and atom not in m]
        order = [*others, *n, *m]
        index = []
        for place in places:
            spot: Any = np.array(place[0])
            for atom, stride in space.terms(place):
                shape = [1] * len(order)
                shape[order.index(atom)] = space.size(atom)
                spot = spot + np.arange(space.size(atom)).reshape(shape) * stride
            index.append(spot)
        sizes = [space.size(atom) for atom in order]
        if np.prod(sizes, dtype=float) > (1 << 24):
            return None
        found = np.broadcast_to(array[tuple(index)], sizes)
        return found.reshape(space.extent(others), space.extent(n), space.extent(m))

    def is_slope(self, array: Any, places: Places, queries: list[int], keys: list[int]) -> bool:
        """Whether numbers fall evenly with the distance of a key, each head at its own rate."""
        import numpy as np

        grid = self._grid(array, places, self.space.flat(queries), self.space.flat(keys))
        if grid is None or grid.shape[0] < 1 or grid.shape[2] < 2:
            return False
        rows, columns = grid.shape[1:]
        ahead = np.arange(columns)[None, :] - np.arange(rows)[:, None] - (columns - rows)
        slopes = grid[:, -1, -1] - grid[:, -1, -2]
        shapes = (-np.abs(ahead), ahead, np.broadcast_to(np.arange(columns)[None, :], ahead.shape))
        for one in shapes:
            rest = grid - slopes[:, None, None] * one
            if np.allclose(rest, rest[:, :, :1], rtol=0, atol=1e-6) and (slopes > 0).all():
                return True
        return False
