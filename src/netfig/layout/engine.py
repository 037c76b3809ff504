"""Running Graphviz: the embedded engine by default, the system's ``dot`` when asked, each call in a child with a time limit.

The embedded engine ships its own font tables, so it gives the same picture on every machine; the system's ``dot`` depends on the
fonts installed and is therefore never chosen silently.
"""

from __future__ import annotations

import functools
import os

from netfig.errors import EngineFailed, Missing, UsageError, did_you_mean


class EngineTimedOut(EngineFailed):
    """It did not finish in time: another try with less effort may."""


ENGINES = ("auto", "dot")
EMBEDDED = "graphviz-pure"
_STDERR_SHOWN = 2000  # characters of an engine's complaint worth showing


def run_dot(dot_source: str, args: list[str], *, engine: str = "auto", timeout: float = 30.0) -> bytes:
    """What Graphviz writes for `dot_source` when called with `args` (such as ``["-Tplain"]``).

    Raises:
        UsageError: there is no engine of that name.
        Missing: the engine is not installed.
        EngineFailed: it reported an error, wrote nothing, or took longer than `timeout` seconds (`EngineTimedOut`).
    """
    import subprocess  # here, for a figure that needs no engine pays nothing for it

    executable = _executable(engine)
    label = EMBEDDED if engine == "auto" else "dot"
    try:
        done = subprocess.run(
            [executable, "-q", *args],
            input=dot_source.encode("utf-8", "replace"),
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineTimedOut(
            f"{label} did not finish within {timeout:g} s",
            where=" ".join(args),
            why=f"the graph has {len(dot_source):,} characters of DOT",
            hint="draw less at once (a smaller --depth, or a part of the model)",
        ) from error
    except OSError as error:
        raise EngineFailed(f"{label} could not be started", why=error.strerror or str(error)) from error
    complaint = done.stderr.decode("utf-8", "replace").strip()[:_STDERR_SHOWN]
    if done.returncode != 0:
        # Graphviz also ends with 1 when it wrote a picture that lacks edges or labels: that is a failure too
        raise EngineFailed(f"{label} failed with status {done.returncode}", where=" ".join(args), why=complaint)
    if not done.stdout:
        raise EngineFailed(f"{label} wrote nothing", where=" ".join(args), why=complaint or "the input holds no graph")
    return done.stdout


def engine_versions() -> dict[str, str]:
    """The version line of each Graphviz that is here, ``""`` for one that is not: for ``netfig doctor``."""
    import subprocess

    found = {}
    for engine, label in (("auto", EMBEDDED), ("dot", "dot")):
        try:
            done = subprocess.run([_executable(engine), "-V"], capture_output=True, timeout=10, check=False)
        except (Missing, OSError, subprocess.TimeoutExpired):
            found[label] = ""
            continue
        said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
        found[label] = said.partition("\n")[0] if done.returncode == 0 else ""
    return found


def _executable(engine: str) -> str:
    if engine == "auto":
        return _embedded()
    if engine == "dot":
        import shutil

        path = shutil.which("dot")
        if path is None:
            raise Missing(
                "the system's Graphviz is not installed",
                why="no 'dot' on the PATH",
                hint="install Graphviz (https://graphviz.org/download) or leave out the engine option: netfig brings its own",
            )
        return path
    raise UsageError(f"there is no engine {engine!r}", hint=did_you_mean(engine, ENGINES))


@functools.cache
def _embedded() -> str:
    """The executable the ``graphviz-pure`` wheel installed, found through its own file list: the PATH plays no part."""
    from importlib import metadata
    from pathlib import Path

    hint = f"reinstall it: pip install --force-reinstall {EMBEDDED}"
    try:
        files = metadata.files(EMBEDDED) or []
    except metadata.PackageNotFoundError as error:
        raise Missing(f"the embedded engine {EMBEDDED} is not installed", hint=hint) from error
    for file in files:
        path = Path(str(file.locate()))
        if path.stem == EMBEDDED and path.suffix in ("", ".exe") and os.access(path, os.X_OK) and path.is_file():
            return str(path.resolve())
    raise Missing(f"the package {EMBEDDED} has no executable on this machine", hint=hint)
