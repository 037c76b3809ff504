"""Themes: the only place that knows a colour, a font size or a line width. Data is TOML (`themes/*.toml`), one file a theme.

A role is a dotted word that falls back leftwards: ``op.attention.score`` → ``op.attention`` → ``op`` → ``default``. A theme file
may say ``extends = "light"`` and then lists only what differs. Sizes are points at design size.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from netfig.errors import InvalidInput, Missing, did_you_mean
from netfig.records import dataclass

Pattern = Literal["none", "diagonal", "backdiagonal", "cross", "dots", "horizontal", "vertical", "grid"]

BUILT_IN = ("light", "dark", "print")
_THEMES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "themes")


@dataclass(frozen=True, slots=True)
class RoleStyle:
    """How one role of box, group, wire or text is painted.

    `outline` is the shape (``rect``, ``round``: corners of radius `corner`, ``pill``, ``circle``); `width` the stroke width;
    `min_width`, `min_height` the smallest box; `pad_x`, `pad_y` the room around its text; `size` the title's font size and
    `row_size` that of the rows beneath; `head` the arrow's length (0: none); `dashed` strokes.
    """

    fill: str = "#FFFFFF"
    stroke: str = "#39414B"
    text: str = "#1B1F24"
    width: float = 1.4
    dashed: bool = False
    outline: Literal["rect", "round", "pill", "circle"] = "round"
    corner: float = 7.0
    pattern: Pattern = "none"
    min_width: float = 44.0
    min_height: float = 30.0
    pad_x: float = 10.0
    pad_y: float = 6.0
    size: float = 12.0
    row_size: float = 10.0
    head: float = 7.5
    radius: float = 7.0


@dataclass(frozen=True)
class Theme:
    """All paints and sizes of a figure. `role` resolves a dotted role; `base` holds the page-wide values."""

    name: str
    summary: str = ""
    page: str = "#FFFFFF"
    ink: str = "#1B1F24"
    muted: str = "#47505E"
    light_mix: float = 0.55  # cuboid top: towards white
    dark_mix: float = 0.22  # cuboid side: towards the stroke
    heat_mix: float = 0.2  # the hottest cell: towards the stroke, as far as its text can be read
    sans: tuple[str, ...] = ("Liberation Sans", "Arial", "Helvetica", "sans-serif")
    serif: tuple[str, ...] = ("Liberation Serif", "Times New Roman", "Times", "serif")
    mono: tuple[str, ...] = ("Liberation Mono", "Courier New", "monospace")
    symbol: tuple[str, ...] = ("DejaVu Sans", "Segoe UI Symbol", "Cambria Math", "sans-serif")
    margin: float = 12.0
    gap_along: float = 24.0  # between boxes along a wire, at least 22
    gap_across: float = 22.0  # between parallel branches
    lane: float = 14.0  # between parallel lanes, and from a lane to a box
    panel_pad: float = 14.0
    min_text: float = 9.0  # points at printed size
    roles: Mapping[str, RoleStyle] = field(default_factory=dict)

    def role(self, name: str) -> RoleStyle:
        """The style of a role, falling back leftwards to ``default``."""
        while name:
            if name in self.roles:
                return self.roles[name]
            name = name.rpartition(".")[0]
        return self.roles["default"]

    def paint(self, role: str, tone: str = "fill", fade: float = 0.0, heat: float | None = None) -> str | None:
        """The colour that fills a shape of this role and `Tone`, or ``None`` where nothing is filled."""
        style = self.role(role)
        if heat is not None:
            return self.mix(self.page, self.mix(style.fill, style.stroke, self.heat_mix * heat), min(1.0, 0.04 + 1.16 * heat))
        colour = {
            "fill": style.fill,
            "light": self.mix(style.fill, "#FFFFFF", self.light_mix),
            "dark": self.mix(style.fill, style.stroke, self.dark_mix),
            "page": self.page,
            "plate": self.page,
            "stroke": style.stroke,
        }.get(tone)
        return self.mix(colour, self.page, fade) if colour is not None and fade else colour

    def mix(self, a: str, b: str, amount: float) -> str:
        """`a` moved `amount` (0 … 1) of the way to `b`, both ``#RRGGBB``."""
        parts = [(int(a[i : i + 2], 16), int(b[i : i + 2], 16)) for i in (1, 3, 5)]
        return "#" + "".join(f"{round(x * (1 - amount) + y * amount):02X}" for x, y in parts)


def load_theme(name_or_path: str) -> Theme:
    """A built-in theme by name, or one from a ``.toml`` file.

    Raises:
        Missing: no built-in theme has that name, or the file is not there.
        InvalidInput: the file is not TOML, or has keys or values a theme does not have (all of them are listed).
    """
    if name_or_path.endswith(".toml"):
        try:
            text = _text_of(name_or_path)
        except OSError as error:
            raise Missing(f"cannot read the theme file {name_or_path!r}", why=error.strerror or str(error)) from error
        except UnicodeDecodeError as error:
            raise InvalidInput(f"the theme file {name_or_path!r} is not UTF-8 text", why=str(error)) from error
        name = os.path.splitext(os.path.basename(name_or_path))[0]
        return _build(_parse(text, name_or_path), name, name_or_path)
    if name_or_path not in BUILT_IN:
        raise Missing(f"there is no theme {name_or_path!r}", hint=did_you_mean(name_or_path, BUILT_IN))
    return _build(_built_in(name_or_path), name_or_path, name_or_path)


def _built_in(name: str) -> dict[str, Any]:
    return dict(_stored(name))


@functools.cache
def _stored(name: str) -> Mapping[str, Any]:
    return _parse(_text_of(os.path.join(_THEMES, f"{name}.toml")), name)


def _text_of(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"the theme {where!r} is not valid TOML", why=str(error)) from error


_THEME_FIELDS = {f.name: f for f in dataclasses.fields(Theme) if f.name not in ("name", "roles")}
_ROLE_FIELDS = {f.name: f for f in dataclasses.fields(RoleStyle)}


def _extended(data: dict[str, Any], where: str) -> dict[str, Any]:
    """The data on top of what it extends, so that a role it changes changes the roles that fall back to it too."""
    base = data.pop("extends", None)
    if base is None:
        return data
    if base not in BUILT_IN:
        raise InvalidInput(f"the theme {where!r} extends {base!r}", hint=did_you_mean(str(base), BUILT_IN))
    return _merged(_extended(_built_in(base), base), data)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    found = dict(below)
    for key, value in above.items():
        there = found.get(key)
        found[key] = _merged(there, value) if isinstance(there, dict) and isinstance(value, dict) else value
    return found


def _build(data: dict[str, Any], name: str, where: str) -> Theme:
    data = _extended(data, where)
    problems: list[str] = []
    roles_data = data.pop("role", {})
    if not isinstance(roles_data, dict):
        problems.append("role must be a table of roles")
        roles_data = {}
    values = {key: _checked(key, value, _THEME_FIELDS, "", problems) for key, value in data.items()}
    roles: dict[str, RoleStyle] = {}
    for role, settings in _flatten(roles_data):
        fields = {key: _checked(key, value, _ROLE_FIELDS, f"role {role!r}: ", problems) for key, value in settings.items()}
        fields = {key: value for key, value in fields.items() if key in _ROLE_FIELDS and value is not None}
        roles[role] = dataclasses.replace(_nearest(roles, role), **fields)
    if problems:
        raise InvalidInput(f"the theme {where!r} has {len(problems)} mistakes", why="\n       ".join(problems))
    roles.setdefault("default", RoleStyle())
    return Theme(name, **values, roles=roles)


def _flatten(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, dict[str, Any]]]:
    """``[role.op.box]`` is TOML for a table in a table: settings are scalars, deeper tables are longer roles."""
    found = []
    for key, value in table.items():
        if isinstance(value, dict):
            role = prefix + key
            settings = {k: v for k, v in value.items() if not isinstance(v, dict)}
            found.append((role, settings))
            found += _flatten({k: v for k, v in value.items() if isinstance(v, dict)}, role + ".")
    return found


def _nearest(roles: Mapping[str, RoleStyle], role: str) -> RoleStyle:
    while role:
        if role in roles:
            return roles[role]
        role = role.rpartition(".")[0]
    return roles.get("default", RoleStyle())


_COLOUR = re.compile(r"\A#[0-9A-Fa-f]{6}\Z")
_COLOURS = {"page", "ink", "muted", "fill", "stroke", "text"}


def _checked(key: str, value: Any, fields: Mapping[str, Any], where: str, problems: list[str]) -> Any:
    if key not in fields:
        problems.append(f"{where}unknown key {key!r} ({did_you_mean(key, fields)})")
        return None
    kind = str(fields[key].type)
    if key in _COLOURS and not (isinstance(value, str) and _COLOUR.match(value)):
        problems.append(f"{where}{key} must be a colour like '#1F4E86', not {value!r}")
    elif kind == "float":
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1000:
            problems.append(f"{where}{key} must be a number from 0 to 1000, not {value!r}")
            return None
        return float(value)
    elif kind == "bool" and not isinstance(value, bool):
        problems.append(f"{where}{key} must be true or false, not {value!r}")
    elif kind.startswith("tuple"):
        if not (isinstance(value, list) and value and all(isinstance(v, str) for v in value)):
            problems.append(f"{where}{key} must be a list of font names, not {value!r}")
            return None
        return tuple(value)
    elif key == "outline" and value not in ("rect", "round", "pill", "circle"):
        problems.append(f"{where}outline must be rect, round, pill or circle, not {value!r}")
    elif key == "pattern" and value not in Pattern.__args__:  # type: ignore[attr-defined]
        problems.append(f"{where}pattern must be one of {', '.join(Pattern.__args__)}, not {value!r}")  # type: ignore[attr-defined]
    elif key == "summary" and not isinstance(value, str):
        problems.append(f"{where}summary must be text")
    return value
