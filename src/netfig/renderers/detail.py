"""How much of a model is opened: level by level, as far as the figure stays readable, and what is asked for by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from netfig.errors import UsageError, did_you_mean
from netfig.renderers.labels import MODULE_ROLES

if TYPE_CHECKING:
    from netfig.figure import Figure
    from netfig.graph import Graph, Scope
    from netfig.renderers.options import ModulesOptions
    from netfig.renderers.view import View

MOST = 36
"""Boxes of a figure of which no number is given."""
LARGEST = 120
"""Things in one scope beyond which a loop in it is shortened."""
TRIES = 24
"""Modules that are tried."""


SLIGHT = 0.02
"""Of all that happens in a model: a module in which less does is not opened unasked."""


def depths(graph: Graph) -> dict[str, int]:
    """How deep each module scope lies, the root at 0; a plate is no level of its own."""
    found: dict[str, int] = {}
    for scope in graph.scopes:
        found[scope.id] = found[scope.parent] + (scope.kind != "plate") if scope.parent is not None else 0
    return found


def fits_a_page(figure: Figure) -> bool:
    """Whether a figure would be printed on one page with no text under nine points."""
    from netfig.layout.flow import LEGIBLE, print_scale
    from netfig.theme import load_theme

    return print_scale(figure, load_theme("light")) >= LEGIBLE


class Opening:
    """Which module scopes of a graph can be opened, and which are to be, whatever the level.

    Raises:
        UsageError: a path that is to be opened or closed is not there, or both is asked of it.
    """

    def __init__(self, graph: Graph, options: ModulesOptions) -> None:
        self.graph, self.options = graph, options
        self.levels = depths(graph)
        self.deepest = max(self.levels.values(), default=0) + 1
        self.always: set[str] = set()
        self.never: set[str] = set()
        self._inside = _ops_inside(graph)
        auto = options.depth == 0 and options.max_boxes is None
        self._all = _ops_inside(graph, all_members=True)
        least = SLIGHT * self._all[graph.root.id] if auto else 0
        self._slight = frozenset(s.id for s in graph.scopes if s.kind == "module" and self._all[s.id] < least)
        if options.expand or options.collapse:
            self._read(options)

    def _read(self, options: ModulesOptions) -> None:
        from netfig.graph.paths import fits, named_modules

        both = [pattern for pattern in options.expand if pattern in options.collapse]
        modules = named_modules(self.graph)
        known = {path for module in modules for path in module.paths}
        lost = []
        for patterns, into in ((options.expand, self.always), (options.collapse, self.never)):
            for pattern in dict.fromkeys(patterns):
                hits = [m.scope.id for m in modules if fits(pattern, (*m.paths, m.scope.path))]
                into.update(hits)
                if not hits:
                    lost.append(pattern)
        if both:
            raise UsageError(f"{both[0]!r} is to be opened and to be kept closed", hint="give it to one of expand and collapse")
        if lost:
            hints = [did_you_mean(name, known) if len(known) <= 12 else _nearest(name, known) for name in lost]
            what = f"there is no module {lost[0]!r} in {self.graph.name!r}"
            more = [f"there is no module {name!r}; {hint}" for name, hint in zip(lost[1:], hints[1:], strict=True)]
            raise UsageError(what, why="\n       ".join(more), hint=hints[0])
        scopes = self.graph.scope_by_id
        for id in sorted(self.always):  # what is asked for by name is seen: everything around it is open, too
            parent = scopes[id].parent
            while parent is not None:
                self.always.add(parent)
                parent = scopes[parent].parent
        self.never -= self.always

    def can(self, scope: Scope) -> bool:
        """Whether a closed module has an inside worth a look that nobody wants closed."""
        shut = scope.id in self.never or scope.id in self._slight or "opaque" in self.graph.notes_on(scope.id)
        return scope.kind == "module" and not shut and scope.type_name not in MODULE_ROLES and self._inside[scope.id] > 1

    def to(self, depth: int, more: Iterable[str] = ()) -> Callable[[Scope], bool]:
        """What says of a scope whether it is open when `depth` levels and some `more` are."""
        others = frozenset(more)
        shut = self.never | self._slight
        return lambda s: s.id in self.always or (s.id not in shut and (self.levels[s.id] < depth or s.id in others))

    def next_of(self, view: View, refused: set[str]) -> tuple[str, list[str]]:
        """The closed modules of a view to be opened next: those of one class in which most happens; their class, their ids."""
        weight: Counter[str] = Counter()
        groups: dict[str, list[str]] = {}
        for leaf in view.leaves.values():
            scope = self.graph.scope_by_id.get(leaf.item.id) if leaf.item is not None else None
            if scope is None or scope is not leaf.item or not self.can(scope):
                continue
            kind = scope.type_name if scope.type_name not in ("Sequential", "ModuleList", "ModuleDict") else scope.id
            groups.setdefault(kind, []).append(scope.id)
            weight[kind] += self._all[scope.id]
        left = [kind for kind in groups if kind not in refused]
        best = max(left, key=lambda kind: weight[kind], default="")
        return best, groups.get(best, [])


def _nearest(name: str, known: set[str]) -> str:
    """The paths most like one that is not there."""
    import difflib

    near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.55)
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    around = sorted({path.partition(".")[0] for path in known})
    return f"its modules are {', '.join(around[:12])}{', …' if len(around) > 12 else ''}; * stands for one part of a path"


def _ops_inside(graph: Graph, *, all_members: bool = False) -> Counter[str]:
    """How many ops there are in each scope, those in scopes in it with them; of `all_members`, or once for what is folded."""
    from netfig.graph.repeats_read import times

    often: dict[str, int] = {}
    found: Counter[str] = Counter()
    for op in graph.ops:
        if op.scope not in often:
            often[op.scope] = times(graph, op.id) if all_members and graph.axes else 1
        found[op.scope] += often[op.scope]
    for scope in reversed(graph.scopes):
        if scope.parent is not None:
            found[scope.parent] += found[scope.id]
    return found
