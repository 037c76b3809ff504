"""Words for layers and shapes: ``3×3 conv, 64``, ``64@32×32``, ``448 parameters``."""

from __future__ import annotations

from collections.abc import Callable

from netfig.graph import Attribute, Graph, Scope, TensorType

MODULE_ROLES: dict[str, str] = {}
"""Role of a module's box by class name; a class that is not here is a ``block``."""


def _register(role: str, *names: str) -> None:
    MODULE_ROLES.update(dict.fromkeys(names, role))


_register("layer", *(f"{p}Conv{t}{n}d" for p in ("", "Lazy") for t in ("", "Transpose") for n in (1, 2, 3)))
_register("layer", "Linear", "LazyLinear", "NonDynamicallyQuantizableLinear", "Bilinear", "Embedding", "EmbeddingBag", "Conv1D")
_register("state", "RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell")
_register("pool", *(f"{a}{k}Pool{n}d" for a in ("", "Adaptive") for k in ("Max", "Avg") for n in (1, 2, 3)))
_register("pool", "Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d", "PixelShuffle", "PixelUnshuffle", "MaxUnpool2d")
_register("pool", *(f"LPPool{n}d" for n in (1, 2, 3)), "FractionalMaxPool2d", "FractionalMaxPool3d")
_register("norm", *(f"{p}{k}Norm{n}d" for p in ("", "Lazy") for k in ("Batch", "Instance") for n in (1, 2, 3)))
_register("norm", "LayerNorm", "GroupNorm", "RMSNorm", "LocalResponseNorm", "SyncBatchNorm")
_register("attention", "MultiheadAttention")
_register("activation", "ReLU", "ReLU6", "LeakyReLU", "PReLU", "RReLU", "ELU", "CELU", "SELU", "GELU", "SiLU", "Mish", "GLU")
_register("activation", "Sigmoid", "LogSigmoid", "Hardsigmoid", "Hardswish", "Hardtanh", "Hardshrink", "Softshrink", "Tanhshrink")
_register("activation", "Tanh", "Softmax", "Softmax2d", "LogSoftmax", "Softmin", "Softplus", "Softsign", "Threshold")
_register("op.box", "Flatten", "Unflatten", "Fold", "Unfold", "ChannelShuffle", "ZeroPad2d", "ReflectionPad2d", "ConstantPad2d")
_register("op.box", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "Identity", "CosineSimilarity")
_register("loss", "CrossEntropyLoss", "MSELoss", "NLLLoss", "BCELoss", "BCEWithLogitsLoss", "L1Loss", "KLDivLoss")


def number(count: int) -> str:
    """A count with thousands separators."""
    return f"{count:,}"


def times(sizes: Attribute) -> str:
    """Sizes of a window: ``3×3``; one number stands for both."""
    return "×".join(str(s) for s in sizes) if isinstance(sizes, tuple) else str(sizes)


def has_maps(graph: Graph) -> bool:
    """Whether the graph works on feature maps, so that shapes read channels@height×width."""
    return any(op.kind.startswith(("conv", "max_pool", "avg_pool", "adaptive_")) for op in graph.ops)


def shape_text(kind: TensorType, batch: int | None, maps: bool = True) -> str:
    """A shape in the figure's one notation: ``64@32×32`` for feature maps, ``12×512`` for rows of vectors, ``10`` for a vector.

    The leading batch dimension is left out when it is `batch`; without `maps` every shape is written with ``×``.
    """
    if kind.shape is None:
        return ""
    dims = list(kind.shape)
    if batch is not None and dims and dims[0].size == batch:
        dims = dims[1:]
    words = [str(d) for d in dims]
    if maps and len(words) in (3, 4) and kind.dtype not in ("int64", "int32", "bool"):
        return f"{words[0]}@{'×'.join(words[1:])}"
    return "×".join(words) if words else "scalar"


def batch_of(graph: Graph) -> int | None:
    """Size of the leading batch dimension: what the source says, or one size that leads every input and output."""
    note = graph.notes_on("").get("batch")
    if note is not None:
        return note.value if isinstance(note.value, int) else None
    leading = set()
    for port in (*graph.inputs, *graph.outputs):
        shape = graph.value_by_id[port.value].type.shape
        leading.add(shape[0].size if shape and len(shape) > 1 else None)
    return leading.pop() if len(leading) == 1 else None


def _window(scope: Scope, dims: int) -> str:
    size = scope.attribute("kernel_size")
    if isinstance(size, tuple):
        return times(size)
    return "×".join([str(size)] * dims) if dims > 1 else str(size)


def _uniform(value: Attribute) -> Attribute:
    """``(2, 2)`` is 2."""
    if isinstance(value, tuple) and value and all(v == value[0] for v in value):
        return value[0]
    return value


def _conv(scope: Scope) -> tuple[str, list[str]]:
    name = scope.type_name.removeprefix("Lazy")
    up = "Transpose" in name
    dims = int(name[-2]) if name[-2].isdigit() else 2
    channels, groups = scope.attribute("out_channels"), scope.attribute("groups", 1)
    word = "up-conv" if up else "conv"
    if groups not in (None, 1) and groups == scope.attribute("in_channels"):
        word = f"depthwise {word}"
    title = f"{_window(scope, dims)} {word}, {channels}"
    stride = _uniform(scope.attribute("stride", 1))
    if stride not in (None, 1) and not up:
        title += f", /{times(stride)}"
    details = []
    dilation = _uniform(scope.attribute("dilation", 1))
    if dilation not in (None, 1):
        details.append(f"dilation {times(dilation)}")
    if groups not in (None, 1) and "depthwise" not in word:
        details.append(f"{groups} groups")
    return title, details


def _pool(scope: Scope) -> tuple[str, list[str]]:
    kind = "max" if "Max" in scope.type_name else "avg" if "Avg" in scope.type_name else "Lp"
    dims = int(scope.type_name[-2])
    if scope.type_name.startswith("Adaptive"):
        size = _uniform(scope.attribute("output_size"))
        return (f"global {kind} pool" if size == 1 else f"adaptive {kind} pool {times(scope.attribute('output_size'))}"), []
    stride = _uniform(scope.attribute("stride"))
    same = stride is None or stride == _uniform(scope.attribute("kernel_size"))
    step = "" if same else ", stride 1" if stride == 1 else f", /{times(stride)}"
    return f"{_window(scope, dims)} {kind} pool{step}", []


def _linear(scope: Scope) -> tuple[str, list[str]]:
    return f"linear, {scope.attribute('out_features')}", []


def _embedding(scope: Scope) -> tuple[str, list[str]]:
    return "embedding", [f"{scope.attribute('num_embeddings')}×{scope.attribute('embedding_dim')}"]


def _recurrent(scope: Scope) -> tuple[str, list[str]]:
    details = []
    if scope.attribute("bidirectional"):
        details.append("bidirectional")
    layers = scope.attribute("num_layers", 1)
    if isinstance(layers, int) and layers > 1:
        details.append(f"{layers} layers")
    return f"{scope.type_name.replace('Cell', ' cell')}, {scope.attribute('hidden_size')}", details


def _attention(scope: Scope) -> tuple[str, list[str]]:
    heads = scope.attribute("num_heads")
    return "multi-head attention", [f"{heads} heads"] if heads is not None else []


def _norm(scope: Scope) -> tuple[str, list[str]]:
    name = scope.type_name.removeprefix("Lazy")
    words = {"Batch": "batch norm", "Layer": "layer norm", "Group": "group norm", "Instance": "instance norm", "RMS": "RMS norm"}
    label = next((text for key, text in words.items() if name.startswith(key)), name)
    groups = scope.attribute("num_groups")
    return label + (f", {groups} groups" if groups is not None else ""), []


_LABELS: dict[str, Callable[[Scope], tuple[str, list[str]]]] = {
    "layer": _conv,
    "pool": _pool,
    "state": _recurrent,
    "attention": _attention,
    "norm": _norm,
}
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


def module_label(scope: Scope) -> tuple[str, list[str]]:
    """Title and details of a closed module: what it is and the settings one reads a figure for."""
    name = scope.type_name
    if name in ("Linear", "LazyLinear", "NonDynamicallyQuantizableLinear"):
        return _linear(scope)
    if name in ("Embedding", "EmbeddingBag"):
        return _embedding(scope)
    if name.startswith("Upsampl"):
        factor = _uniform(scope.attribute("scale_factor"))
        return (f"upsample ×{factor:g}" if isinstance(factor, (int, float)) else "upsample"), []
    role = MODULE_ROLES.get(name, "block")
    if role in _LABELS and name not in _WORDS and (role != "layer" or ("Conv" in name and name.endswith("d"))):
        if role == "pool" and "Pool" not in name:
            return _WORDS.get(name, name), []
        return _LABELS[role](scope)
    return _WORDS.get(name, name), []


def module_role(scope: Scope) -> str:
    """Role of a closed module's box."""
    return MODULE_ROLES.get(scope.type_name, "block")
