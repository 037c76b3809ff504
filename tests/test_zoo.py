"""What the page of the zoo says is what its data say, and every model there is right. The zoo itself is `make zoo`."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
PAGE = (PROJECT / "docs" / "zoo.md").read_text(encoding="utf-8")
DATA = json.loads((PROJECT / "docs" / "zoo.json").read_text(encoding="utf-8"))
MODELS = {f"{one['library']}/{one['model']}": one for one in DATA["models"]}


@pytest.fixture(scope="module")
def entries() -> list:
    sys.path.insert(0, str(PROJECT / "tools" / "zoo"))
    try:
        from language import transformers_entries
        from vision import timm_entries, torchvision_entries
    finally:
        sys.path.pop(0)
    return [*torchvision_entries(), *timm_entries(), *transformers_entries()]


def test_the_zoo_has_enough_models_of_every_library(entries):
    count = Counter(entry.library for entry in entries)
    assert count["torchvision"] >= 40
    assert count["timm"] >= 80
    assert count["transformers"] >= 40
    families = [entry.family for entry in entries if entry.library == "timm"]
    assert len(families) == len(set(families))


def test_what_was_found_is_of_every_model_of_the_zoo(entries):
    assert {entry.id for entry in entries} == MODELS.keys()
    assert len(entries) == len(MODELS)


@pytest.mark.parametrize("stage", ["build", "trace", "count", "replay", "witness", "draw"])
def test_no_model_failed(stage):
    assert [name for name, one in MODELS.items() if stage in one["failed"]] == []


def test_every_output_was_compared_and_every_source_followed():
    for name, one in MODELS.items():
        assert one["compared"] >= one["outputs"] > 0, name
        assert one["sources"] > len(one["inputs"]), name


def test_the_page_has_a_row_for_every_model_with_its_numbers():
    for one in DATA["models"]:
        section = PAGE.partition(f"\n## {one['library']}\n")[2].partition("\n## ")[0]
        row = re.search(rf"^\|.*`{one['model']}`.*\| {one['parameters']:,} \|.*$", section, re.MULTILINE)
        assert row, one["model"]
        assert f"| {one['operations']:,} |" in row[0]
        assert f"| {one['boxes']:,} |" in row[0]
