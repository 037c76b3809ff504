"""What torch says of its operators: which arguments they write, what they hand back, looked up once per operator."""

from __future__ import annotations

import re
from typing import Any

import torch


class OpInfo:
    """What the schema of an operator says, looked up once per operator.

    `tensors` are the places of the arguments that may hold tensors, `reads` those of them whose content it reads.
    """

    __slots__ = (
        "blind",
        "by_shape",
        "default_values",
        "defaults",
        "disposable",
        "dynamic",
        "fresh",
        "lift",
        "makes_dtype",
        "name",
        "names",
        "out_names",
        "overload",
        "overwritten",
        "placed",
        "plain",
        "question",
        "random",
        "reads",
        "renames",
        "reserve",
        "run",
        "schema",
        "several",
        "signature",
        "statistics",
        "target",
        "tensors",
        "view",
        "when",
        "writes",
    )

    def __init__(self, overload: Any) -> None:
        self.overload = overload
        self.run = overload._op if type(overload) is torch._ops.OpOverload else overload  # what an operator's ``__call__`` calls
        self.target = str(overload)
        schema: Any = getattr(overload, "_schema", None)
        self.schema = schema
        self.name = overload._schema.name.split("::")[-1] if schema is not None else str(getattr(overload, "__name__", overload))
        arguments = schema.arguments if schema is not None else []
        self.names = tuple(a.name for a in arguments)
        writes = [(i, a.name) for i, a in enumerate(arguments) if a.alias_info is not None and a.alias_info.is_write]
        self.when: int | None = None
        if overload in _HIDDEN_WRITES:
            names, when = _HIDDEN_WRITES[overload]
            writes = [(i, a.name) for i, a in enumerate(arguments) if a.name in names]
            self.when = self.names.index(when)
        self.writes = tuple(writes)
        returns = schema.returns if schema is not None else []
        self.fresh = not self.writes and all(r.alias_info is None for r in returns) and self.name not in _SECRET_VIEWS
        self.several = len(returns) > 1 and all(r.alias_info is None and not str(r.type).startswith("List") for r in returns)
        self.statistics = self.name in _NORMS
        self.question = self.target.startswith(("prim.", "profiler."))  # a question or a mark: computes nothing
        self.reserve = self.target in {"aten.empty.memory_format", "aten.empty_strided.default"}
        self.lift = self.target == "aten.lift_fresh.default"
        self.view = not self.writes and not self.fresh
        self.disposable = self.view or self.reserve  # without a reader it is no part of the computation
        self.out_names = frozenset(a.name for a in arguments if getattr(a, "is_out", False))
        self.overwritten = self.out_names | (frozenset({"self"}) if self.name in OVERWRITES else frozenset())
        self.blind = frozenset({"self"}) if self.name in FACTORIES else frozenset()
        self.defaults = {a.name: a.default_value for a in arguments if a.has_default_value()}
        self.default_values = tuple([self.default(name) for name in self.names])
        self.signature = ("target", self.target)
        self.plain = not self.writes and not self.blind
        self.tensors = tuple([i for i, a in enumerate(arguments) if not _WITHOUT_TENSORS.fullmatch(str(a.real_type))])
        ignored = self.overwritten | self.blind
        self.reads = tuple([i for i in self.tensors if arguments[i].name not in ignored])
        tags = getattr(overload, "tags", ())
        self.renames = torch.Tag.inplace_view in tags or self.name == "set_"  # the tensor object becomes another tensor
        self.random = torch.Tag.nondeterministic_seeded in tags
        self.placed = self.name == "as_strided" or (self.random and bool(self.overwritten))  # depends on places in memory
        self.dynamic = torch.Tag.data_dependent_output in tags or torch.Tag.dynamic_output_shape in tags
        self.dynamic |= self.target in {"aten.is_nonzero.default", "aten.item.default"}  # not tagged: mostly made of others
        self.by_shape = self.fresh and bool(self.reads) and self.target.startswith("aten.") and not (self.random or self.dynamic)
        self.makes_dtype = "dtype" in self.names and not self.tensors  # its result has the default dtype when none is given

    def written(self, args: Any, kwargs: Any) -> list[tuple[str, Any]]:
        """The written arguments of one call, by name."""
        if self.when is not None and not (args[self.when] if self.when < len(args) else kwargs.get(self.names[self.when])):
            return []
        found = []
        for i, name in self.writes:
            value = args[i] if i < len(args) else kwargs.get(name)
            if value is not None:
                found.append((name, value))
        return found

    def default(self, name: str) -> Any:
        """The value an argument has when it is left out."""
        return self.defaults.get(name, _NOTHING)


_WITHOUT_TENSORS = re.compile(
    r"(Optional\[|List\[)*(int|bool|float|number|complex|str|ScalarType|Device|Generator|Layout|MemoryFormat)\]*"
)
"""Types of arguments that never hold a tensor."""
_NOTHING = object()
_SECRET_VIEWS = frozenset({"unsafe_split", "unsafe_split_with_sizes", "unsafe_chunk"})
"""Operators that hand out views without saying so."""
_NORMS = frozenset({"native_batch_norm", "native_group_norm", "native_layer_norm"})
"""Operators that hand back, after their result, statistics that only a backward pass reads."""
FACTORIES = frozenset(f"{word}_like" for word in ("empty", "full", "ones", "rand", "randint", "randn", "zeros")) | frozenset(
    f"new_{word}" for word in ("empty", "empty_strided", "full", "ones", "zeros")
)
"""Operators that ask their first tensor for its shape and dtype and read none of its content."""

OVERWRITES = frozenset(
    {
        "copy_",
        "fill_",
        "zero_",
        "normal_",
        "uniform_",
        "bernoulli_",
        "exponential_",
        "random_",
        "cauchy_",
        "log_normal_",
        "geometric_",
    }
)
"""In-place operators that ignore what was there before."""

_aten = torch.ops.aten
# Operators that change an argument although their schema does not say so, and the argument that makes them do it.
_HIDDEN_WRITES: dict[Any, tuple[tuple[str, ...], str]] = {
    _aten.native_batch_norm.default: (("running_mean", "running_var"), "training"),
    _aten.cudnn_batch_norm.default: (("running_mean", "running_var"), "training"),
    _aten.miopen_batch_norm.default: (("running_mean", "running_var"), "training"),
}
FACTS: dict[int, OpInfo] = {}
"""By ``id`` of the operator: its own hash is computed in Python, and it lives as long as its facts do."""


def op_info(overload: Any) -> OpInfo:
    """The facts of an operator, remembered."""
    found = FACTS.get(id(overload))
    if found is None:
        found = FACTS[id(overload)] = OpInfo(overload)
    return found
