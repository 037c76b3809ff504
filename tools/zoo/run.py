"""`make zoo`: traces, verifies, counts, draws and lints the models of torchvision, timm and transformers, one process each.

What was found is kept in ``build/zoo``, by what it depends on: a rerun does what is new. The page and ``docs/zoo.json`` are
written from that.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import resource
import signal
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import page
from catalog import LOADERS, Entry
from check import PROJECT, Facts, check
from language import transformers_entries
from vision import left_out, timm_entries, torchvision_entries

KEPT = PROJECT / "build" / "zoo"
SECONDS = 900
MEMORY = 10 << 30
SOURCE = PROJECT / "src" / "netfig"
TRACER = ("build", "copy", "leftovers", "looks", "names", "ops", "ports", "prepass", "quick", "record", "replay", "run", "shapes")
TRACER += ("storage", "trace", "values", "watch")
OF_THE_TRUTH = (
    *(SOURCE / "sources" / f"torch_{name}.py" for name in TRACER),
    *(SOURCE / "graph" / f"{name}.py" for name in ("build", "rules", "types")),
    PROJECT / "tests" / "torch" / "witness.py",
    *(Path(__file__).parent / f"{name}.py" for name in ("catalog", "check")),
)
"""What decides whether a trace is true; what draws does not."""


def entries() -> list[Entry]:
    """Every model of the zoo."""
    return [*torchvision_entries(), *timm_entries(), *transformers_entries()]


def fingerprint(*places: Path) -> str:
    """Of the Python files under some places."""
    files = sorted({file for place in places for file in ([place] if place.is_file() else place.rglob("*.py"))})
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(PROJECT).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


def of_the_model(entry: Entry) -> str:
    """Of a model: its settings and the versions of the libraries."""
    return f"{entry.key} torch {version('torch')} {entry.library} {version(entry.library)}"


def kept_at(entry: Entry) -> Path:
    """Where the findings about a model are."""
    return KEPT / entry.library / f"{entry.name}.json"


def kept(entry: Entry) -> Facts:
    """What was found earlier; empty when the model is new or has changed."""
    try:
        found: Facts = json.loads(kept_at(entry).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if found.get("model") == of_the_model(entry) else {}


def in_child(entry: Entry, known: Facts, pipe: Any) -> None:
    """What the process of one model does."""
    log = KEPT / "log" / entry.library / f"{entry.name}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    import warnings

    warnings.simplefilter("ignore")
    check(entry, known, lambda stage, facts: pipe.send((stage, facts)))
    pipe.close()


def checked(entry: Entry, known: Facts) -> Facts:
    """The facts of one model, found in a process of its own."""
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe(duplex=False)
    child = fork.Process(target=in_child, args=(entry, known, theirs), daemon=True)
    child.start()
    theirs.close()
    deadline = time.monotonic() + SECONDS
    stage, facts = "build", dict[str, Any](failed={})
    try:
        while stage != "done":
            if not ours.poll(max(0.0, deadline - time.monotonic())):
                facts["failed"][stage] = f"not done after {SECONDS} seconds"
                break
            stage, facts = ours.recv()
    except EOFError:
        child.join(10)
        code = child.exitcode or 0
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        facts["failed"][stage] = f"the process died ({how})"
    finally:
        if child.is_alive():
            child.kill()
        child.join()
    return facts


def examine(entry: Entry, *, again: bool) -> tuple[Facts, bool]:
    """What is known of a model after finding out what is not; whether anything had to be found out."""
    truth, everything = fingerprint(*OF_THE_TRUTH), fingerprint(SOURCE, Path(__file__).parent / "check.py")
    known = {} if again else kept(entry)
    if known.get("truth") == truth and known.get("everything") == everything:
        return known, False
    right = known if known.get("truth") == truth and "compared" in known and "sources" in known else {}
    started = time.monotonic()
    facts = checked(entry, right)
    facts |= {"model": of_the_model(entry), "truth": truth, "everything": everything}
    facts["seconds"] = round(time.monotonic() - started, 1)
    place = kept_at(entry)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(facts, indent=1), encoding="utf-8")
    return facts, True


def main() -> int:
    """Examine what is asked for, then write the page from all that is known."""
    parser = argparse.ArgumentParser(prog="make zoo", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", action="append", default=[], metavar="WORD", help="models whose library/name has this word")
    parser.add_argument("--first", type=int, metavar="N", help="of each library only the first N")
    parser.add_argument("--failed", action="store_true", help="only models of which something was wrong")
    parser.add_argument("--again", action="store_true", help="also what is known")
    parser.add_argument("--page", action="store_true", help="only write the page from what is known")
    given = parser.parse_args()
    everything = entries()
    if not given.page:
        _examine_all(_chosen(everything, given), again=given.again)
    rows = [(entry, kept(entry)) for entry in everything]
    page.write([(entry, facts) for entry, facts in rows if facts], left_out())
    missing = [entry.id for entry, facts in rows if not facts]
    print(f"{len(rows) - len(missing)} of {len(rows)} models are on the page")
    wrong = [entry.id for entry, facts in rows if facts and facts["failed"].keys() - {"lint"}]
    return int(bool(wrong or missing))


def _chosen(everything: list[Entry], given: argparse.Namespace) -> list[Entry]:
    chosen = [entry for entry in everything if not given.only or any(word in entry.id for word in given.only)]
    if given.first is not None:
        count: dict[str, int] = {}
        for entry in chosen[:]:
            count[entry.library] = count.get(entry.library, 0) + 1
            if count[entry.library] > given.first:
                chosen.remove(entry)
    if given.failed:
        chosen = [entry for entry in chosen if kept(entry).get("failed")]
    return chosen


def _examine_all(chosen: list[Entry], *, again: bool) -> None:
    os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    import torch

    torch.set_num_threads(1)  # children are forked, so that the libraries are loaded once
    loaded: set[str] = set()
    for place, entry in enumerate(chosen):
        if entry.library not in loaded:
            LOADERS[entry.library]()
            loaded.add(entry.library)
        facts, new = examine(entry, again=again)
        if new:
            verdict = "; ".join(f"{stage}: {message[:160]}" for stage, message in facts["failed"].items()) or "good"
            shown = f"{facts.get('operations', '?')} ops, {facts.get('boxes', '?')} boxes, {facts['seconds']:.0f} s"
            print(f"[{place + 1}/{len(chosen)}] {entry.id}: {shown}: {verdict}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
