"""What the zoo asks of one model, stage by stage."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from catalog import Entry, made

PROJECT = Path(__file__).parents[2]
Facts = dict[str, Any]


class Wrong(Exception):
    """A stage ran, and what it found is not as it must be."""


class Check:
    """One model on its way through the stages; `facts` is what is known of it so far."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.facts: Facts = {}

    def build(self) -> None:
        """Make the model and its inputs."""
        self.model, self.args, self.kwargs = made(self.entry)
        inputs = [*self.args, *(value for value in self.kwargs.values() if hasattr(value, "shape"))]
        self.facts["inputs"] = [list(tensor.shape) for tensor in inputs]

    def trace(self) -> None:
        """As `netfig.trace` does by default."""
        import netfig

        self.graph = netfig.trace(self.model, *self.args, **self.kwargs)
        self.facts["operations"] = len(self.graph.ops)
        self.facts["outputs"] = len(self.graph.outputs)
        self.facts["device"] = next(note.value for note in self.graph.notes if note.key == "device")
        if not self.graph.outputs:
            raise Wrong("the graph has no output")

    def count(self) -> None:
        """The parameters of the graph are torch's."""
        torchs = sum(parameter.numel() for parameter in set(self.model.parameters()))
        self.facts["parameters"] = self.graph.parameter_count
        if self.graph.parameter_count != torchs:
            raise Wrong(f"{self.graph.parameter_count:,} parameters, torch counts {torchs:,}")

    def replay(self) -> None:
        """The graph, run by itself, gives the model's numbers: one traced with them, and the one drawn, where it has them all."""
        from netfig.sources.torch_replay import verify, verify_graph

        tries = [verify(self.model, self.args, self.kwargs)]
        self.facts["compared"] = tries[0].outputs_compared
        self.facts["drawn_replayed"] = not _unknown_constants(self.graph)
        if self.facts["drawn_replayed"]:
            tries.append(verify_graph(self.graph, self.model, self.args, self.kwargs))
        for found in tries:
            if not found.ok:
                raise Wrong(found.message)
            if found.outputs_compared < len(self.graph.outputs):
                raise Wrong(f"{found.outputs_compared} of {len(self.graph.outputs)} outputs were compared")

    def witness(self) -> None:
        """Each output has a path in the graph from exactly what it truly depends on."""
        sys.path.insert(0, str(PROJECT / "tests" / "torch"))
        from witness import dependencies, witnessed

        names, truth = witnessed(self.model, self.args, self.kwargs)
        self.facts["sources"] = len(names)
        found = dependencies(self.graph, names)
        if found.keys() != truth.keys():
            raise Wrong(f"the outputs are {sorted(found)[:4]}, the model gives {sorted(truth)[:4]}")
        lost = {port: _named(truth[port] & ~found[port], names) for port in truth if truth[port] & ~found[port]}
        made_up = {port: _named(found[port] & ~truth[port], names) for port in truth if found[port] & ~truth[port]}
        if lost or made_up:
            words = [*_first("lost", lost), *_first("no true dependency", made_up)]
            raise Wrong("; ".join(words))

    def draw(self) -> None:
        """The default figure as SVG."""
        import netfig

        self.result = netfig.draw(self.graph)
        self.facts["renderer"] = self.result.renderer.name
        self.facts["boxes"] = _boxes(self.result.figure.root)
        self.facts["page"] = [round(self.result.drawing.width), round(self.result.drawing.height)]
        folder = os.environ.get("ZOO_FIGURES")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            (Path(folder) / f"{self.entry.id.replace('/', '-')}.svg").write_text(self.result.svg(), encoding="utf-8")
        else:
            self.result.svg()

    def lint(self) -> None:
        """Nothing in the figure that a reader would stumble over."""
        findings = self.result.lint()
        self.facts["findings"] = len(findings)
        self.facts["rules"] = sorted({finding.rule for finding in findings})
        if findings:
            raise Wrong(f"{len(findings)} findings, first: {findings[0]}")


STAGES = ("build", "trace", "count", "replay", "witness", "draw", "lint")
TRUTH = ("replay", "witness")
"""Stages that run the model with its numbers; nothing that happens after the trace changes what they find."""


def check(entry: Entry, known: Facts, say: Callable[[str, Facts], None]) -> None:
    """Run the stages, those of `TRUTH` only if it is not `known` what they find; `say` is told each stage and all facts so far.

    A stage that needs what an earlier one did not give is left out. The failures are under ``failed``, by stage.
    """
    run = Check(entry)
    failed: dict[str, str] = {}
    run.facts = {**known, "failed": failed}
    broken = {stage: message for stage, message in known.get("failed", {}).items() if stage in TRUTH}
    for stage in STAGES:
        if stage in TRUTH and known:
            if stage in broken:
                failed[stage] = broken[stage]
            continue
        if _needs(stage) & failed.keys():
            continue
        say(stage, run.facts)
        try:
            getattr(run, stage)()
        except Wrong as wrong:
            failed[stage] = str(wrong)
        except (Exception, SystemExit) as error:
            import traceback

            traceback.print_exc()
            failed[stage] = f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"
    say("done", run.facts)


def _needs(stage: str) -> frozenset[str]:
    """Stages without which one cannot run."""
    if stage == "build":
        return frozenset()
    if stage in {"trace", "replay"}:
        return frozenset({"build"})
    return frozenset({"build", "trace", "draw"} if stage == "lint" else {"build", "trace"})


def _unknown_constants(graph: Any) -> list[str]:
    """Constants whose content the graph does not have, among those it reads."""
    read = {value for op in graph.ops for value in op.reads}
    constants = [value for value in graph.values if value.kind == "constant" and value.id in read]
    return [value.id for value in constants if value.data is None and 0 not in (value.type.sizes or ())]


def _boxes(group: Any) -> int:
    return sum(_boxes(child) if hasattr(child, "children") else 1 for child in group.children)


def _named(mask: int, names: list[str]) -> list[str]:
    return [name for bit, name in enumerate(names) if mask >> bit & 1]


def _first(what: str, wrong: dict[str, list[str]]) -> list[str]:
    if not wrong:
        return []
    port, names = next(iter(wrong.items()))
    return [f"{what} for {len(wrong)} outputs: {port} from {', '.join(names[:3])}{' …' if len(names) > 3 else ''}"]
