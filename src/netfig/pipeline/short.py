"""Options of renderers by a short name: ``--steps 3`` and ``draw(…, steps=3)`` are both ``unrolled.steps``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netfig.errors import UsageError
from netfig.records import dataclass

if TYPE_CHECKING:
    from netfig.registry import Registry

NAMES = ("depth", "expand", "collapse", "max_boxes", "steps", "all_steps", "highlight", "with_unrolled")


@dataclass(frozen=True)
class Short:
    """What is given by a short name, and whether that was on the command line, for messages to spell it as it was typed."""

    values: Mapping[str, Any]
    on_command_line: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any], *, on_command_line: bool = False) -> Short:
        """The short names among what a command or a call was given; ``None`` and ``False`` are not given."""
        values = {name: given.get(name) for name in NAMES}
        values |= {name: _names_in(name, values[name]) for name in ("expand", "collapse")}
        return cls({name: value for name, value in values.items() if value is not None and value is not False}, on_command_line)

    @property
    def renderer(self) -> str | None:
        """The renderer that is meant where none is named."""
        return "folded" if "with_unrolled" in self.values else None

    def into(self, registry: Registry, renderer: str, options: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """`options`, sorted by component, with what is meant by the short names for `renderer`.

        Raises:
            UsageError: the renderer has no such option, the value does not fit, or `options` say something else.
        """
        merged = {name: dict(values) for name, values in options.items()}
        if not self.values:
            return merged
        from netfig.registry import describe

        known = {option.name for option in describe(registry.renderer(renderer))}
        own = merged.setdefault(renderer, {})
        for key, value in self.values.items():
            if key not in known:
                able = [name for name, one in registry.renderers.items() if any(o.name == key for o in describe(one))]
                raise UsageError(
                    f"the renderer {renderer!r} has no {self._word(key)}", hint=f"those that have: {', '.join(able)}"
                )
            if key == "depth" and isinstance(value, int) and value < 0:
                hint = "0 shows the model as one box; leave it out to open everything"
                raise UsageError(f"the depth {value} is negative", hint=hint)
            if key in own and str(own[key]).lower() != str(value).lower():
                both = f"{self._word(key)} {value} and {renderer}.{key}={own[key]}"
                raise UsageError(f"{both} ask for different things", hint="give one of them")
        if "expand" in self.values and "repeats" in registry.renderer(renderer).passes:
            split = merged.setdefault("repeats", {})  # to be opened, one of a fold stands by itself
            split.setdefault("split", self.values["expand"])
        registry.options({f"{renderer}.{key}": value for key, value in self.values.items()})
        own.update(self.values)
        return merged

    def _word(self, key: str) -> str:
        return "--" + key.replace("_", "-") if self.on_command_line else key


def _names_in(word: str, given: Any) -> tuple[str, ...] | None:
    """One name or several; ``None`` where there is none."""
    if not given:
        return None
    names = (given,) if isinstance(given, str) else tuple(given)
    wrong = next((name for name in names if not isinstance(name, str)), None)
    if wrong is not None:
        hint = f'{word}=["layers.3"], or a glob such as "layers.*"'
        raise UsageError(f"{word} takes paths of modules, not {wrong!r}", hint=hint)
    return names
