"""Summaries as text: terminal, JSON, Markdown, LaTeX, CSV. Names are data: nothing in them can act in any of these."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final

from netfig.errors import UsageError, did_you_mean
from netfig.graph.formula_text import latex, parsed, pretty_size
from netfig.summary.row import Row
from netfig.summary.rows import COLUMNS, Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VERSION: Final = (1, 0)
"""(major, minor) of the JSON form."""

NUMBERS: Final = frozenset(("params", "macs", "dense"))
"""Columns set flush right."""


def render(summary: Summary, fmt: str = "terminal", *, width: int | None = None, color: bool = False) -> str:
    """The table in one of `FORMATS`.

    With a `width` (a terminal's columns) the terminal form is drawn to fit; without, it is plain lines as long as they must be,
    as for a pipe or a file.
    """
    if fmt not in FORMATS:
        raise UsageError(f"no summary format {fmt!r}", hint=did_you_mean(fmt, FORMATS))
    if fmt == "terminal":
        return _terminal(summary, width, color)
    return FORMATS[fmt](summary)


def clean(text: str) -> str:
    """A text on one line without control characters (a terminal would obey them)."""
    return "".join("�" if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp", "Cf") else c for c in text)


def _cell(row: Row, column: str) -> str:
    """One cell as people read it."""
    if column == "layer":
        return "  " * row.depth + clean(row.layer)
    if column == "params" and row.is_symbol and not row.params and not row.params_text:
        return ""
    if column == "params":
        count = row.params_text or ("?" if row.params is None else f"{row.params:,}")
        return f"({count})" if row.shared_with else count  # already counted: not in the sum
    if column == "formula":
        return f"= {clean(row.shared_with)}" if row.shared_with else row.formula
    if column == "macs":
        if row.macs is None:
            return ""
        return f"≥ {row.macs:,}" if row.macs_unknown else f"{row.macs:,}"
    if column == "dense":
        return "" if row.dense is None else f"{row.dense:,}"
    if column == "output":
        return clean(row.output_text)
    return clean(str(getattr(row, column)))


def _lines(summary: Summary) -> list[str]:
    """What stands under the table."""
    lines = []
    if summary.params is not None:
        lines.append(f"Parameters: {summary.params:,}")
    elif summary.params_text:
        lines.append(f"Parameters: {summary.params_text}")
    lines += summary.remarks
    lines += [f"{pretty_size(name)} = {pretty_size(size)}" for name, size in summary.formulas]
    lines += [f"  {s.family}: {s.params:,} ({s.percent:.2f} %)" for s in summary.shares if len(summary.shares) > 1]
    if summary.macs is not None:
        batch = "the batch counted in" if summary.batch is None else f"for a batch of {summary.batch}"
        least = "at least " if summary.macs_unknown else ""
        lines.append(f"Multiply-adds: {least}{summary.macs:,} (biases and element-wise work left out, {batch})")
    if summary.macs_unknown:
        lines.append(f"  unknown work in: {', '.join(map(clean, summary.macs_unknown))}")
    lines += [f"Failed: {clean(text)}" for text in summary.problems]
    lines += [
        f"Disagreement{' in ' + clean(subject) if subject else ''}: {clean(text)}" for subject, text in summary.disagreements
    ]
    return lines


def _terminal(summary: Summary, width: int | None, color: bool) -> str:
    from rich.cells import cell_len

    cells = [[summary.heading(c) for c in summary.columns]] + [[_cell(r, c) for c in summary.columns] for r in summary.rows]
    used = [i for i in range(len(summary.columns)) if i == 0 or any(line[i] for line in cells[1:])]
    names = [summary.columns[i] for i in used]
    cells = [[line[i] for i in used] for line in cells]
    if width is not None:
        return _drawn(names, cells, summary, width, color)
    widths = [max(cell_len(line[i]) for line in cells) for i in range(len(names))]

    def line_of(line: list[str]) -> str:
        padded = [
            " " * (w - cell_len(text)) + text if name in NUMBERS else text + " " * (w - cell_len(text))
            for text, w, name in zip(line, widths, names, strict=True)
        ]
        return "  ".join(padded).rstrip()

    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    table = [line_of(cells[0]), rule, *map(line_of, cells[1:]), rule]
    return "\n".join([clean(summary.name), *table, *_lines(summary)]) + "\n"


def _drawn(names: list[str], cells: list[list[str]], summary: Summary, width: int, color: bool) -> str:
    """The table drawn to fit a terminal: words fold, numbers never; columns that leave no room are named under the table."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown, hidden = _fitting(names, cells, width)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for i in shown:
        column = names[i]
        least = min(_least(column, [line[i] for line in cells[1:]]), width)
        right = column in NUMBERS
        table.add_column(Text(cells[0][i]), justify="right" if right else "left", overflow="fold", min_width=least)
    for line, row in zip(cells[1:], summary.rows, strict=True):
        style = "red" if row.problem else "bold" if row.container else ""
        table.add_row(*(Text(line[i], style=style) for i in shown))
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=color, color_system="standard" if color else None, highlight=False, markup=False
    )
    console.print(Text(clean(summary.name), style="bold"))
    console.print(table)
    lines = _lines(summary)
    if hidden:
        lines.append(f"No room for: {', '.join(summary.heading(names[i]) for i in hidden)}")
    for line_text in lines:
        console.print(Text(line_text))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _least(column: str, cells: list[str]) -> int:
    """The narrowest a column may be: numbers and words of the heading stay whole, other cells fold."""
    from rich.cells import cell_len

    widest = max(map(cell_len, cells), default=0)
    heading = max(map(len, COLUMNS[column].split()))
    folds = {"layer": 20, "formula": 16, "dense_formula": 16, "settings": 10}.get(column, 12)
    return max(heading, widest if column in NUMBERS else min(widest, folds))


_GAP: Final = 3
"""Cells between two columns."""


def _fitting(names: list[str], cells: list[list[str]], width: int) -> tuple[list[int], list[int]]:
    """Which columns fit: the layer and its numbers first, then what explains them."""
    order = ["layer", "params", "output", "macs", "growth", "type", "dense", "formula", "settings", "field", "dense_formula"]
    shown: list[int] = []
    room = width + _GAP
    for i in sorted(range(len(names)), key=lambda i: order.index(names[i])):
        need = _least(names[i], [line[i] for line in cells[1:]]) + _GAP
        if need <= room or not shown:
            shown.append(i)
            room -= need
    return sorted(shown), [i for i in range(len(names)) if i not in shown]


def _json(summary: Summary) -> str:
    rows = []
    for row in summary.rows:
        shapes = [None if s is None else [int(d) if d.isdigit() else d for d in s] for s in row.output]
        rows.append(
            {
                "id": row.subject,
                "depth": row.depth,
                "layer": row.layer,
                "type": row.type,
                "settings": row.settings,
                "output": shapes[0] if len(shapes) == 1 else shapes,
                "params": row.params_text or row.params,
                "formula": row.formula or None,
                "growth": row.growth or None,
                "shared_with": row.shared_with or None,
                "macs": row.macs,
                "macs_unknown_ops": row.macs_unknown,
                "dense_equivalent": row.dense,
                "dense_equivalent_formula": row.dense_formula or None,
                "receptive_field": row.field or None,
                "failed": row.problem or None,
                "container": row.container,
            }
        )
    document = {
        "format": "netfig-summary",
        "version": list(VERSION),
        "name": summary.name,
        "batch": summary.batch,
        "rows": rows,
        "total": {
            "params": summary.params if summary.params is not None else summary.params_text or None,
            "macs": summary.macs,
            "macs_unknown": list(summary.macs_unknown),
        },
        "shares": [{"family": s.family, "params": s.params, "percent": round(s.percent, 2)} for s in summary.shares],
        "disagreements": [{"id": subject, "text": text} for subject, text in summary.disagreements],
        "failed": list(summary.problems),
        "sizes": {pretty_size(name): pretty_size(size) for name, size in summary.formulas} or None,
    }
    text = json.dumps(document, indent=1, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"


_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]<>|#~&])")


def _markdown(summary: Summary) -> str:
    def escaped(text: str) -> str:
        indent = len(text) - len(text.lstrip(" "))
        return "&nbsp;" * indent + _MARKDOWN.sub(r"\\\1", text.strip(" "))

    columns = _used(summary)
    lines = [
        "| " + " | ".join(summary.heading(c) for c in columns) + " |",
        "|" + "|".join(" ---: " if c in NUMBERS else " --- " for c in columns) + "|",
    ]
    lines += ["| " + " | ".join(escaped(_cell(row, c)) for c in columns) + " |" for row in summary.rows]
    lines += ["", *(f"- {escaped(line.strip())}" for line in _lines(summary))]
    return "\n".join(lines) + "\n"


def _used(summary: Summary) -> list[str]:
    return [c for c in summary.columns if c == "layer" or any(_cell(row, c) for row in summary.rows)]


_LATEX: Final[Mapping[str, str]] = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': r"\textquotedbl{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "→": r"$\to$",
    "≥": r"$\ge$",
    "−": "$-$",
    "…": r"\dots{}",
    "�": "?",
}


def _latex_formulas(text: str) -> str:
    """A text with formulas in it, each in maths mode: ``F × H′``, ``O(d²)``, ``Parameters: F·(C + 1)``, ``H′ = ⌊H/2⌋``."""
    before, colon, rest = text.partition(": ")
    if not colon and (found := re.fullmatch(r"(.* as )(O\(.*\))", text)):
        before, colon, rest = found[1], "", found[2]
    elif not colon:
        before, rest = "", text
    grows = re.fullmatch(r"O\((.*)\)", rest)
    parts = [grows[1]] if grows else re.split(r" = |×", rest)
    sizes = [parsed(part) for part in parts]
    if None in sizes or not any(size.names for size in sizes if size is not None):
        return ""
    sign = r" \times " if "×" in rest else " = "
    each = [(latex(size), len(size.terms) > 1 and "×" in rest) for size in sizes if size is not None]
    said = sign.join(rf"\left({text}\right)" if is_sum else text for text, is_sum in each)
    words = "".join(_LATEX.get(c, c) for c in before) + colon
    return words + (f"$O\\left({said}\\right)$" if grows else f"${said}$")


def _latex(summary: Summary) -> str:
    def escaped(text: str) -> str:
        indent = (len(text) - len(text.lstrip(" "))) // 2
        return r"\quad " * indent + "".join(_LATEX.get(c, c) for c in text.strip(" "))

    def written(row: Row, column: str) -> str:
        text = _cell(row, column)
        return (column in ("output", "params", "growth") and summary.is_named and _latex_formulas(text)) or escaped(text)

    def line_of(text: str) -> str:
        return (summary.is_named and _latex_formulas(text.strip())) or escaped(text)

    columns = _used(summary)
    lines = [
        "% needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc}, \\usepackage{textcomp}",
        f"\\begin{{tabular}}{{{''.join('r' if c in NUMBERS else 'l' for c in columns)}}}",
        "\\toprule",
        " & ".join(summary.heading(c) for c in columns) + r" \\",
        "\\midrule",
        *(" & ".join(written(row, c) for c in columns) + r" \\" for row in summary.rows),
        "\\midrule",
        *(f"\\multicolumn{{{len(columns)}}}{{l}}{{{line_of(line)}}} \\\\" for line in _lines(summary)),
        "\\bottomrule",
        "\\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _csv(summary: Summary) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(list(summary.columns))
    for row in summary.rows:
        writer.writerow([_raw(row, c) for c in summary.columns])
    return out.getvalue()


def _raw(row: Row, column: str) -> Any:
    """A cell for a spreadsheet: numbers bare, and no text that it would take for a formula."""
    if column in NUMBERS:
        value = getattr(row, column)
        return (row.params_text if column == "params" else "") if value is None else value
    text = _cell(row, column).strip(" ")
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text


FORMATS: Final[Mapping[str, Callable[[Summary], str]]] = {
    "terminal": lambda summary: _terminal(summary, None, False),
    "json": _json,
    "markdown": _markdown,
    "latex": _latex,
    "csv": _csv,
}
"""Formats by name."""
