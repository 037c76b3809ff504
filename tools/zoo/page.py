"""docs/zoo.md and docs/zoo.json, from what was found."""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from catalog import Entry, LeftOut
from check import PROJECT, STAGES, Facts

LIBRARIES = {
    "torchvision": "Its own models of images, video and optical flow. The library's default size.",
    "timm": "One model of every family, which timm keeps in a module each.",
    "transformers": "Configurations with random weights. Where the default has billions of parameters: the same blocks, narrow "
    "or fewer of them, as the table says.",
}
HEAD = """# The zoo

Other people's models, drawn with default options. Written by `make zoo`, which installs {libraries}
into an environment of its own, makes each model with random weights (nothing is downloaded) and asks of it:

- **traced**: the default trace, without data where the model allows;
- **right**: the graph, replayed by itself with the model's numbers, gives every output of the model; and a second recorder, which
  shares no code with the first, finds that each output depends on exactly the inputs and parameters that have a path to it
  ([how that works](accuracy.md));
- **counted**: its parameters are `sum(p.numel() for p in set(model.parameters()))`;
- **drawn**, and **clean**: `netfig.draw` makes a figure in which lint finds nothing.

`zoo.json` beside this page has the same as data.
"""


def write(rows: Sequence[tuple[Entry, Facts]], left_out: Sequence[LeftOut], folder: Path = PROJECT / "docs") -> None:
    """Write both files."""
    (folder / "zoo.md").write_text(markdown(rows, left_out), encoding="utf-8")
    data = {"models": [record(*row) for row in rows], "left_out": [vars(one) for one in left_out]}
    (folder / "zoo.json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def record(entry: Entry, facts: Facts) -> Facts:
    """What is worth keeping of one model: nothing that differs from run to run."""
    names = (
        "inputs",
        "parameters",
        "operations",
        "outputs",
        "device",
        "compared",
        "drawn_replayed",
        "sources",
        "renderer",
        "boxes",
        "page",
    )
    found = {name: facts[name] for name in (*names, "findings", "rules", "failed") if name in facts}
    return {"library": entry.library, "family": entry.family, "model": entry.name, "reduced": dict(entry.settings), **found}


def markdown(rows: Sequence[tuple[Entry, Facts]], left_out: Sequence[LeftOut]) -> str:
    """The page."""
    used = [f"{name} {version(name)}" for name in LIBRARIES]
    lines = [HEAD.format(libraries=", ".join(used[:-1]) + " and " + used[-1])]
    lines += [f"Python {platform.python_version()}, torch {version('torch').partition('+')[0]}.", "", *_summary(rows)]
    for library, words in LIBRARIES.items():
        lines += ["", f"## {library}", "", words]
        families = list(dict.fromkeys(entry.family for entry, _ in rows if entry.library == library))
        if library == "timm":
            lines += ["", *_table([row for row in rows if row[0].library == library], "family")]
        for family in families if library != "timm" else ():
            own = [row for row in rows if row[0].library == library and row[0].family == family]
            lines += ["", f"### {family.removesuffix('_backbone')}", "", *_table(own)]
    lines += ["", "## Left out", "", "| model | because |", "| --- | --- |"]
    lines += [f"| `{one.name}` | {one.reason} |" for one in left_out]
    wrong = [(entry, stage, facts["failed"][stage]) for stage in STAGES for entry, facts in rows if stage in facts["failed"]]
    if wrong:
        lines += ["", "## What is wrong", "", "| model | stage | what |", "| --- | --- | --- |"]
        lines += [f"| `{entry.id}` | {stage} | {_cell(message)} |" for entry, stage, message in wrong]
    return "\n".join(lines) + "\n"


def _summary(rows: Sequence[tuple[Entry, Facts]]) -> list[str]:
    lines = ["| library | models | traced | right | counted | drawn | clean | boxes: median | most |"]
    lines += ["| --- | " + " | ".join(["--:"] * 8) + " |"]
    for name, own in [*((name, [row for row in rows if row[0].library == name]) for name in LIBRARIES), ("all", list(rows))]:
        good = [
            sum(not facts["failed"].keys() & {"build", *stages} and facts.get(needed) is not None for _, facts in own)
            for stages, needed in (
                (("trace",), "operations"),
                (("trace", "replay", "witness"), "sources"),
                (("trace", "count"), "parameters"),
                (("trace", "draw"), "page"),
                (("trace", "draw", "lint"), "findings"),
            )
        ]
        boxes = [facts["boxes"] for _, facts in own if "boxes" in facts] or [0]
        numbers = [len(own), *good, f"{statistics.median(boxes):g}", max(boxes)]
        lines.append(f"| {name} | {' | '.join(map(str, numbers))} |")
    most = sorted((row for row in rows if "boxes" in row[1]), key=lambda row: (-row[1]["boxes"], row[0].id))[:10]
    return [*lines, "", "Most boxes: " + ", ".join(f"{e.name} {f['boxes']}" for e, f in most) + "."]


def _table(rows: Sequence[tuple[Entry, Facts]], first: str = "") -> list[str]:
    names = [*([first] if first else []), "model", "parameters", "input", "operations", "right", "boxes", "lint"]
    left = len(names) - 6
    lines = [
        "| " + " | ".join(names) + " |",
        "| " + " | ".join(["---"] * left + ["--:", "---", "--:", "---", "--:", "--:"]) + " |",
    ]
    for entry, facts in rows:
        name = f"`{entry.name}`" + (f"<br>{entry.reduced}" if entry.reduced else "")
        cells = [*([entry.family] if first else []), name, _number(facts.get("parameters")), _inputs(facts.get("inputs", []))]
        cells += [_number(facts.get("operations")), _right(facts), _number(facts.get("boxes")), _lint(facts)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _right(facts: Facts) -> str:
    for stage in ("build", "trace", "count", "replay", "witness"):
        if stage in facts["failed"]:
            return f"**no** ({stage})"
    return f"yes, {facts.get('compared', '?')} of {facts.get('outputs', '?')}"


def _lint(facts: Facts) -> str:
    if "draw" in facts["failed"]:
        return "**not drawn**"
    return "clean" if facts.get("findings") == 0 else _number(facts.get("findings"))


def _inputs(shapes: Sequence[Sequence[int]]) -> str:
    return ", ".join("×".join(map(str, shape)) or "1" for shape in shapes)


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")[:300]
