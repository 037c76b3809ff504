"""What holds for every writer: the same bytes from run to run and machine to machine, and a cheap import."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from writer_drawings import sample
from writer_formulas import sheet
from writer_graphs import small_graph

from netfig.theme import load_theme
from netfig.writers import builtin_writers

SCRIPT = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from writer_drawings import sample
from writer_formulas import sheet
from writer_graphs import small_graph
from netfig.theme import load_theme
from netfig.writers import builtin_writers
for theme in ("light", "print"):
    for w in builtin_writers():
        data = w.write(sample() if w.takes == "drawing" else small_graph(), load_theme(theme), w.options())
        print(theme, w.name, hashlib.sha256(data).hexdigest())
        if w.takes == "drawing":
            print("maths", w.name, hashlib.sha256(w.write(sheet(), load_theme(theme), w.options())).hexdigest())
"""


def hashes_elsewhere(folder: Path, seed: str) -> list[str]:
    """The hashes from a fresh process that finds no font, no home and no Graphviz."""
    (folder / "fonts.conf").write_text("<?xml version='1.0'?><!DOCTYPE fontconfig SYSTEM 'fonts.dtd'><fontconfig></fontconfig>")
    kept = {key: os.environ[key] for key in ("SYSTEMROOT", "VIRTUAL_ENV") if key in os.environ}
    environment = {
        "HOME": str(folder),
        "FONTCONFIG_FILE": str(folder / "fonts.conf"),
        "PATH": "/nonexistent",
        "PYTHONHASHSEED": seed,
        "TZ": "Asia/Tokyo",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(Path(__file__).parent)],
        env=kept | environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.splitlines()


def test_every_format_has_the_same_bytes_in_another_process_without_fonts(tmp_path):
    here = []
    for theme in ("light", "print"):
        for w in builtin_writers():
            data = w.write(sample() if w.takes == "drawing" else small_graph(), load_theme(theme), w.options())
            here.append(f"{theme} {w.name} {hashlib.sha256(data).hexdigest()}")
            if w.takes == "drawing":
                here.append(f"maths {w.name} {hashlib.sha256(w.write(sheet(), load_theme(theme), w.options())).hexdigest()}")
    assert hashes_elsewhere(tmp_path, "7") == here
    assert len(here) == 20


def test_naming_the_writers_loads_no_format_library():
    code = "import sys; from netfig.writers import builtin_writers; builtin_writers(); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "netfig" in loaded
    assert not loaded & {"torch", "reportlab", "resvg_py", "graphviz", "fontTools", "numpy", "PIL"}


def test_every_option_says_what_it_does():
    import dataclasses

    for w in builtin_writers():
        assert w.summary.endswith(".")
        assert all(f.metadata.get("help") for f in dataclasses.fields(w.options))
