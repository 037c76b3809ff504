"""The one vocabulary for layers: ``3×3 conv``, ``2×2 max pool``, ``layer norm``, and which of their settings a figure tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netfig.graph import Op, Scope
from netfig.records import dataclass
from netfig.renderers.kinds import KINDS, kind_of
from netfig.renderers.labels import MODULE_ROLES, size_text, times

if TYPE_CHECKING:
    from netfig.graph import Attribute, Graph

LINEAR = frozenset({"Linear", "LazyLinear", "NonDynamicallyQuantizableLinear", "linear", "addmm"})
_WORDS = {
    "Softmax2d": "softmax",
    "Softmax": "softmax",
    "LogSoftmax": "log-softmax",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "LeakyReLU": "leaky ReLU",
    "Softplus": "softplus",
    "Hardswish": "hard swish",
    "Hardsigmoid": "hard sigmoid",
    "Flatten": "flatten",
    "Unflatten": "unflatten",
    "Dropout": "dropout",
    "PixelShuffle": "pixel shuffle",
    "Identity": "identity",
    "CrossEntropyLoss": "cross-entropy",
    "MSELoss": "MSE",
}
_NORMS = {"Batch": "batch norm", "Layer": "layer norm", "Group": "group norm", "Instance": "instance norm", "RMS": "RMS norm"}


@dataclass(frozen=True, slots=True)
class LayerName:
    """What a layer is called (``3×3 conv``), how much it makes (channels, features), and its settings worth telling.

    `padding` stands apart: figures that show every shape need not tell it.
    """

    name: str
    size: str = ""
    settings: tuple[str, ...] = ()
    padding: str = ""

    @property
    def title(self) -> str:
        """``3×3 conv, 64``."""
        return f"{self.name}, {self.size}" if self.size else self.name


class Settings:
    """Settings of a layer by the names ``torch.nn`` gives them, wherever they stand: on the module or on its op."""

    def __init__(self, graph: Graph, item: Scope | Op, ops: Sequence[Op] = ()) -> None:
        self.graph = graph
        self.ops = tuple(ops) or ((item,) if isinstance(item, Op) else ())
        self.attributes: dict[str, Attribute] = {}
        if isinstance(item, Op):
            self.name = item.kind.strip("_")
            self.attributes = dict(item.attributes)
        else:
            self.name = item.type_name.removeprefix("Lazy")
            for inner in () if item.kind == "module" else self.ops:
                self.attributes.update(inner.attributes)
            self.attributes.update(item.attributes)
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
        for op in self.ops:
            for slot in op.inputs:
                if slot.name == "weight" and slot.refs:
                    return self.graph.value_by_id[slot.refs[0].value].type.sizes or ()
        return ()

    @property
    def kernel(self) -> tuple[int, ...]:
        """The window, from the setting or from the weight."""
        return self.sizes("kernel_size") or (self.weight[2:] if len(self.weight) > 2 else ())

    @property
    def window(self) -> tuple[int | str, ...]:
        """The window as it is written: numbers, or names of sizes."""
        value = self.get("kernel_size")
        named = value if isinstance(value, tuple) else (value,) * max(1, self.spatial)
        return self.kernel or tuple(size_text(one) for one in named if isinstance(one, (int, str)))

    @property
    def is_conv(self) -> bool:
        """Whether it slides a window with weights; ``Conv1D`` of some libraries is a linear layer."""
        return "conv" in self.name.lower() and not self.name.endswith("D") and bool(self.spatial or self.kernel)

    @property
    def is_transposed(self) -> bool:
        """Whether it is a convolution that enlarges."""
        return "transpose" in self.name.lower()

    @property
    def is_pool(self) -> bool:
        """Whether it is a pooling."""
        return "pool" in self.name.lower() and "unpool" not in self.name.lower()


def layer_name(graph: Graph, item: Scope | Op, ops: Sequence[Op] = ()) -> LayerName:
    """The words for a closed module, a function call (`ops`: what ran inside) or an op."""
    if isinstance(item, Scope) and item.kind == "module" and item.type_name not in MODULE_ROLES:
        return LayerName(item.type_name)
    if isinstance(item, Op) and "kind.label" in graph.notes_on(item.id):
        return LayerName(kind_of(graph, item).label)
    settings = Settings(graph, item, ops)
    if settings.is_conv:
        return _conv(settings)
    if settings.is_pool:
        return _pool(settings)
    if settings.name in LINEAR:
        size = settings.get("out_features") or (settings.weight[0] if len(settings.weight) == 2 else "")
        return LayerName("linear", size_text(size))
    if isinstance(item, Op):
        return LayerName(kind_of(graph, item).label)
    if item.kind != "module":
        return LayerName(_function(item.type_name))
    return _module(settings)


def _function(name: str) -> str:
    return KINDS[name].label if name in KINDS else name.strip("_").replace("_", " ")


def _conv(settings: Settings) -> LayerName:
    word = "up-conv" if settings.is_transposed else "conv"
    kernel, weight, groups = settings.kernel, settings.weight, settings.get("groups")
    told: list[str] = []
    stride = settings.sizes("stride")
    if any(s != 1 for s in stride) and not (settings.is_transposed and stride == kernel):
        told.append(f"stride {_short(stride)}")
    if any(d != 1 for d in settings.sizes("dilation")):
        told.append(f"dilation {_short(settings.sizes('dilation'))}")
    made = settings.get("out_channels")
    if isinstance(groups, int) and groups > 1:
        channels = settings.get("in_channels")
        if channels is None and weight:
            channels = weight[0] if settings.is_transposed else groups * weight[1]
        if groups == channels:
            word = f"depthwise {word}"
        else:
            told.append(f"{groups} groups")
    if made is None and len(weight) > 2:
        made = weight[1] * (groups if isinstance(groups, int) else 1) if settings.is_transposed else weight[0]
    return LayerName(_windowed(word, settings.window), "" if made is None else size_text(made), tuple(told), _padding(settings))


def _pool(settings: Settings) -> LayerName:
    low = settings.name.lower()
    word = "max pool" if "max" in low else "avg pool" if "avg" in low else "Lp pool" if low.startswith("lp") else "pool"
    if "adaptive" in low:
        size = settings.sizes("output_size")
        if size and all(s == 1 for s in size):
            return LayerName(f"global {word}")
        return LayerName(f"{word} to {times(size)}" if size else f"adaptive {word}")
    stride = settings.sizes("stride")
    told = (f"stride {_short(stride)}",) if stride and stride != settings.kernel else ()
    return LayerName(_windowed(word, settings.window), "", told, _padding(settings))


def _windowed(word: str, kernel: tuple[int | str, ...]) -> str:
    """``3×3 conv``; a window of one dimension stands behind: ``conv 9``."""
    if not kernel:
        return word
    return f"{times(kernel)} {word}" if len(kernel) > 1 else f"{word} {kernel[0]}"


def _padding(settings: Settings) -> str:
    padding = settings.get("padding")
    if isinstance(padding, str):
        return padding if padding in ("same", "valid") else f"pad {size_text(padding)}"
    sizes = settings.sizes("padding")
    return f"pad {_short(sizes)}" if any(sizes) else ""


def _module(settings: Settings) -> LayerName:
    name, role = settings.name, MODULE_ROLES.get(settings.name, "")
    if name in ("Embedding", "EmbeddingBag"):
        return LayerName("embedding", "", (f"{settings.get('num_embeddings')}×{settings.get('embedding_dim')}",))
    if name.startswith("Upsampl"):
        factor = settings.get("scale_factor")
        if isinstance(factor, tuple) and factor and all(f == factor[0] for f in factor):
            factor = factor[0]
        return LayerName(f"upsample ×{factor:g}" if isinstance(factor, (int, float)) else "upsample")
    if role == "state":
        return _recurrent(settings)
    if role == "attention":
        heads = settings.get("num_heads")
        return LayerName("multi-head attention", "", (f"{heads} heads",) if heads is not None else ())
    if role == "norm":
        word = next((text for key, text in _NORMS.items() if name.startswith(key)), name)
        groups = settings.get("num_groups")
        return LayerName(word, "", (f"{groups} groups",) if groups is not None else ())
    return LayerName(_WORDS.get(name, name))


def _recurrent(settings: Settings) -> LayerName:
    told = ["bidirectional"] if settings.get("bidirectional") else []
    layers = settings.get("num_layers")
    if isinstance(layers, int) and layers > 1:
        told.append(f"{layers} layers")
    return LayerName(settings.name.replace("Cell", " cell"), str(settings.get("hidden_size")), tuple(told))


def _short(sizes: tuple[int, ...]) -> str:
    """One number when all are equal."""
    return str(sizes[0]) if len(set(sizes)) == 1 else times(sizes)
