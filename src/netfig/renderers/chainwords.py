"""What one step of a chain does to its tensor: the words on its arrow, whether it makes a tensor to draw, its window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.graph import Op, Scope
from netfig.records import dataclass
from netfig.renderers.kinds import RESHAPES, kind_of
from netfig.renderers.labels import module_role
from netfig.renderers.layerwords import LINEAR, Settings, layer_name

if TYPE_CHECKING:
    from netfig.graph import Graph
    from netfig.renderers.chain import Step

_FLAT = frozenset({"flatten", "Flatten", "ravel"}) | RESHAPES | {"squeeze", "unsqueeze", "Unflatten", "contiguous"}
_REDUCTIONS = frozenset({"mean", "sum", "amax", "amin", "max"})


@dataclass(frozen=True, slots=True)
class ChainWords:
    """How a step is shown. `stem` names its tensor when nobody else does; `window` is what it looks at, per dimension."""

    kind: str  # conv, pool, linear, reshape, norm, activation, dropout, other
    role: str
    stem: str
    words: tuple[str, ...]
    makes_tensor: bool = False
    window: tuple[int, ...] = ()
    looks_at_all: bool = False
    spatial: int = 0


def chain_words(graph: Graph, step: Step) -> ChainWords:
    """The words for a step, from the settings of its module or from its op."""
    settings = Settings(graph, step.item, step.ops)
    name = settings.name
    if settings.is_conv or settings.is_pool:
        return _windowed(graph, step, settings)
    if name in LINEAR:
        return ChainWords("linear", "layer", "fc", ("linear",), makes_tensor=True)
    if name in _FLAT:
        word = "flatten" if _ends_flat(graph, step) else "reshape"
        return ChainWords("reshape", "op.box", word, (word,))
    if name.lower() in _REDUCTIONS:
        return ChainWords("pool", "pool", name.lower(), (name.lower(),))
    if "dropout" in name.lower():
        p = settings.get("p")
        return ChainWords("dropout", "op.box", "dropout", (f"dropout {p:g}" if isinstance(p, (int, float)) else "dropout",))
    return _other(graph, step)


def _windowed(graph: Graph, step: Step, settings: Settings) -> ChainWords:
    named = layer_name(graph, step.item, step.ops)
    words = tuple(w for w in (named.name, named.padding, *named.settings) if w)
    kernel, dilation = settings.kernel, settings.sizes("dilation")
    if settings.is_conv:
        reach = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation or (1,) * len(kernel), strict=False))
        window = () if settings.is_transposed else reach
        return ChainWords("conv", "layer", "conv", words, True, window, spatial=len(kernel) or settings.spatial)
    everything = named.name.startswith("global")
    adaptive = "adaptive" in settings.name.lower()
    return ChainWords("pool", "pool", "pool", words, True, () if adaptive else kernel, everything, settings.spatial)


def _other(graph: Graph, step: Step) -> ChainWords:
    item = step.item
    named = layer_name(graph, item, step.ops)
    if isinstance(item, Scope) and item.kind == "module":
        role = module_role(item)
    else:
        role = kind_of(graph, item).role if isinstance(item, Op) else "op.box"
    kind = role if role in ("norm", "activation") else "other"
    if role == "op":
        role = "op.box"
    makes = role in ("layer", "state", "attention")
    return ChainWords(kind, role, named.name.replace(" ", ""), (named.name, *named.settings), makes_tensor=makes)


def _ends_flat(graph: Graph, step: Step) -> bool:
    before, after = (graph.value_by_id[v].type.shape or () for v in (step.reads, step.makes))
    return 0 < len(after) < len(before)
