"""What one step of a chain is called on its arrow (``conv 5×5``, ``pad 2``), whether it makes a tensor to draw, its window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netfig.graph import Op, Scope
from netfig.renderers.kinds import RESHAPES, kind_of
from netfig.renderers.labels import module_label, module_role, times

if TYPE_CHECKING:
    from netfig.graph import Attribute, Graph
    from netfig.renderers.chain import Step

_FLAT = frozenset({"flatten", "Flatten", "ravel"}) | RESHAPES | {"squeeze", "unsqueeze", "Unflatten", "contiguous"}
_REDUCTIONS = frozenset({"mean", "sum", "amax", "amin", "max"})


@dataclass(frozen=True, slots=True)
class LayerWords:
    """How a step is shown. `stem` names its tensor when nobody else does; `window` is what it looks at, per dimension."""

    kind: str  # conv, pool, linear, reshape, norm, activation, dropout, other
    role: str
    stem: str
    words: tuple[str, ...]
    makes_tensor: bool = False
    window: tuple[int, ...] = ()
    looks_at_all: bool = False
    spatial: int = 0


def layer_words(graph: Graph, step: Step) -> LayerWords:
    """The words for a step, from the settings of its module or from its op."""
    settings = _Settings(graph, step)
    name = settings.name
    low = name.lower()
    if "conv" in low and (settings.spatial or settings.kernel):
        return _conv(settings, "transpose" in low)
    if "pool" in low and "unpool" not in low:
        return _pool(settings, low)
    if low in ("linear", "lazylinear", "nondynamicallyquantizablelinear", "addmm"):
        return LayerWords("linear", "layer", "fc", ("linear",), makes_tensor=True)
    if name in _FLAT:
        word = "flatten" if _ends_flat(graph, step) else "reshape"
        return LayerWords("reshape", "op.box", word, (word,))
    if low in _REDUCTIONS:
        return LayerWords("pool", "pool", low, (low,))
    if "dropout" in low:
        p = settings.get("p")
        return LayerWords("dropout", "op.box", "dropout", (f"dropout {p:g}" if isinstance(p, (int, float)) else "dropout",))
    return _other(graph, step)


def _other(graph: Graph, step: Step) -> LayerWords:
    item = step.item
    if isinstance(item, Scope) and item.kind == "module":
        title, details = module_label(item)
        role = module_role(item)
        title = title.split(",")[0]
    elif isinstance(item, Op):
        row = kind_of(graph, item)
        title, details, role = row.label, [], row.role
    else:
        title, details, role = item.type_name.replace("_", " "), [], "op.box"
    kind = role if role in ("norm", "activation") else "other"
    if role == "op":
        role = "op.box"
    stem = title.replace(" ", "")
    return LayerWords(kind, role, stem, (title, *details), makes_tensor=role in ("layer", "state", "attention"))


def _ends_flat(graph: Graph, step: Step) -> bool:
    before, after = (graph.value_by_id[v].type.shape or () for v in (step.reads, step.makes))
    return 0 < len(after) < len(before)


class _Settings:
    """Settings of a layer by the names ``torch.nn`` gives them, wherever they stand: on the module or on its op."""

    def __init__(self, graph: Graph, step: Step) -> None:
        self.graph, self.step = graph, step
        item = step.item
        if isinstance(item, Scope) and item.kind == "module":
            self.name, self.attributes = item.type_name, dict(item.attributes)
        else:
            op = item if isinstance(item, Op) else None
            self.name = op.kind.strip("_") if op else item.type_name  # type: ignore[union-attr]
            self.attributes = dict(op.attributes) if op else {}
            if not op:
                for inner in step.ops:
                    self.attributes.update(inner.attributes)
        digits = [c for c in self.name.replace("_with_indices", "")[-2:] if c.isdigit()]
        self.spatial = int(digits[0]) if digits else 0

    def get(self, *names: str) -> Attribute:
        """The first of these settings that is there."""
        return next((self.attributes[n] for n in names if n in self.attributes), None)

    def sizes(self, *names: str) -> tuple[int, ...]:
        """A setting per dimension; ``()`` when it is not known."""
        value = self.get(*names)
        if isinstance(value, int) and not isinstance(value, bool):
            return (value,) * max(1, self.spatial)
        if isinstance(value, tuple) and value and all(isinstance(v, int) for v in value):
            numbers = tuple(v for v in value if isinstance(v, int))
            return numbers * max(1, self.spatial) if len(numbers) == 1 else numbers
        return ()

    @property
    def weight(self) -> tuple[int, ...]:
        """The shape of the weight its op reads."""
        for op in self.step.ops:
            for slot in op.inputs:
                if slot.name == "weight" and slot.refs:
                    return self.graph.value_by_id[slot.refs[0].value].type.sizes or ()
        return ()

    @property
    def kernel(self) -> tuple[int, ...]:
        """The window, from the setting or from the weight."""
        return self.sizes("kernel_size") or (self.weight[2:] if len(self.weight) > 2 else ())


def _conv(settings: _Settings, up: bool) -> LayerWords:
    kernel = settings.kernel
    words = [("up-conv " if up else "conv ") + (times(kernel) if kernel else "")]
    words[0] = words[0].strip()
    padding = settings.get("padding")
    if isinstance(padding, str):
        words.append(padding)
    elif any(settings.sizes("padding")):
        words.append(f"pad {_short(settings.sizes('padding'))}")
    stride, dilation = settings.sizes("stride"), settings.sizes("dilation")
    if any(s != 1 for s in stride):
        words.append(f"stride {_short(stride)}")
    if any(d != 1 for d in dilation):
        words.append(f"dilation {_short(dilation)}")
    groups = settings.get("groups")
    if isinstance(groups, int) and groups > 1:
        channels = settings.get("in_channels")
        if channels is None and settings.weight:
            channels = groups * settings.weight[1]
        words.append("depthwise" if groups == channels else f"{groups} groups")
    reach = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation or (1,) * len(kernel), strict=False))
    spatial = len(kernel) or settings.spatial
    return LayerWords("conv", "layer", "conv", tuple(words), True, () if up else reach, spatial=spatial)


def _pool(settings: _Settings, name: str) -> LayerWords:
    word = "max pool" if "max" in name else "avg pool" if "avg" in name else "pool"
    spatial = settings.spatial
    if "adaptive" in name:
        size = settings.sizes("output_size")
        if size and all(s == 1 for s in size):
            return LayerWords("pool", "pool", "pool", (f"global {word}",), True, looks_at_all=True, spatial=spatial)
        words = [f"{word} to {times(size)}" if size else f"adaptive {word}"]
        return LayerWords("pool", "pool", "pool", tuple(words), True, spatial=spatial)
    kernel = settings.kernel
    words = [f"{word} {times(kernel)}" if kernel else word]
    stride = settings.sizes("stride")
    if stride and stride != kernel:
        words.append(f"stride {_short(stride)}")
    if any(settings.sizes("padding")):
        words.append(f"pad {_short(settings.sizes('padding'))}")
    return LayerWords("pool", "pool", "pool", tuple(words), True, kernel, spatial=spatial)


def _short(sizes: tuple[int, ...]) -> str:
    """One number when all are equal."""
    return str(sizes[0]) if len(set(sizes)) == 1 else times(sizes)
