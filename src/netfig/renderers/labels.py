"""Roles of modules, shapes and counts in the figures' one notation: ``64@32×32``, ``448 parameters``."""

from __future__ import annotations

from netfig.graph import Attribute, Graph, Scope

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


def size_text(size: object) -> str:
    """A size as people write it: ``4C`` for ``4*C``."""
    text = str(size)
    if not ("(" in text or " " in text or ("*" in text and not text[:1].isdigit())):
        return text.replace("*", "")
    from netfig.graph.formula_text import pretty_size

    return pretty_size(text)


def times(sizes: Attribute) -> str:
    """Sizes of a window: ``3×3``; one number stands for both."""
    return "×".join(str(s) for s in sizes) if isinstance(sizes, tuple) else str(sizes)


class Shapes:
    """Shapes in a figure's one notation, without the batch where the graph says which dimension that is."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.batch = batch_of(graph)
        self.maps = has_maps(graph)
        self._second = _batch_second(graph)

    def text(self, value: str) -> str:
        """``64@32×32`` for feature maps, ``12×512`` for rows of vectors, ``10`` for a vector.

        The batch is left out where it leads, or comes second as in the states of a recurrent layer. Stored weights have none,
        but a leading 1 that only broadcasts over it is left out too.
        """
        item = self.graph.value_by_id[value]
        if item.type.shape is None:
            return ""
        dims = list(item.type.shape)
        if item.kind in ("parameter", "buffer"):
            spare = len(dims) > 1 and dims[0].size == 1 and self.batch is not None
            return _crossed([size_text(d) for d in dims[spare:]])
        at = 1 if value in self._second and len(dims) > 2 else 0
        if self.batch is not None and len(dims) > at and dims[at].size == self.batch:
            del dims[at]
        words = [size_text(d) for d in dims]
        words = [f"({word})" if " " in word and len(words) > 1 and word[0] not in "⌊⌈(" else word for word in words]
        if self.maps and len(words) in (3, 4) and item.type.dtype not in ("int64", "int32", "bool"):
            return f"{words[0]}@{'×'.join(words[1:])}"
        return _crossed(words)


def _crossed(words: list[str]) -> str:
    return "×".join(words) if words else "scalar"


def has_maps(graph: Graph) -> bool:
    """Whether the graph works on feature maps, so that shapes read channels@height×width."""
    return any(op.kind.startswith(("conv", "max_pool", "avg_pool", "adaptive_")) for op in graph.ops)


def _batch_second(graph: Graph) -> frozenset[str]:
    """Values that carry the batch in their second dimension: what ``torch.nn``'s recurrent layers read and give."""
    found: set[str] = set()
    for scope in graph.scopes:
        if scope.kind == "module" and scope.type_name in ("RNN", "LSTM", "GRU"):
            first = 0 if scope.attribute("batch_first") is False else 1  # states are (layers, batch, features) either way
            found.update(scope.outputs[first:], scope.inputs[first:])
    return frozenset(found)


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


def module_role(scope: Scope) -> str:
    """Role of a closed module's box."""
    return MODULE_ROLES.get(scope.type_name, "block")
