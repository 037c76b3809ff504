"""More models that break tracers: state, structure, memory, types and control flow in the ways people really write them."""

from __future__ import annotations

import copy
import dataclasses
import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from models import Case, Inputs, takes
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

MORE: dict[str, Case] = {}


def case(inputs: Callable[[], Inputs], **options: Any) -> Callable[[Any], Any]:
    """Register a model class (or a factory) under its name."""

    def register(model: Any) -> Any:
        MORE[model.__name__] = Case(model, inputs, **options)
        return model

    return register


def given(*args: Any, **kwargs: Any) -> Callable[[], Inputs]:
    """These very inputs, copied for every use."""
    return lambda: (copy.deepcopy(args), copy.deepcopy(kwargs))


# ---- structure: where modules and parameters live ----


class LayerCache:
    """One layer of a key-value cache: grows, or overwrites a preallocated block."""

    def __init__(self, length: int) -> None:
        self.keys, self.values = torch.zeros(2, length, 4), torch.zeros(2, length, 4)
        self.filled = 1

    def update(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        at = slice(self.filled, self.filled + key.shape[1])
        self.keys[:, at] = key
        self.values[:, at] = value
        self.filled = at.stop
        return self.keys[:, : self.filled], self.values[:, : self.filled]


class StaticCache:
    """Layers of a cache and an index into them, as a library would have it."""

    def __init__(self, layers: int, length: int) -> None:
        self.layers = [LayerCache(length) for _ in range(layers)]

    def __getitem__(self, index: int) -> LayerCache:
        return self.layers[index]

    def __len__(self) -> int:
        return len(self.layers)


@dataclasses.dataclass
class ModelOutput(OrderedDict):
    """An ordered dict with attributes, as model libraries return: each field is there twice."""

    logits: Tensor | None = None
    cache: Any = None
    hidden: tuple[Tensor, ...] | None = None

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if getattr(self, field.name) is not None:
                self[field.name] = getattr(self, field.name)


@case(lambda: ((torch.randn(2, 3, 4), StaticCache(2, 6)), {}))
class StaticCacheDecoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 12) for _ in range(2))

    def forward(self, x: Tensor, cache: StaticCache) -> ModelOutput:
        hidden = [x]
        for i, layer in enumerate(self.layers):
            q, k, v = layer(x).chunk(3, -1)
            x = x + F.scaled_dot_product_attention(q, *cache[i].update(k, v))
            hidden.append(x)
        return ModelOutput(logits=x.softmax(-1), cache=cache, hidden=tuple(hidden))


@case(takes((2, 4)))
class NestedCheckpoints(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 4), nn.Dropout(0.5), nn.Linear(4, 4)
        self.tail = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))

    def inner(self, x: Tensor) -> Tensor:
        return self.b(checkpoint(self.a, x, use_reentrant=False))

    def forward(self, x: Tensor) -> Tensor:
        y = self.c(checkpoint(self.inner, x, use_reentrant=False))
        return checkpoint_sequential(self.tail, 2, y, use_reentrant=False)


@case(takes((2, 4)))
class SwapsSubmodules(nn.Module):
    """Takes itself apart and puts itself together differently while it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        self.first, self.second = self.second, self.first
        y = self.first(y).relu()
        self.extra = nn.Linear(4, 4)
        return self.extra(y)


@dataclasses.dataclass
class Tools:
    layer: nn.Module
    scale: float = 2.0


@case(takes((2, 4)))
class HiddenModules(nn.Module):
    """Modules torch does not know as children: in a list, a dict, a tuple, a dataclass and a closure."""

    def __init__(self) -> None:
        super().__init__()
        self.listed, self.mapped = [nn.ReLU()], {"tanh": nn.Tanh()}
        self.paired, self.tools = (nn.Identity(), nn.Softmax(-1)), Tools(nn.Sigmoid())
        inner = nn.Linear(4, 4)
        self.real = inner
        self.closure = lambda x: inner(x) + self.tools.scale

    def forward(self, x: Tensor) -> Tensor:
        x = self.listed[0](self.closure(x))
        return self.paired[1](self.tools.layer(self.mapped["tanh"](x)))


@case(takes((2, 4)), witness=False)
class UnregisteredWeights(nn.Module):
    """A layer and a tensor that torch does not list among the parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = [nn.Linear(4, 4)]
        self.table = {"w": torch.ones(4, requires_grad=True)}

    def forward(self, x: Tensor) -> Tensor:
        return self.hidden[0](x) * self.table["w"]


@case(takes((2, 4)))
class PartialForward(nn.Module):
    """`forward` is an attribute, not a method."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.forward = functools.partial(self.run, scale=3.0)  # type: ignore[method-assign]

    def run(self, x: Tensor, scale: float = 1.0) -> Tensor:
        return self.layer(x) * scale


@case(takes((2, 4)))
class OwnCall(nn.Module):
    """`__call__` does something before and after."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def __call__(self, x: Tensor) -> Tensor:
        return super().__call__(x + 1) * 2

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


@case(takes((2, 4)))
class PropertyModule(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleDict({"up": nn.Linear(4, 8), "down": nn.Linear(8, 4)})

    @property
    def up(self) -> nn.Module:
        return self.layers["up"]

    @functools.cached_property
    def down(self) -> nn.Module:
        return self.layers["down"]

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.up(x))


@case(takes((2, 4)))
class TiedLate(nn.Module):
    """Weights tied by assignment after construction, one of them transposed through a view."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)
        self.b.weight, self.c = self.a.weight, self.a
        self.w_t = self.a.weight.t()
        self.row = self.b.bias[:2]

    def forward(self, x: Tensor) -> Tensor:
        y = self.c(self.b(self.a(x))) @ self.w_t
        return y[:, :2] + self.row


@case(takes((3, 4)))
class BufferReplaced(nn.Module):
    """A buffer is replaced by a new tensor, another is made on the first call, a third is not saved."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(4))
        self.register_buffer("late", None)
        self.register_buffer("scale", torch.full((4,), 2.0), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        self.total = self.total + x.sum(0)
        if self.late is None:
            self.late = self.total * 2
        return x * self.scale + self.late


@case(takes((2, 4)))
class Loose(nn.Module):
    """Things that cannot be deep-copied hang on the module."""

    def __init__(self) -> None:
        super().__init__()
        self.lock, self.file = threading.Lock(), open(__file__)  # noqa: SIM115
        self.numbers = (i for i in range(3))
        self.local = threading.local()
        self.choose = lambda x: x + 1
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        with self.lock:
            return self.choose(self.layer(x))

    def __del__(self) -> None:
        self.__dict__.get("file", self).close()

    def close(self) -> None:
        """A copy that was begun and given up has no file."""


class Slotted:
    __slots__ = ("layer", "offset")

    def __init__(self, layer: nn.Module, offset: Tensor) -> None:
        self.layer, self.offset = layer, offset


@case(takes((2, 4)))
class SlotsHelper(nn.Module):
    """A plain object with slots holds a child and a tensor that is changed."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.register_buffer("offset", torch.zeros(4))
        self.helper = Slotted(self.layer, self.offset)

    def forward(self, x: Tensor) -> Tensor:
        self.helper.offset += 1
        return self.helper.layer(x) + self.offset


@case(takes((2, 4)))
class WithThread(nn.Module):
    """A branch is computed on a thread of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        found: list[Tensor] = []
        worker = threading.Thread(target=lambda: found.append(self.b(x)))
        worker.start()
        worker.join()
        return self.a(x) + found[0]


# A thread has its own modes: nobody, the witness included, sees into it.
MORE["WithThread"] = MORE["WithThread"]._replace(witness=False)


@case(takes((2, 4)))
class CopyInForward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return copy.deepcopy(self.layer)(x) + copy.copy(self.layer)(x) + copy.deepcopy(x)


MORE["CopyInForward"] = MORE["CopyInForward"]._replace(grad=False)


@case(takes((2, 4)))
class Collections(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scales = nn.ParameterDict({"a": nn.Parameter(torch.randn(4)), "nested": nn.ParameterDict({"b": torch.randn(4)})})
        self.shifts = nn.ParameterList([torch.randn(4), nn.Parameter(torch.randn(4), requires_grad=False)])

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scales["a"] * self.scales["nested"]["b"] + self.shifts[0] - self.shifts[1]


@case(takes((2, 4)))
class ClashingNames(nn.Module):
    """Children called like ops, ports, the model itself, and with signs that ids use."""

    def __init__(self) -> None:
        super().__init__()
        names = [
            "add",
            "relu",
            "input",
            "output",
            "x",
            "ClashingNames",
            "linear",
            "a/b",
            "a:b",
            "out",
            "constant1",
            "write",
            "x@1",
            " ",
        ]
        self.parts = nn.ModuleDict({name: nn.Linear(4, 4) for name in names})
        for name in names:
            self.add_module(f"{name}", self.parts[name] if name == "add" else nn.Linear(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        for name, part in self.parts.items():
            x = self._modules[name](part(x)).relu() + x  # type: ignore[misc]
        return x


@case(takes((2, 4)))
def DottedNames() -> nn.Module:
    """Names with dots cannot be added through the door, but can be there."""
    model = nn.Sequential(nn.Linear(4, 4))
    model._modules["0.weight"] = nn.Linear(4, 4)
    model._modules[""] = nn.ReLU()
    model._modules["é<b>&\"'"] = nn.Linear(4, 4)
    return model


@case(takes((1, 2)))
def ThreeThousand() -> nn.Module:
    return nn.Sequential(*(nn.Sequential(nn.Identity(), nn.ReLU()) for _ in range(1000)))


class Leaf(NamedTuple):
    value: Tensor


Tree = Leaf | tuple[Any, Any]


@case(lambda: ((((Leaf(torch.randn(1, 4)), Leaf(torch.randn(1, 4))), Leaf(torch.randn(1, 4))),), {}))
class TreeLSTM(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.leaf, self.gates = nn.Linear(4, 8), nn.Linear(8, 20)

    def visit(self, node: Tree) -> tuple[Tensor, Tensor]:
        if isinstance(node, Leaf):
            h, c = self.leaf(node.value).chunk(2, 1)
            return h, c
        (hl, cl), (hr, cr) = self.visit(node[0]), self.visit(node[1])
        i, fl, fr, o, g = self.gates(torch.cat([hl, hr], 1)).chunk(5, 1)
        c = fl.sigmoid() * cl + fr.sigmoid() * cr + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c

    def forward(self, tree: Tree) -> Tensor:
        return self.visit(tree)[0]


# ---- calls: arguments and results ----


@case(lambda: ((torch.randn(2, 4), torch.randn(2, 4), torch.randn(2, 4)), {"bias": torch.randn(4), "input": torch.randn(4)}))
class Variadic(nn.Module):
    def forward(self, *xs: Tensor, **named: Tensor) -> Tensor:
        return sum(xs, torch.zeros(())) + named["bias"] * named["input"]


DEFAULT = torch.full((4,), 0.5)


@case(takes((2, 4)))
class DefaultTensor(nn.Module):
    def forward(self, x: Tensor, scale: Tensor = DEFAULT, *, mask: Tensor | None = None, flag: bool = True) -> Tensor:
        return x * scale if mask is None and flag else x


@case(lambda: ((), {"self_": torch.randn(2, 4), "name": torch.randn(2, 4), "args": torch.randn(2, 4), "device": torch.randn(4)}))
class OurKeywords(nn.Module):
    """Keywords that collide with a tracer's own options."""

    def forward(self, *, self_: Tensor, name: Tensor, args: Tensor, device: Tensor) -> Tensor:
        return self_ + name * args - device


class Triple(NamedTuple):
    first: Tensor
    second: Any = None
    third: float = 1.0


@case(takes((2, 4)))
class NamedTupleOut(nn.Module):
    def forward(self, x: Tensor) -> Triple:
        return Triple(x + 1, Triple(x * 2, [x.sum()]), 3.0)


@case(takes((2, 4)), witness=False)
class GeneratorOut(nn.Module):
    """Hands back a generator that has not run yet, and a dict with odd keys."""

    def forward(self, x: Tensor) -> dict[Any, Any]:
        def later() -> Iterator[Tensor]:
            yield x * 2

        return {(1, 2): x + 1, 3: x - 1, "a b": x * 3, None: x.sum(), "later": later()}


@case(takes((4, 4), (4,)))
class ViewsOfInputs(nn.Module):
    """Inputs, and views of inputs, are outputs."""

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        return x, x.t(), x[1:], x.detach(), y, y.view(2, 2), y.expand(3, 4), x.data


@case(lambda: ((lambda t: (t, t[0], t))(torch.randn(3, 4)), {}))
class SameInputThrice(nn.Module):
    """One tensor is passed twice, and a view of it."""

    def forward(self, a: Tensor, row: Tensor, b: Tensor) -> Tensor:
        a.add_(1)
        return row * 2 + b


# ---- memory ----


@case(takes((2, 4), (4,)))
class IndexWrites(nn.Module):
    def forward(self, x: Tensor, v: Tensor) -> Tensor:
        y = x.clone()
        y.index_put_((torch.tensor([0, 1]), torch.tensor([1, 2])), v[:2], accumulate=True)
        y.scatter_add_(1, torch.tensor([[0, 3], [1, 1]]), x[:, :2])
        y.masked_scatter_(x > 0, v.repeat(2))
        y = y.index_copy(0, torch.tensor([1]), v[None]).index_fill_(1, torch.tensor([0]), 0.5)
        y.put_(torch.tensor([7]), v[:1])
        return y.scatter_reduce(1, torch.tensor([[0], [1]]), x[:, :1], "amax")


@case(takes((4, 6), (2,)))
class SlicesOfSlices(nn.Module):
    def forward(self, x: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        y = x * 1
        part = y[1:][:2].t()[::2]
        part[0] += v
        part[1:, 0].mul_(v[0]).clamp_(min=0)
        y[..., -1] = y[..., 0]
        y[:, 1:3][y[:, 1:3] < 0] = 0.0
        return y, part


@case(takes((2, 4), (4,)))
class DataWrites(nn.Module):
    """Writes that autograd does not see."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        self.weight.data.mul_(0.5)
        self.weight.data = self.weight.data + y
        z = torch.zeros(2, 4)
        z.data[0] = x[0]
        z.detach()[1].add_(y)
        return z * self.weight


@case(takes((2, 4)))
class NoGradBlocks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    @torch.no_grad()
    def frozen(self, x: Tensor) -> Tensor:
        return self.layer(x)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            y = self.layer(x)
        with torch.inference_mode():
            z = self.layer(x) * 2
            z.add_(y)
        with torch.enable_grad():
            w = self.layer(x)
        return y + z.clone() + w + self.frozen(x)


@case(takes((2, 4)))
class Autocast(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y = self.a(x)
            with torch.autocast("cpu", enabled=False):
                z = self.b(y.float())
            return y @ z.t() + self.a(x).sum()


@case(takes((3, 4)))
class Expanded(nn.Module):
    """Memory read in several places at once: expanded, unfolded, strided, broadcast."""

    def forward(self, x: Tensor) -> Tensor:
        row = x[0]
        wide = row.expand(3, 4)
        row.mul_(2)
        windows = x.unfold(1, 2, 1)
        x[1, 1] = 7.0
        parts = torch.broadcast_tensors(x[:, :1], x)
        return wide.sum() + windows.sum(-1) + parts[0][:, :3]


@case(takes((2, 6)))
class SplitsAndSwaps(nn.Module):
    """Chunks of one memory exchanged with each other."""

    def forward(self, x: Tensor) -> Tensor:
        y = x.clone()
        a, b, c = y.tensor_split(3, 1)
        saved = a.clone()
        a.copy_(b)
        b.copy_(c)
        c.copy_(saved)
        torch._foreach_add_([a, c], 1.0)
        y.unsafe_chunk(2, 1)[0].neg_()
        return y


@case(takes((2, 4)))
class Reinterpreted(nn.Module):
    """The same bytes with another type."""

    def forward(self, x: Tensor) -> Tensor:
        y = x.clone()
        bits = y.view(torch.int32)
        bits.bitwise_and_(0x7FFFFFFF)
        pairs = torch.view_as_complex(y.view(2, 2, 2))
        return y + pairs.abs().sum()


@case(takes((2, 4)))
class ResizedInPlace(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = torch.empty(0)
        y.resize_(2, 4).copy_(x)
        z = torch.empty(0)
        torch.cat([x.detach(), x.detach()], out=z)
        return y.swapaxes_(0, 1).squeeze_() + z[:2].t()


# ---- transforms and extensions ----


@case(takes((3, 4)))
class Transforms(nn.Module):
    """vmap in vmap, grad, jvp and jacrev inside forward."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 4))

    def energy(self, x: Tensor) -> Tensor:
        return torch.tanh(self.weight @ x).sum()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        force = torch.vmap(torch.func.grad(self.energy))(x)
        value, tangent = torch.func.jvp(lambda t: (t * t).sum(), (x[0],), (torch.ones(4),))
        outer = torch.vmap(torch.vmap(lambda a, b: a * b, (0, None)), (None, 0))(x[0], x[1])
        return force, value + tangent, torch.func.jacrev(self.energy)(x[0]), outer


@case(takes((3, 2, 4)))
class StackedModels(nn.Module):
    """An ensemble by stacked state."""

    def __init__(self) -> None:
        super().__init__()
        self.members = nn.ModuleList(nn.Sequential(nn.Linear(4, 4), nn.Tanh()) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        params, buffers = torch.func.stack_module_state(list(self.members))
        base = self.members[0]

        def call(p: Any, b: Any, one: Tensor) -> Tensor:
            return torch.func.functional_call(base, (p, b), (one,))

        return torch.vmap(call)(params, buffers, x)


@torch.compile
def compiled(x: Tensor, y: Tensor) -> Tensor:
    return (x * y).relu() + 1


@case(takes((2, 4), (2, 4)))
class CompiledFunction(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return compiled(x, y) * 2


@torch.library.custom_op("netfig_tests::scaled", mutates_args=())
def scaled(x: Tensor, factor: float) -> Tensor:
    return x * factor


@scaled.register_fake
def _(x: Tensor, factor: float) -> Tensor:
    return torch.empty_like(x)


@torch.library.custom_op("netfig_tests::fill_from", mutates_args=("out",))
def fill_from(out: Tensor, x: Tensor) -> None:
    out.copy_(x * 3)


@case(takes((2, 4)))
class CustomOperators(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        out = torch.zeros(2, 4)
        fill_from(out, x)
        return scaled(x, 2.0) + out


class Flip(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return x.sin(), y

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.mark_non_differentiable(output[1])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        return grads[0], None


class Inplace(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.mark_dirty(x)
        return x.add_(1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        return grads[0]


@case(takes((2, 4), (2, 4)))
class CustomFunctions(nn.Module):
    """One that hands an input through, and one that writes in place."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        a, b = Flip.apply(x, y)
        return Inplace.apply(a * 2) + b


class Tagged(Tensor):
    """A tensor subclass that only adds a method."""

    def twice(self) -> Tensor:
        return self * 2


@case(takes((2, 4)))
class Subclassed(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x.as_subclass(Tagged)
        return (y.twice() + 1).as_subclass(Tensor)
