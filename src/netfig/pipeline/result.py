"""What `draw` hands back: a figure that can be looked at, linted and written in any format."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from netfig.errors import UsageError, did_you_mean
from netfig.figure import Figure
from netfig.pipeline.files import STDOUT, check_writable, write_files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from netfig.drawing import Drawing
    from netfig.figure import Direction
    from netfig.graph import Graph
    from netfig.hooks import Format, Renderer
    from netfig.layout.lint import Finding
    from netfig.registry import Registry
    from netfig.theme import Theme

ENGINE_FORMATS = {"svg": "image/svg+xml", "dot": "text/vnd.graphviz", "json": "application/json"}
"""What Graphviz itself writes for a renderer that returns a ``graphviz.Digraph``, whichever engine runs it."""
SYSTEM_FORMATS = {"png": "image/png", "pdf": "application/pdf"}
"""What only the system's ``dot`` adds."""


class Result:
    """A figure of a graph. Nothing is laid out before it is asked for, and nothing twice."""

    def __init__(
        self,
        graph: Graph,
        drawn: Any,
        theme: Theme,
        renderer: Renderer,
        *,
        registry: Registry,
        options: Mapping[str, Mapping[str, Any]],
        direction: Direction | None = None,
        width: float | None = None,
        engine: str = "auto",
    ) -> None:
        self.graph, self.theme, self.renderer = graph, theme, renderer
        self._drawn, self._registry, self._options = drawn, registry, options
        self._direction, self._width, self._engine = direction, width, engine

    def __repr__(self) -> str:
        return f"<netfig figure of {self.graph.name!r} by {self.renderer.name}>"

    @property
    def figure(self) -> Figure:
        """What is shown. A renderer that writes DOT itself has none."""
        if not isinstance(self._drawn, Figure):
            raise UsageError(f"the renderer {self.renderer.name!r} writes Graphviz itself and makes no figure of ours")
        return self._drawn

    @property
    def is_digraph(self) -> bool:
        """Whether the renderer wrote DOT itself instead of a Figure."""
        return not isinstance(self._drawn, Figure)

    @cached_property
    def drawing(self) -> Drawing:
        """Where everything is."""
        from netfig.layout import lay_out

        return lay_out(self.figure, self.theme, direction=self._direction, width=self._width, engine=self._engine)

    def lint(self) -> tuple[Finding, ...]:
        """What a reader would stumble over: text on a line, a wire through a box, letters too small. Empty is good."""
        if self.is_digraph:
            return ()
        from netfig.layout.lint import lint

        return lint(self.drawing, self.theme)

    def bytes_of(self, suffix: str) -> bytes:
        """The file of a format, such as ``svg``.

        Raises:
            UsageError: no writer makes it.
        """
        writer, _ = self._format(suffix)
        if writer is None:
            from netfig.layout.engine import run_dot

            source: str = self._drawn.source
            return source.encode() if suffix == "dot" else run_dot(source, [f"-T{suffix}"], engine=self._engine)
        subject: Any = self.graph if writer.takes == "graph" else self.figure if writer.takes == "figure" else self.drawing
        options = self._registry.options_of(writer, self._options)
        data = self._registry.call("writers", writer, writer.write, subject, self.theme, options)
        if not isinstance(data, bytes):
            raise self._registry.misuse("writers", writer, f"returned {type(data).__name__}, not bytes")
        return data

    def svg(self) -> str:
        """The figure as SVG."""
        return self.bytes_of("svg").decode()

    def png(self) -> bytes:
        """The figure as PNG."""
        return self.bytes_of("png")

    def pdf(self) -> bytes:
        """The figure as PDF: vector, fonts embedded."""
        return self.bytes_of("pdf")

    def dot(self) -> str:
        """The figure as DOT with positions."""
        return self.bytes_of("dot").decode()

    def save(self, *paths: str | os.PathLike[str]) -> tuple[Path, ...]:
        """Write one or several files, all or none; the format follows from each suffix."""
        from pathlib import Path

        names = [os.fspath(path) for path in paths]
        for name in names:
            self.check_path(name)
        write_files({name: self.bytes_of(suffix_of(name)) for name in names})
        return tuple(Path(name) for name in names)

    def check_path(self, path: str) -> None:
        """Raise unless the format is known and the file can be written: before the long work, not after it."""
        if path != STDOUT:
            self._format(suffix_of(path))
            check_writable(path)

    def _format(self, suffix: str) -> tuple[Any, Format | None]:
        if not self.is_digraph:
            return self._registry.format(suffix)
        known = ENGINE_FORMATS | (SYSTEM_FORMATS if self._engine == "dot" else {})
        if suffix in known:
            return None, None
        writer, form = self._registry.format(suffix)
        if writer.takes == "graph":
            return writer, form
        more = (
            ""
            if self._engine == "dot" or suffix not in SYSTEM_FORMATS
            else "; with the engine 'dot' also " + ", ".join(SYSTEM_FORMATS)
        )
        raise UsageError(
            f"the renderer {self.renderer.name!r} cannot be written as {suffix!r}",
            why="it writes Graphviz itself, which Graphviz turns into a file",
            hint=f"known: {', '.join(known)}{more}",
        )

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg(), "text/plain": repr(self)}


def suffix_of(path: str) -> str:
    """The format a file name asks for."""
    suffix = os.path.splitext(path)[1].removeprefix(".").lower()
    if not suffix:
        raise UsageError(
            f"the file name {path!r} has no suffix, so its format is not known", hint=f"for example {path + '.svg'!r}"
        )
    return suffix


def check_formats(registry: Registry, paths: tuple[str, ...]) -> None:
    """Raise unless a writer makes what every file name asks for and every file can be written."""
    for path in paths:
        if path != STDOUT:
            suffix = suffix_of(path)
            if suffix not in registry.formats:
                near = did_you_mean(suffix, registry.formats)
                raise UsageError(f"there is no format {suffix!r}", where=path, hint=near)
            check_writable(path)
