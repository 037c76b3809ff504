"""The registry of one run: loads each plugin in its own guard, asks hooks lazily, checks what they return, attributes it."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pluggy

from netfig.errors import NetfigError, PluginError, UsageError, did_you_mean
from netfig.hooks import API, Annotator, Format, OpKind, Pass, Renderer, Source, Specs, Writer
from netfig.records import dataclass
from netfig.registry.installed import Candidate, installed
from netfig.registry.options import build, check, describe, split
from netfig.theme import BUILT_IN as THEMES
from netfig.theme import Theme, load_theme

if TYPE_CHECKING:
    import click

BUILT_IN = "netfig"
KINDS: Mapping[str, type] = {
    "sources": Source,
    "annotators": Annotator,
    "passes": Pass,
    "renderers": Renderer,
    "writers": Writer,
    "themes": Theme,
    "op_kinds": OpKind,
}
"""Hook ``netfig_<kind>`` and the descriptor it returns."""

_NAME = re.compile(r"\A[A-Za-z_][A-Za-z0-9_.-]*\Z")
_CALLABLES = {
    "sources": ("accepts", "load"),
    "annotators": ("annotate", "suits"),
    "passes": ("run",),
    "renderers": ("draw", "suits"),
}


@dataclass(frozen=True)
class Plugin:
    """One plugin as ``netfig plugins`` shows it; `error` says why it is not used, or which of its hooks failed."""

    name: str
    distribution: str
    module: str
    hooks: tuple[str, ...] = ()
    error: str = ""


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)


class Registry:
    """The built-ins and the plugins of one run.

    `candidates` are the plugins to load (those installed, when not given); `report` gets one line for each that cannot be used.
    """

    def __init__(self, candidates: Iterable[Candidate] | None = None, *, report: Callable[[str], None] = _to_stderr) -> None:
        from netfig import __version__
        from netfig.registry import builtin

        self._report = report
        self._manager = pluggy.PluginManager("netfig")
        self._manager.add_hookspecs(Specs)
        self._plugins: dict[str, Plugin] = {}
        self._found: dict[str, dict[str, Any]] = {}
        self._owners: dict[tuple[str, str], str] = {}
        self._themes: dict[str, Theme] = {}
        self._register(Candidate(BUILT_IN, f"netfig {__version__}", lambda: builtin, builtin.__name__))
        for candidate in installed() if candidates is None else candidates:
            self._guarded(candidate)

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """Every plugin found, the built-ins first, also those that failed."""
        return tuple(self._plugins.values())

    def of(self, kind: str) -> Mapping[str, Any]:
        """All descriptors of a kind by name, the built-in ones first.

        Raises:
            PluginError: two plugins offer the same name; both distributions are named.
        """
        if kind not in self._found:
            self._found[kind] = self._collect(kind)
        return self._found[kind]

    def owner(self, kind: str, name: str) -> Plugin:
        """The plugin a descriptor came from."""
        self.of(kind)
        return self._plugins[self._owners[kind, name]]

    @property
    def sources(self) -> Mapping[str, Source]:
        """Sources by name."""
        return self.of("sources")

    @property
    def annotators(self) -> Mapping[str, Annotator]:
        """Annotators by name."""
        return self.of("annotators")

    @property
    def passes(self) -> Mapping[str, Pass]:
        """Passes by name."""
        return self.of("passes")

    @property
    def renderers(self) -> Mapping[str, Renderer]:
        """Renderers by name."""
        return self.of("renderers")

    @property
    def writers(self) -> Mapping[str, Writer]:
        """Writers by name."""
        return self.of("writers")

    def renderer(self, name: str) -> Renderer:
        """The renderer of that name."""
        return cast("Renderer", self._one("renderers", "renderer", name))

    def pass_named(self, name: str) -> Pass:
        """The pass of that name."""
        return cast("Pass", self._one("passes", "pass", name))

    def theme(self, name: str) -> Theme:
        """A theme by name, or from a ``.toml`` file."""
        if name.endswith(".toml") or (name in THEMES and not self.others_offer("netfig_themes")):
            if name not in self._themes:
                self._themes[name] = load_theme(name)  # one file, not all
            return self._themes[name]
        return cast("Theme", self._one("themes", "theme", name))

    @functools.cached_property
    def formats(self) -> Mapping[str, tuple[Writer, Format]]:
        """What can be written: the writer and format of each suffix.

        Raises:
            PluginError: two writers make the same format; both distributions are named.
        """
        found: dict[str, tuple[Writer, Format]] = {}
        for writer in self.writers.values():
            for form in writer.formats:
                if form.suffix in found:
                    both = (self.owner("writers", found[form.suffix][0].name), self.owner("writers", writer.name))
                    raise _clash("format", form.suffix, *both)
                found[form.suffix] = (writer, form)
        return found

    def format(self, suffix: str) -> tuple[Writer, Format]:
        """The writer for a format."""
        known = self.formats
        if suffix not in known:
            raise UsageError(f"there is no format {suffix!r}", hint=did_you_mean(suffix, known))
        return known[suffix]

    def options(self, words: Iterable[str] | Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Options sorted by component from ``name.key=value`` words or a mapping of ``name.key`` to values.

        Raises:
            UsageError: a component nobody offers, or a key or value it does not take; nothing is ignored.
        """
        pairs = (
            [(*key.rpartition(".")[::2], value) for key, value in words.items()]
            if isinstance(words, Mapping)
            else map(split, words)
        )
        found: dict[str, dict[str, Any]] = {}
        for name, key, value in pairs:
            owners = self._with_options(name)
            if not owners:
                raise UsageError(
                    f"no component is called {name!r} (option {name}.{key})", hint=did_you_mean(name, self._configurable())
                )
            found.setdefault(name, {})[key] = value
        for name, given in found.items():
            owners = self._with_options(name)
            keys = {o.name for owner in owners for o in describe(owner)}
            for owner in owners:
                build(owner, {k: v for k, v in given.items() if k not in keys or k in {o.name for o in describe(owner)}})
        return found

    def options_of(self, descriptor: Any, given: Mapping[str, Mapping[str, Any]]) -> Any:
        """The options object of one component, from what `options` sorted."""
        if not given.get(descriptor.name):
            return descriptor.options()
        own = {o.name for o in describe(descriptor)}
        return build(descriptor, {k: v for k, v in given.get(descriptor.name, {}).items() if k in own})

    def call(self, kind: str, descriptor: Any, function: Callable[..., Any], *args: Any) -> Any:
        """Call a component; what it raises that is not ours becomes a `PluginError` that names its plugin.

        A built-in that raises is a bug of ours and keeps its traceback.
        """
        try:
            return function(*args)
        except NetfigError:
            raise
        except Exception as error:
            if self._owners[kind, descriptor.name] == BUILT_IN:
                raise
            plugin = self.owner(kind, descriptor.name)
            raise PluginError(
                f"the {_singular(kind)} {descriptor.name!r} of the plugin {plugin.name!r} ({plugin.distribution}) failed",
                why=f"{type(error).__name__}: {error}",
                hint="report it to the plugin's authors",
            ) from error

    def misuse(self, kind: str, descriptor: Any, why: str) -> PluginError:
        """The error for a component that returned what its hook does not allow."""
        plugin = self.owner(kind, descriptor.name)
        return PluginError(
            f"the {_singular(kind)} {descriptor.name!r} of the plugin {plugin.name!r} ({plugin.distribution}) {why}",
            hint="report it to the plugin's authors",
        )

    def describe_module(self, module: Any, path: str) -> Any:
        """How a plugin wants a module shown, or ``None``; the first plugin that answers wins."""
        from netfig.hooks import ModuleDescription

        for name in self._plugins:
            answer = self._ask(name, "netfig_describe_module", module=module, path=path)
            if isinstance(answer, ModuleDescription):
                return answer
            if answer is not None:
                self._fail(name, f"netfig_describe_module returned {type(answer).__name__}, not ModuleDescription")
        return None

    def add_commands(self, cli: click.Group) -> None:
        """Let every plugin add its commands."""
        for name in list(self._plugins):
            self._ask(name, "netfig_commands", cli=cli)

    # ---- loading ---------------------------------------------------------------------------------------------------------------

    def _guarded(self, candidate: Candidate) -> None:
        try:
            self._register(candidate)
        except Exception as error:  # whatever a plugin raises costs one line, not the command
            reason = error.what if isinstance(error, NetfigError) else f"{type(error).__name__}: {error}"
            hint = f" ({error.hint})" if isinstance(error, NetfigError) and error.hint else ""
            self._plugins.setdefault(candidate.name, Plugin(candidate.name, candidate.distribution, candidate.module))
            self._fail(candidate.name, " ".join((reason + hint).split()))

    def _register(self, candidate: Candidate) -> None:
        if candidate.name in self._plugins:
            other = self._plugins[candidate.name]
            raise _clash("plugin", candidate.name, other, Plugin(candidate.name, candidate.distribution, candidate.module))
        self._plugins[candidate.name] = Plugin(candidate.name, candidate.distribution, candidate.module)
        plugin = candidate.load()
        wanted = getattr(plugin, "NETFIG_API", API)
        if not (isinstance(wanted, tuple) and len(wanted) == 2 and all(isinstance(n, int) for n in wanted)):
            raise PluginError(f"NETFIG_API is {wanted!r}, not a pair of whole numbers")
        if wanted[0] != API[0] or wanted[1] > API[1]:
            ours = ".".join(map(str, API))
            raise PluginError(f"it was built for plugin API {wanted[0]}.{wanted[1]}, this netfig has {ours}")
        self._manager.register(plugin, name=candidate.name)
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            self._manager.unregister(name=candidate.name)
            unknown = re.search(r"unknown hook '(\w+)'", str(error))
            name = unknown[1] if unknown else str(error)
            raise PluginError(f"it implements {name!r}, which is no hook", hint=did_you_mean(name, _hook_names())) from error
        callers = self._manager.get_hookcallers(plugin) or []
        hooks = tuple(sorted(caller.name for caller in callers))
        self._plugins[candidate.name] = replace(self._plugins[candidate.name], hooks=hooks)

    def _fail(self, name: str, why: str) -> None:
        plugin = self._plugins[name]
        if plugin.error:
            return
        self._plugins[name] = replace(plugin, error=why)
        self._report(f"netfig: plugin {name!r} ({plugin.distribution}) is not used: {why}")

    # ---- asking ----------------------------------------------------------------------------------------------------------------

    def _ask(self, name: str, hook: str, **arguments: Any) -> Any:
        """One plugin's answer to one hook; ``None`` when it has none or failed (which is reported)."""
        if hook not in self._plugins[name].hooks:
            return None
        others = [p for n, p in self._manager.list_name_plugin() if n != name and p is not None]
        answer = None
        try:
            answer = self._manager.subset_hook_caller(hook, others)(**arguments)
        except Exception as error:
            if name == BUILT_IN:
                raise
            self._fail(name, " ".join(f"{hook} raised {type(error).__name__}: {error}".split()))
            return None
        return (answer[0] if answer else None) if isinstance(answer, list) else answer

    def _collect(self, kind: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for plugin in list(self._plugins):
            answer = self._ask(plugin, f"netfig_{kind}")
            if answer is None:
                continue
            try:
                offered = list(answer)
                for descriptor in offered if plugin != BUILT_IN else ():  # ours are checked by the tests, not at every start
                    _check(kind, descriptor)
            except Exception as error:
                if plugin == BUILT_IN:
                    raise
                self._fail(plugin, " ".join(f"netfig_{kind}: {error.what if isinstance(error, NetfigError) else error}".split()))
                continue
            for descriptor in offered:
                if descriptor.name in found:
                    owners = (self._owners[kind, descriptor.name], plugin)
                    raise _clash(_singular(kind), descriptor.name, *(self._plugins[o] for o in owners))
                found[descriptor.name] = descriptor
                self._owners[kind, descriptor.name] = plugin
        return found

    def _one(self, kind: str, word: str, name: str) -> Any:
        known = self.of(kind)
        if name not in known:
            raise UsageError(f"there is no {word} {name!r}", hint=did_you_mean(name, known))
        return known[name]

    def others_offer(self, hook: str) -> bool:
        """Whether a plugin that is not built in has a hook."""
        return any(hook in plugin.hooks for name, plugin in self._plugins.items() if name != BUILT_IN)

    def _with_options(self, name: str) -> list[Any]:
        kinds = ("renderers", "writers", "sources", "annotators", "passes")
        return [self.of(kind)[name] for kind in kinds if name in self.of(kind)]

    def _configurable(self) -> list[str]:
        kinds = ("renderers", "writers", "sources", "annotators", "passes")
        return sorted({name for kind in kinds for name, d in self.of(kind).items() if describe(d)})


def _check(kind: str, descriptor: Any) -> None:
    """Raise `PluginError` unless a hook's answer is a proper descriptor."""
    wanted = KINDS[kind]
    if not isinstance(descriptor, wanted):
        raise PluginError(f"returned {type(descriptor).__name__}, not {wanted.__name__}")
    found: Any = descriptor
    if not (isinstance(found.name, str) and _NAME.match(found.name)):
        raise PluginError(f"the name {found.name!r} is not a word of letters, digits, '_', '-' and '.'")
    for attribute in _CALLABLES.get(kind, ("write",) if kind == "writers" else ()):
        if not callable(getattr(found, attribute)):
            raise PluginError(f"{attribute} of {found.name!r} is not callable")
    if kind == "writers":
        if not (found.formats and all(isinstance(f, Format) for f in found.formats)):
            raise PluginError(f"the writer {found.name!r} names no format")
        if found.takes not in ("drawing", "figure", "graph"):
            raise PluginError(f"the writer {found.name!r} takes {found.takes!r}, not drawing, figure or graph")
    if kind not in ("themes", "op_kinds"):
        check(found)


def _clash(word: str, name: str, first: Plugin, second: Plugin) -> PluginError:
    return PluginError(
        f"the {word} {name!r} is offered twice: by {first.distribution} and by {second.distribution}",
        hint=f"uninstall one, or leave one out: NETFIG_PLUGINS=-{second.name}",
    )


def _singular(kind: str) -> str:
    return {"passes": "pass", "op_kinds": "op kind"}.get(kind, kind.removesuffix("s"))


def _hook_names() -> list[str]:
    return [name for name in vars(Specs) if name.startswith("netfig_")]


@functools.cache
def current_registry() -> Registry:
    """The registry of this process, for the Python API; ``current_registry.cache_clear()`` forgets it."""
    return Registry()
