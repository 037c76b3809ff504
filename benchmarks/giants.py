"""Two giants of Hugging Face's without their data: a Llama of 70 billion parameters and a GPT the size of GPT-3.

What is measured of each, in a process of its own: how long a trace takes beside the plain forward (see `trace.py`), the memory
of trace and figure, and whether every output is right. The last cannot be told from numbers that are not there, so: each output
has a path from exactly what it depends on, by the independent witness of the tests, which needs no data; and the graph is, op by
op, that of the same model made narrow, which is replayed with its numbers. Ends with 1 when a limit is missed. Needs transformers
(`make giants`).
"""

from __future__ import annotations

import gc
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from trace import spend, take_turns
from typing import Any

import torch
from torch import nn

PROJECT = Path(__file__).parents[1]
sys.path += [str(PROJECT / "tools" / "zoo"), str(PROJECT / "tests" / "torch")]
RATIO, MEGABYTES, TOKENS = 1.5, 1500, 16
GIANTS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "Llama, 70 billion": (
        "LlamaForCausalLM",
        {
            "hidden_size": 8192,
            "intermediate_size": 28672,
            "num_hidden_layers": 80,
            "num_attention_heads": 64,
            "num_key_value_heads": 8,
            "vocab_size": 128256,
        },
        {"hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 16, "num_key_value_heads": 2, "vocab_size": 1000},
    ),
    "GPT-3": (
        "GPT2LMHeadModel",
        {"n_embd": 12288, "n_layer": 96, "n_head": 96, "n_positions": 2048},
        {"n_embd": 192, "n_head": 6, "vocab_size": 1000},
    ),
}
"""Class, settings, and what is changed of them for the narrow one."""


def made(name: str, device: str, *, narrow: bool = False) -> tuple[nn.Module, dict[str, Any]]:
    """The model, ready to be evaluated, and its input."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    from catalog import load_torchvision  # transformers loads it, and the wheel needs help

    load_torchvision()
    import transformers

    kind, settings, smaller = GIANTS[name]
    made_of = getattr(transformers, kind)
    with torch.device(device):
        model = made_of(made_of.config_class(**(settings | smaller if narrow else settings)))
        return model.eval(), {"input_ids": torch.zeros(1, TOKENS, dtype=torch.int64)}


def megabytes() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def figure_of(model: nn.Module, inputs: dict[str, Any]) -> dict[str, Any]:
    """Trace and draw."""
    import netfig

    before = megabytes()
    graph = netfig.trace(model, **inputs)
    drawing = spend(lambda: netfig.draw(graph).svg())
    return {
        "parameters": sum(p.numel() for p in set(model.parameters())),
        "counted": graph.parameter_count,
        "operations": len(graph.ops),
        "outputs": len(graph.outputs),
        "before": before,
        "memory": megabytes(),
        "draw": drawing.processor,
    }


def measure(name: str) -> dict[str, Any]:
    """Trace and draw, then time."""
    model, inputs = made(name, "meta")
    found = figure_of(model, inputs)
    from netfig.sources.torch_trace import trace_module

    turns = take_turns(lambda: model(**inputs), lambda: trace_module(model, (), inputs), 9)
    return {**found, "forward": turns.plain, "trace": turns.other, "ratio": turns.processor, "wall": turns.wall}


def examine(name: str) -> dict[str, Any]:
    """How many outputs are right."""
    from witness import dependencies, witnessed

    import netfig
    from netfig.sources.torch_ports import tensors_in
    from netfig.sources.torch_replay import verify

    model, inputs = made(name, "meta")
    graph = netfig.trace(model, **inputs)
    types = {value.id: (value.type.dtype, value.type.sizes) for value in graph.values}
    truly = {port: (str(t.dtype).removeprefix("torch."), tuple(t.shape)) for port, t in tensors_in(model(**inputs), "output")}
    shapes = {port.name: types[port.value] for port in graph.outputs}
    names, truth = witnessed(model, (), inputs)
    paths = dependencies(graph, names)
    right = sum(shapes.get(port) == truly[port] and paths.get(port) == truth[port] for port in truly)

    model, inputs = made(name, "cpu", narrow=True)
    small = netfig.trace(model, **inputs)
    numbers = verify(model, (), inputs)
    wiring = [[(op.id, op.kind, tuple(op.reads), op.outputs) for op in one.ops] for one in (graph, small)]
    return {
        "truly": len(truly),
        "right": right,
        "same": wiring[0] == wiring[1],
        "replayed": numbers.outputs_compared if numbers.ok else 0,
    }


def in_process(what: str, name: str) -> dict[str, Any]:
    """One of the two in a process of its own."""
    done = subprocess.run([sys.executable, __file__, what, name], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> int:
    if len(sys.argv) == 3:
        torch.set_num_threads(1)
        gc.collect()
        print(json.dumps({"measure": measure, "examine": examine}[sys.argv[1]](sys.argv[2])))
        return 0
    print(f"{TOKENS} tokens on the meta device, in evaluation, with caches as the library hands them back; processor seconds.\n")
    print(
        "| model | parameters | operations | outputs right | forward, s | trace, s | ratio | figure, s | memory, MB (libraries) |"
    )
    print("| --- | " + " | ".join(["--:"] * 8) + " |")
    missed = []
    for name in GIANTS:
        row, judged = in_process("measure", name), in_process("examine", name)
        right = judged["right"] if judged["same"] and judged["replayed"] >= judged["truly"] else 0
        print(
            f"| {name} | {row['counted']:,} | {row['operations']:,} | {right} of {judged['truly']} | {row['forward'] / 1000:.2f} "
            f"| {row['trace'] / 1000:.2f} | {row['ratio']:.2f} | {row['draw']:.2f} | {row['memory']:.0f} ({row['before']:.0f}) |",
            flush=True,
        )
        if right != judged["truly"] or row["outputs"] != judged["truly"]:
            missed.append(f"{name}: {judged}")
        if row["counted"] != row["parameters"]:
            missed.append(f"{name}: torch counts {row['parameters']:,} parameters")
        if row["ratio"] > RATIO or row["memory"] > MEGABYTES:
            missed.append(
                f"{name}: a ratio of {row['ratio']:.2f} (at most {RATIO}), {row['memory']:.0f} MB (at most {MEGABYTES})"
            )
    print("\n".join(missed), file=sys.stderr)
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
