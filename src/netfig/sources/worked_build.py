"""A worked example as a Graph: every value with its numbers, every operation by its usual kind.

One function for each kind of example; the table `KINDS` names them. A value's `data` are its entries row by row, as
`netfig.graph.exact.encode` writes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from netfig.errors import shown
from netfig.graph import Graph, exact
from netfig.graph.exact import Number, encode
from netfig.graph.types import ValueKind
from netfig.mathtext import Run, Script, Text, math, plain
from netfig.sources import worked_math as m
from netfig.sources.worked_graph import Builder, Grid

_COMMON: Final = ("kind", "title")
_NAME: Final = re.compile(r"[^\W\d]\w*\Z")
_FACTOR: Final = re.compile(r"(?P<name>[^\W\d]\w*)(?P<up>\^T|\^⊤|ᵀ|')?")


# ---- attention ---------------------------------------------------------------------------------------------------------------


def attention(b: Builder) -> Graph:
    """softmax(Q Kᵀ / √d_k) V, from Q, K, V or from X and three matrices."""
    keys = (*_COMMON, "X", "W_Q", "W_K", "W_V", "Q", "K", "V", "tokens", "keys", "scale", "mask", "row")
    needed = ("X", "W_Q", "W_K", "W_V") if "X" in b.data or any(f"W_{k}" in b.data for k in "QKV") else ("Q", "K", "V")
    b.text.known(b.data, (), keys, needed)
    x = b.given("X", "input") if needed[0] == "X" else None
    q, k, v = _projected(b, x) if needed[0] == "X" else tuple(b.given(key, "input") for key in needed)
    first = x or q
    rows = b.names("tokens", first.shape[0], "X" if x else "Q") if first else []
    row = b.row(rows, first.shape[0]) if first else None
    if x is not None and rows:
        b.note(x.id, "row_names", rows)
    if q is None or k is None or v is None:
        b.text.check()
        raise AssertionError
    wide = f"queries have {q.shape[1]} numbers, keys {k.shape[1]}"
    fits = b.fits("W_K" if x else "K", q.shape[1] == k.shape[1], wide)
    fits &= b.fits("V", k.shape[0] == v.shape[0], f"there are {k.shape[0]} keys and {v.shape[0]} values")
    columns = b.names("keys", k.shape[0], "K") or (rows if q.shape[0] == k.shape[0] else [])
    root = exact.sqrt(exact.exact(q.shape[1]))
    by = b.text.number(b.data, "scale", (), root)
    if float(by) == 0:
        b.text.wrong("scores are divided by 0", ("scale",), hint="leave it out for √d_k; 1 divides by nothing")
    mask = _mask(b, q.shape[0], k.shape[0])
    b.text.check()
    assert fits
    return _weighted(b, (q, k, v), by, mask, (rows, columns, row))


def _projected(b: Builder, x: Grid | None) -> tuple[Grid | None, ...]:
    """Q, K and V; ``None`` for what is wrong."""
    found: list[Grid | None] = []
    for name in "QKV":
        w = b.given(f"W_{name}", "parameter")
        if x is None or w is None:
            found.append(None)
            continue
        if b.fits(f"W_{name}", x.shape[1] == w.shape[0], f"a row of X has {x.shape[1]} numbers, W_{name} has {w.shape[0]} rows"):
            made = m.matmul(x.numbers, w.numbers)
            found.append(b.op("matmul", {"input": x.id, "other": w.id}, made, name))
        else:
            found.append(None)
    return tuple(found)


def _mask(b: Builder, height: int, width: int) -> list[list[bool]] | None:
    """Where a score is hidden."""
    given = b.data.get("mask")
    if given is None:
        return None
    if isinstance(given, str):
        if b.text.word(b.data, "mask", (), ("causal", "none"), "none") == "none":
            return None
        return [[j > i for j in range(width)] for i in range(height)]
    rows = b.text.matrix(b.data, "mask")
    if rows is None:
        return None
    if (len(rows), len(rows[0])) != (height, width):
        b.text.wrong("the mask does not fit", ("mask",), why=f"the scores are {height} × {width}")
        return None
    hidden = [[float(n) == 0 for n in row] for row in rows]
    for i, row in enumerate(hidden):
        if all(row):
            b.text.wrong(f"row {i + 1} of the mask hides everything", ("mask", i), why="1 is seen, 0 is hidden")
    return hidden


def _weighted(
    b: Builder, parts: tuple[Grid, Grid, Grid], by: Number, mask: list[list[bool]] | None,
    shown_as: tuple[list[str], list[str], int | None],
) -> Graph:  # fmt: skip
    """Scores, weights and output."""
    q, k, v = parts
    rows, columns, row = shown_as
    up: Text = (Run("T", "math"),)
    turned = b.op("transpose", {"input": k.id}, m.transpose(k.numbers), "K_T", symbol=(Script(math("K"), (), up),))
    product = m.matmul(q.numbers, turned.numbers)
    symbol: Text = (Run("Q", "math"), Script(math("K"), (), up))
    if by != exact.exact(1):
        raw = b.op("matmul", {"input": q.id, "other": turned.id}, product, "QK_T", symbol=symbol)
        scale = b.number("scale", by, _scale_symbol(by, q.shape[1]))
        scores = b.op("div", {"input": raw.id, "other": scale}, m.divided(product, by), "S")
    else:
        scores = b.op("matmul", {"input": q.id, "other": turned.id}, product, "S")
    if mask is not None:
        data = [[exact.exact(int(hidden)) for hidden in hides] for hides in mask]
        hides = b.value("M", data, "constant", symbol=math("M"))
        seen = m.masked(scores.numbers, mask)
        reads = {"input": scores.id, "mask": hides}
        scores = b.op("masked_fill", reads, seen, "S_masked", symbol=math("S"), attributes={"value": "-inf"})
    weights = b.op("softmax", {"input": scores.id}, m.softmax(scores.rows), "A", attributes={"dim": -1})
    out = b.op("matmul", {"input": weights.id, "other": v.id}, m.matmul(weights.numbers, v.numbers), "Z")
    for one in (q, scores, weights, out):
        if rows:
            b.note(one.id, "row_names", rows)
        if row is not None and one is not q:
            b.note(one.id, "row", row)
    for one in (k, v):
        if columns:
            b.note(one.id, "row_names", columns)
    for one in (scores, weights):
        if columns:
            b.note(one.id, "column_names", columns)
    return b.finish(out)


def _scale_symbol(by: Number, width: int) -> Text:
    """``√d_k`` when that is what it is; other scales are shown as numbers."""
    return math("√d_k") if by == exact.sqrt(exact.exact(width)) else ()


def weights(b: Builder) -> Graph:
    """Attention weights as they are given: a row for each query."""
    b.text.known(b.data, (), (*_COMMON, "A", "tokens", "keys", "row"), ("A",))
    a = b.given("A", "input")
    if a is None:
        b.text.check()
        raise AssertionError
    for i, entries in enumerate(a.numbers):
        whole = sum(float(n) for n in entries)
        if abs(whole - 1) > 1e-3 or any(float(n) < 0 for n in entries):
            b.text.wrong(
                f"row {i + 1} of A is no row of weights", ("A", i), why=f"weights are not negative and sum to 1, not {whole:.4g}"
            )
    rows = b.names("tokens", a.shape[0], "A")
    columns = b.names("keys", a.shape[1], "A") or (rows if a.shape[0] == a.shape[1] else [])
    row = b.row(rows, a.shape[0])
    b.note(a.id, "weights", True)
    for key, said in (("row_names", rows), ("column_names", columns)):
        if said:
            b.note(a.id, key, said)
    if row is not None:
        b.note(a.id, "row", row)
    return b.finish(a)


# ---- convolution -------------------------------------------------------------------------------------------------------------


def convolution(b: Builder) -> Graph:
    """An image and a filter, without channels."""
    b.text.known(b.data, (), (*_COMMON, "image", "filter", "padding", "stride", "cell"), ("image", "filter"))
    image = b.given("image", "input", symbol=plain("image"))
    kernel = b.given("filter", "parameter", symbol=plain("filter"))
    padding = b.text.whole(b.data, "padding", (), 0, 0)
    stride = b.text.whole(b.data, "stride", (), 1, 1)
    if image is None or kernel is None:
        b.text.check()
        raise AssertionError
    if padding > 64:
        b.text.wrong("so much padding cannot be drawn", ("padding",), hint="64 is the most")
    room = [n + 2 * padding for n in image.shape]
    if kernel.shape[0] > room[0] or kernel.shape[1] > room[1]:
        said = " × ".join(map(str, room))
        b.text.wrong("the filter is larger than the image", ("filter",), why=f"the image is {said} with its padding")
    b.text.check()
    made = m.convolution(image.numbers, kernel.numbers, padding, stride)
    cell = _cell(b, len(made), len(made[0]))
    b.text.check()
    attributes = {"stride": stride, "padding": padding, "kernel_size": kernel.shape}
    reads = {"input": image.id, "weight": kernel.id}
    out = b.op("conv2d", reads, made, "map", symbol=plain("feature map"), attributes=attributes)
    if cell is not None:
        b.note(out.id, "cell", cell)
    return b.finish(out)


def _cell(b: Builder, height: int, width: int) -> tuple[int, int] | None:
    given = b.data.get("cell")
    if given is None:
        return None
    ok = isinstance(given, list) and len(given) == 2 and all(isinstance(n, int) and not isinstance(n, bool) for n in given)
    if not ok or not (1 <= given[0] <= height and 1 <= given[1] <= width):
        hint = f"row and column from 1: [1, 1] to [{height}, {width}]"
        b.text.wrong("cell is no place in the feature map", ("cell",), hint=hint)
        return None
    return given[0] - 1, given[1] - 1


# ---- products, softmax, layer norm -------------------------------------------------------------------------------------------


def chain(b: Builder) -> Graph:
    """A product of matrices, from left to right, such as ``y = A B^T c``."""
    product = b.text.text(b.data, "product", ())
    left, _, right = product.rpartition("=")
    name = left.strip() or "y"
    factors = list(_FACTOR.finditer(right))
    rest = _FACTOR.sub("", right).strip()
    if "product" not in b.data:
        b.text.wrong("the key 'product' is missing", (), hint='write product = "y = A B c"')
    elif rest or len(factors) < 2 or not _NAME.match(name) or name in [f["name"] for f in factors]:
        b.text.wrong(f"{shown(product)} is no product", ("product",), hint="names with spaces between, such as y = A B^T c")
    b.text.check()
    names = list(dict.fromkeys(f["name"] for f in factors))
    b.text.known(b.data, (), (*_COMMON, "product", "tokens", "row", *names), names)
    grids = {key: b.given(key, "input") for key in names}
    b.text.check()
    known = {key: grid for key, grid in grids.items() if grid is not None}
    made: Grid | None = None
    said: list[str] = []
    for i, factor in enumerate(factors):
        here = known[factor["name"]]
        if factor["up"]:
            turned = m.transpose(here.numbers)
            symbol = (Script(math(factor["name"]), (), (Run("T", "math"),)),)
            here = b.op("transpose", {"input": here.id}, turned, f"{factor['name']}_T", symbol=symbol)
        said.append(factor[0])
        if made is None:
            made = here
            continue
        if made.shape[1] != here.shape[0]:
            why = f"{' '.join(said[:-1])} is {made.shape[0]} × {made.shape[1]}, {factor[0]} is {here.shape[0]} × {here.shape[1]}"
            b.text.stop(f"{factor[0]} does not fit", b.text.span((factor["name"],)), why=why)
        rows = m.matmul(made.numbers, here.numbers)
        last = i == len(factors) - 1
        id = name if last else "".join(said).replace("^", "_")
        between: Text = tuple(Run(f["name"], "math") for f in factors[: i + 1])
        made = b.op("matmul", {"input": made.id, "other": here.id}, rows, id, symbol=math(name) if last else between)
    assert made is not None
    return _rows_named(b, made, known[names[0]])


def _rows_named(b: Builder, out: Grid, *others: Grid) -> Graph:
    names = b.names("tokens", out.shape[0], out.id)
    row = b.row(names, out.shape[0])
    for one in (out, *others):
        if names and one.shape[0] == len(names):
            b.note(one.id, "row_names", names)
    if row is not None:
        b.note(out.id, "row", row)
    return b.finish(out)


def _row_matrix(b: Builder, key: str, kind: ValueKind) -> Grid | None:
    """A matrix; a plain list of numbers is one row."""
    found = b.data.get(key)
    if isinstance(found, list) and found and not any(isinstance(e, list) for e in found):
        rows = b.text.matrix(b.data, key)
        if rows is None:
            return None
        turned = m.transpose(rows)
        return Grid(b.value(key, turned, kind, symbol=math(key)), turned)
    return b.given(key, kind)


def softmax(b: Builder) -> Graph:
    """softmax of each row of x, after a division by the temperature."""
    b.text.known(b.data, (), (*_COMMON, "x", "temperature", "tokens", "row"), ("x",))
    x = _row_matrix(b, "x", "input")
    by = b.text.number(b.data, "temperature", (), exact.exact(1))
    if float(by) <= 0:
        b.text.wrong("the temperature is not positive", ("temperature",))
    b.text.check()
    assert x is not None
    scaled = x
    if by != exact.exact(1):
        t = b.number("T", by, math("T"))
        symbol: Text = (Run("x / T", "math"),)
        scaled = b.op("div", {"input": x.id, "other": t}, m.divided(x.numbers, by), "x_T", symbol=symbol)
    made = m.softmax(scaled.rows)
    out = b.op("softmax", {"input": scaled.id}, made, "p", attributes={"dim": -1})
    return _rows_named(b, out, x)


def layer_norm(b: Builder) -> Graph:
    """(x − μ) / √(σ² + ε) · γ + β of each row."""
    b.text.known(b.data, (), (*_COMMON, "x", "weight", "bias", "eps", "tokens", "row"), ("x",))
    x = _row_matrix(b, "x", "input")
    weight = b.given("weight", "parameter", flat=True, symbol=math("γ"))
    bias = b.given("bias", "parameter", flat=True, symbol=math("β"))
    eps = b.text.number(b.data, "eps", (), exact.ZERO)
    if x is not None:
        for key, one in (("weight", weight), ("bias", bias)):
            if one is not None:
                b.fits(key, one.shape[0] == x.shape[1], f"a row of x has {x.shape[1]} numbers, {key} has {one.shape[0]}")
    if float(eps) < 0:
        b.text.wrong("eps is negative", ("eps",))
    b.text.check()
    assert x is not None
    for i, row in enumerate(x.rows):
        if float(eps) == 0 and len({float(n) for n in row if n is not None}) == 1:
            b.text.wrong(f"the numbers of row {i + 1} are all alike", ("x",), why="their variance is 0", hint="say eps = 1e-5")
    b.text.check()
    gamma, beta = (None if one is None else [row[0] for row in one.numbers] for one in (weight, bias))
    made = m.layer_norm(x.numbers, gamma, beta, eps)
    reads = {"input": x.id} | ({"weight": weight.id} if weight else {}) | ({"bias": bias.id} if bias else {})
    kept = encode(eps)
    out = b.op("layer_norm", reads, made, "y", attributes={"normalized_shape": x.shape[1], "eps": kept})
    return _rows_named(b, out, x)


# ---- MLP ---------------------------------------------------------------------------------------------------------------------


def mlp(b: Builder) -> Graph:
    """Layers of weights (outputs × inputs, as torch keeps them), biases and an activation, on an input."""
    b.text.known(b.data, (), (*_COMMON, "x", "layer"), ("x", "layer"))
    layers = b.data.get("layer", [])
    if not isinstance(layers, list) or not layers or not all(isinstance(one, dict) for one in layers):
        b.text.wrong("layer is not a list of tables", ("layer",), hint="begin each layer with a line [[layer]]")
        b.text.check()
    here = b.given("x", "input", flat=True)
    for n, table in enumerate(layers, 1):
        here = _layer(b, here, table, n, last=n == len(layers))
    b.text.check()
    assert here is not None
    return b.finish(here)


def _layer(b: Builder, here: Grid | None, table: Mapping[str, Any], n: int, *, last: bool) -> Grid | None:
    path: tuple[str | int, ...] = ("layer", n - 1)
    b.text.known(table, path, ("name", "weight", "bias", "activation"), ("weight",))
    name = b.text.text(table, "name", path, "output" if last else f"hidden {n}")
    kind = b.text.word(table, "activation", path, m.ACTIVATIONS, "identity")
    number = plain(str(n))
    with b.graph.scope(f"layer-{n}", "block", type_name=name, path="") as scope:
        b.note(scope.id, "name", name)
        weight = b.given("weight", "parameter", path=path, table=table, id=f"W_{n}", symbol=(Script(math("W"), number),))
        bias = b.given("bias", "parameter", flat=True, path=path, table=table, id=f"b_{n}", symbol=(Script(math("b"), number),))
        if here is None or weight is None or ("bias" in table and bias is None):
            return None
        scope.inputs = [here.id]
        if weight.shape[1] != here.shape[0]:
            why = f"it has {weight.shape[1]} columns, {here.shape[0]} numbers come in"
            b.text.wrong("weight does not fit", (*path, "weight"), why=why, hint="a row for each neuron, a column for each input")
            return None
        if bias is not None and bias.shape[0] != weight.shape[0]:
            b.text.wrong("bias does not fit", (*path, "bias"), why=f"weight has {weight.shape[0]} rows")
            return None
        return _applied(b, (here, weight, bias), kind, n, scope, last=last)


def _applied(b: Builder, parts: tuple[Grid, Grid, Grid | None], kind: str, n: int, scope: Any, *, last: bool) -> Grid:
    here, weight, bias = parts
    made = m.matmul(weight.numbers, here.numbers)
    if bias is not None:
        made = [[exact.add(row[0], add[0])] for row, add in zip(made, bias.numbers, strict=True)]
    reads = {"input": here.id, "weight": weight.id} | ({"bias": bias.id} if bias is not None else {})
    number = plain(str(n))
    features = {"in_features": weight.shape[1], "out_features": weight.shape[0]}
    letter = "y" if last else "h"
    symbol = math("y") if last else (Script(math("h"), number),)
    is_plain = kind == "identity"
    id = "y" if last else f"h_{n}"
    before: Text = symbol if is_plain else (Script(math("z"), number),)
    out = b.op("linear", reads, made, id if is_plain else f"z_{n}", symbol=before, flat=True, attributes=features)
    if not is_plain:
        after = [[x] for x in m.ACTIVATIONS[kind]([row[0] for row in made])]
        out = b.op(kind, {"input": out.id}, after, id, symbol=symbol, flat=True)
    b.note(out.id, "letter", letter)
    scope.outputs = [out.id]
    return out


KINDS: Final[Mapping[str, Callable[[Builder], Graph]]] = {
    "attention": attention,
    "weights": weights,
    "convolution": convolution,
    "chain": chain,
    "softmax": softmax,
    "layer_norm": layer_norm,
    "mlp": mlp,
}
"""What can be worked out, by the word in the file."""
