"""Compares a chain whose sizes are names with torch: random numbers for the names, real layers, real outputs and parameters."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netfig.errors import InvalidInput
from netfig.graph.formula_graph import counts, names_of, with_sizes
from netfig.records import dataclass
from netfig.sources.layers_named import NamedShape, named_graph

if TYPE_CHECKING:
    from netfig.graph import Graph
    from netfig.sources.layers_text import ChainText

_TRIES = 40  # for one setting that torch takes
_SETTING, _LENGTH = (1, 9), (6, 48)


@dataclass(frozen=True)
class Comparison:
    """On how many settings all was equal, how many torch refused, and what differed."""

    equal: int
    refused: int
    differences: tuple[str, ...] = ()


def compare(chain: ChainText, shape: NamedShape, *, settings: int = 25, seed: int = 0) -> Comparison:
    """Every layer's output shape and parameters by formula, beside those of ``torch.nn`` on random sizes.

    Numbers that torch refuses (a window larger than its input, channels that do not divide) are drawn again.
    """
    graph = named_graph(chain, shape, 1, "chain", "")
    chosen = random.Random(seed)  # noqa: S311 - examples, no secrets
    equal = refused = 0
    differences: list[str] = []
    for _ in range(settings * _TRIES):
        if equal + len(differences) == settings:
            break
        sizes = _drawn(chosen, chain, shape)
        try:
            real = _torch_says(chain.at(sizes), shape.at(sizes))
        except InvalidInput:
            refused += 1
            continue
        different = _different(graph, sizes, real)
        equal += not different
        if different:
            differences.append(f"{', '.join(f'{k} = {v}' for k, v in sizes.items())}: {different}")
    return Comparison(equal, refused, tuple(differences))


def _drawn(chosen: random.Random, chain: ChainText, shape: NamedShape) -> dict[str, int]:
    lengths = {name for size in shape.sizes[1:] for name in size.names} - set(chain.names)
    return {n: chosen.randint(*(_LENGTH if n in lengths else _SETTING)) for n in sorted({*chain.names, *shape.names})}


def _torch_says(chain: ChainText, shape: NamedShape) -> dict[str, tuple[tuple[int, ...], int]]:
    """The output shape and the parameters of every module, by its path."""
    from netfig.sources.inputs import read_word
    from netfig.sources.layers_build import build

    model, tensor = build(chain, read_word(shape.text), 1, on_meta=True, needs_values=False)
    found: dict[str, tuple[tuple[int, ...], int]] = {}

    def hook(path: str) -> Any:
        def seen(module: Any, _: Any, output: Any) -> None:
            while isinstance(output, tuple):
                output = output[0]
            found[path] = tuple(output.shape), sum(p.numel() for p in module.parameters())

        return seen

    for path, module in model.named_modules():
        module.register_forward_hook(hook(path))
    try:
        model.eval()(tensor.to("meta"))
    except RuntimeError as error:
        raise InvalidInput(str(error)) from error
    return found


def _different(graph: Graph, sizes: Mapping[str, int], real: Mapping[str, tuple[tuple[int, ...], int]]) -> str:
    made = with_sizes(graph, {name: sizes[name] for name in names_of(graph)})
    count = counts(made)
    for scope in made.scopes:
        path = scope.path if scope.kind == "module" else ""
        if scope.kind not in ("module", "root") or path not in real:
            continue
        shape, parameters = real[path]
        ours = made.value_by_id[scope.outputs[0]].type.sizes
        if ours != shape:
            return f"{path or 'the chain'} makes {shape}, by formula {ours}"
        if count[scope.id].number != parameters:
            return f"{path or 'the chain'} has {parameters} parameters, by formula {count[scope.id]}"
    return ""
