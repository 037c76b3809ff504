"""Builds the canonical block of an attention; see `netfig.graph.attention`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netfig.errors import InvalidInput, did_you_mean
from netfig.graph.attention import PARTS, READS, TYPE_NAME, AttentionParts, attention_parts, symbol, times
from netfig.graph.build import safe_id
from netfig.graph.types import Dim, Graph, Note, Op, Port, Ref, Scope, Slot, TensorType, Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netfig.graph.attention import AttentionSpec
    from netfig.graph.types import Attribute
    from netfig.mathtext import Text

_LETTERS = {"q": "Q", "k": "K", "v": "V", "o": "O", "qkv": "QKV", "kv": "KV"}


class Build:
    """One block underway."""

    def __init__(
        self,
        spec: AttentionSpec,
        id: str,
        batch: tuple[Dim, ...],
        reads: Mapping[str, str | Sequence[str]],
        makes: Mapping[str, str],
        dtype: str | None,
        prefix: str,
    ) -> None:
        self.spec, self.id, self.batch, self.dtype, self.prefix = spec, id, batch, dtype, prefix
        self.given, self.makes = reads, makes
        self.values: list[Value] = []
        self.ops: list[Op] = []
        self.owns: list[str] = []
        self._used: set[str] = set()
        self._slices: dict[str, str] = {}

    def parts(self, query: str, key: str, value: str, parent: str) -> AttentionParts:
        """The whole block."""
        for name in self.given:
            if name not in READS:
                raise InvalidInput(f"an attention reads no {name!r}", where=self.id, hint=did_you_mean(name, READS))
        s = self.spec
        self._fused()
        q, k, v = (self._projected(letter, source) for letter, source in (("q", query), ("k", key), ("v", value)))
        q, k = self._normed("q", q, "all"), self._normed("k", k, "all")
        q, k, v = self._split("q", q), self._split("k", k), self._split("v", v)
        q, k = self._normed("q", q, "head"), self._normed("k", k, "head")
        q, k = self._rotated("q", q), self._rotated("k", k)
        k, v = self._repeated("k", k), self._repeated("v", v)
        square = self._with_heads(s.heads, s.queries, s.keys)
        a = self._op("scores", "matmul", {"query": q, "key": k}, square, symbol("S"))
        a = self._scores(a, square)
        weights = self._op("softmax", "softmax", {"input": a}, square, symbol("A"), dim=-1)
        a = self._op("dropout", "dropout", {"input": weights}, square, p=s.dropout) if s.dropout else weights
        heads = self._with_heads(s.heads, s.queries, s.d_v)
        out = self._op("sum", "matmul", {"weights": a, "value": v}, heads, symbol("head", sub="i"))
        if s.is_multi_head and s.merge:
            out = self._op("merge", "merge_heads", {"input": out}, (*self.batch, s.queries, times(s.heads, s.d_v)))
        if "o" in s.projections:
            out = self._linear("o", out, (*self.batch, s.queries, s.d_out), s.d_out, times(s.heads, s.d_v), symbol("Y"))
        self._check_all_used()
        inputs = tuple(dict.fromkeys((query, key, value, *(one for name in ("mask", "bias") for one in self._listed(name)))))
        scope = Scope(
            self.id, "block", parent, TYPE_NAME, inputs=inputs, outputs=(out,), owns=tuple(self.owns), attributes=s.attributes()
        )
        return AttentionParts(scope, tuple(self.values), tuple(self.ops), out, weights, tuple(self.owns))

    # ---- pieces ------------------------------------------------------------------------------------------------------

    def _scores(self, a: str, square: tuple[Dim, ...]) -> str:
        """Scale, cap, bias, mask."""
        s = self.spec
        if s.scale == "learned":
            factor = self._read("scale", (s.heads, Dim(1), Dim(1)) if self._has_heads else (Dim(1),), symbol("τ"), "tau")
            a = self._op("scale", "scale", {"input": a, "factor": factor}, square)
        elif s.scale != "none":
            rule: Attribute = "1/sqrt(d_k)" if s.scale == "sqrt" else float(s.scale)
            d_k: Attribute = s.d_k.size if s.d_k.size is not None else s.d_k.name
            a = self._op("scale", "scale", {"input": a}, square, factor=rule, d_k=d_k)
        if s.softcap is not None:
            a = self._op("softcap", "softcap", {"input": a}, square, cap=s.softcap)
        if "bias" in self.given:
            a = self._op("bias", "add", {"input": a, "bias": self._listed("bias")}, square)
        elif s.position == "relative":
            wide = Dim(s.queries.size + s.keys.size - 1) if s.queries.size is not None and s.keys.size is not None else _both(s)
            table = self._read("table", (s.heads, wide) if self._has_heads else (wide,), symbol("b"), "b_rel")
            a = self._op("bias", "relative_bias", {"input": a, "table": table}, square)
        elif s.position == "alibi":
            heads: Attribute = s.heads.size if s.heads.size is not None else s.heads.name
            a = self._op("bias", "alibi", {"input": a}, square, (), **({"heads": heads} if self._has_heads else {}))
        if s.masks:
            reads: dict[str, Any] = {"input": a}
            if "padding" in s.masks or "given" in s.masks or "mask" in self.given:
                reads["mask"] = self._listed("mask") or [self._missing_mask()]
            settings: dict[str, Attribute] = {"kinds": s.masks, "means": s.mask_means}
            if s.window is not None:
                settings["window"] = s.window
            a = self._op("mask", "mask", reads, square, (), **settings)
        return a

    def _missing_mask(self) -> str:
        raise InvalidInput(f"a mask of the kind {' and '.join(self.spec.masks)} has to be given", where=self.id)

    def _fused(self) -> None:
        """The weights of the projections that are stored as one, cut apart."""
        s = self.spec
        if s.fused == "none":
            return
        rows = {"q": times(s.heads, s.d_k), "k": times(s.kv_heads, s.d_k), "v": times(s.kv_heads, s.d_v)}
        letters = [one for one in s.fused if one in s.projections]
        whole = _sum([rows[one] for one in letters])
        sizes = tuple(rows[one].size if rows[one].size is not None else rows[one].name for one in letters)
        of = s.d_model if s.fused == "qkv" else s.d_key
        for what, shape in (("weight", (whole, of)), ("bias", (whole,))):
            if what == "bias" and not set(letters) & set(s.bias):
                continue
            name = f"{s.fused}.{what}"
            stored = self._read(name, shape, symbol("W" if what == "weight" else "b", s.fused.upper()), _stored(what, s.fused))
            outs = [
                self._value(
                    f"{self.id}/split_{what}.{one}",
                    (rows[one], *shape[1:]),
                    symbol("W" if what == "weight" else "b", _LETTERS[one]),
                )
                for one in letters
            ]
            self._add(f"split_{what}", "split", {"input": stored}, outs, {"sizes": sizes, "groups": s.fused_groups})
            self._slices |= {f"{one}.{what}": out for one, out in zip(letters, outs, strict=True)}

    def _projected(self, letter: str, source: str) -> str:
        s = self.spec
        if letter not in s.projections:
            return source
        heads, width, tokens, features = {
            "q": (s.heads, s.d_k, s.queries, s.d_model),
            "k": (s.kv_heads, s.d_k, s.keys, s.d_key),
            "v": (s.kv_heads, s.d_v, s.keys, s.d_value),
        }[letter]
        rows = times(heads, width)
        return self._linear(letter, source, (*self.batch, tokens, rows), rows, features, symbol(_LETTERS[letter]))

    def _linear(self, letter: str, source: str, shape: tuple[Dim, ...], rows: Dim, columns: Dim, named: Text) -> str:
        big = _LETTERS[letter]
        weight = self._slices.get(f"{letter}.weight") or self._read(
            f"{letter}.weight", (rows, columns), symbol("W", big), f"W_{big}"
        )
        reads = {"input": source, "weight": weight}
        if letter in self.spec.bias:
            reads["bias"] = self._slices.get(f"{letter}.bias") or self._read(
                f"{letter}.bias", (rows,), symbol("b", big), f"b_{big}"
            )
        return self._op(f"{letter}_proj", "linear", reads, shape, named)

    def _normed(self, letter: str, source: str, over: str) -> str:
        s = self.spec
        if s.qk_norm == "none" or s.qk_norm_over != over:
            return source
        heads, tokens = (s.heads, s.queries) if letter == "q" else (s.kv_heads, s.keys)
        width = s.d_k if over == "head" else times(heads, s.d_k)
        shape = self._with_heads(heads, tokens, s.d_k) if over == "head" else (*self.batch, tokens, width)
        kind = {"rms": "rms_norm", "layer": "layer_norm", "l2": "normalize"}[s.qk_norm]
        reads = {"input": source}
        if s.qk_norm_weights and s.qk_norm != "l2":
            reads["weight"] = self._read(f"{letter}_norm.weight", (width,), symbol("g", letter.upper()), f"g_{letter.upper()}")
            if f"{letter}_norm.bias" in self.given:
                reads["bias"] = self._read(f"{letter}_norm.bias", (width,), (), "")
        part = f"{letter}_norm" if over == "head" else f"{letter}_norm_all"
        return self._op(part, kind, reads, shape, eps=s.norm_eps)

    def _split(self, letter: str, source: str) -> str:
        s = self.spec
        if not (s.is_multi_head and s.split):
            return source
        heads, tokens = (s.heads, s.queries) if letter == "q" else (s.kv_heads, s.keys)
        shape = self._with_heads(heads, tokens, s.d_v if letter == "v" else s.d_k)
        count: Attribute = heads.size if heads.size is not None else heads.name
        return self._op(
            f"{letter}_heads", "split_heads", {"input": source}, shape, symbol(_LETTERS[letter], sub="i"), heads=count
        )

    def _rotated(self, letter: str, source: str) -> str:
        s = self.spec
        if s.position != "rotary":
            return source
        heads, tokens = (s.heads, s.queries) if letter == "q" else (s.kv_heads, s.keys)
        reads = {"input": source}
        for name in ("cos", "sin"):
            own = f"{letter}_{name}" if f"{letter}_{name}" in self.given else name
            if own in self.given:
                reads[name] = self._read(own, (), (), "")
        more: dict[str, Attribute] = {} if s.rotary_dims is None else {"dims": s.rotary_dims}
        shape = self._with_heads(heads, tokens, s.d_k)
        return self._op(f"{letter}_rotary", "rotary", reads, shape, (), style=s.rotary_style, base=s.rotary_base, **more)

    def _repeated(self, letter: str, source: str) -> str:
        s = self.spec
        if not s.is_grouped:
            return source
        shape = self._with_heads(s.heads, s.keys, s.d_k if letter == "k" else s.d_v)
        heads: Attribute = s.heads.size if s.heads.size is not None else s.heads.name
        return self._op(f"{letter}_repeat", "repeat_kv", {"input": source}, shape, heads=heads)

    def _with_heads(self, heads: Dim, *rest: Dim) -> tuple[Dim, ...]:
        return (*self.batch, heads, *rest) if self._has_heads else (*self.batch, *rest)

    @property
    def _has_heads(self) -> bool:
        """Whether tensors have a dimension of heads."""
        return self.spec.is_multi_head or not self.spec.split

    # ---- values and ops ----------------------------------------------------------------------------------------------

    def _listed(self, name: str) -> list[str]:
        one = self.given.get(name)
        if one is None:
            return []
        self._used.add(name)
        return [one] if isinstance(one, str) else list(one)

    def _read(self, name: str, shape: tuple[Dim, ...], named: Text, stored: str) -> str:
        """A value that is given, or a parameter made for it."""
        listed = self._listed(name)
        if listed:
            return listed[0]
        id = self.prefix + stored
        self.values.append(Value(id, "parameter", TensorType(self.dtype, shape), symbol=named, names=(id,)))
        self.owns.append(id)
        return id

    def _value(self, id: str, shape: tuple[Dim, ...], named: Text = ()) -> str:
        self.values.append(Value(id, "computed", TensorType(self.dtype, shape), symbol=named))
        return id

    def _op(
        self, part: str, kind: str, reads: Mapping[str, Any], shape: tuple[Dim, ...], named: Text = (), /, **settings: Attribute
    ) -> str:
        out = self.makes.get(part) or self._value(f"{self.id}/{part}.out", shape, named)
        self._add(part, kind, reads, [out], settings)
        return out

    def _add(
        self, part: str, kind: str, reads: Mapping[str, Any], outs: Sequence[str], settings: Mapping[str, Attribute]
    ) -> None:
        slots = tuple(
            Slot(name, (Ref(one),) if isinstance(one, str) else tuple(Ref(each) for each in one)) for name, one in reads.items()
        )
        self.ops.append(Op(f"{self.id}/{part}", kind, slots, tuple(outs), self.id, (("part", part), *settings.items())))

    def _check_all_used(self) -> None:
        there = {str(op.attribute("part")) for op in self.ops}
        unused = [name for name in self.given if name not in self._used]
        absent = [part for part in self.makes if part not in there]
        if unused or absent:
            what = [*(f"reads no {name}" for name in unused), *(f"has no part {part}" for part in absent)]
            hint = did_you_mean(absent[0], PARTS) if absent else ""
            raise InvalidInput(f"this attention {' and '.join(what)}", where=self.id, hint=hint)


def attention_graph(spec: AttentionSpec, name: str = "attention", *, batch: Sequence[Dim] = (), origin: str = "") -> Graph:
    """An attention alone: inputs ``x``, ``memory`` for a cross attention, and ``mask`` where one has to be given."""
    given = [("x", "X", (*batch, spec.queries, spec.d_model))]
    if spec.cross:
        given.append(("memory", "C", (*batch, spec.keys, spec.d_key)))
    reads = {}
    if "padding" in spec.masks or "given" in spec.masks:
        shape = (*batch, spec.keys) if "given" not in spec.masks else (*batch, spec.queries, spec.keys)
        given.append(("mask", "M", shape))
        reads["mask"] = "mask"
    name = safe_id(name)
    inputs = tuple(Value(id, "input", TensorType("float32", shape), symbol=symbol(big)) for id, big, shape in given)
    key = "memory" if spec.cross else None
    scope = "attention" if name != "attention" else "heads"
    made = attention_parts(spec, "x", key, id=scope, parent=name, reads=reads)
    root = Scope(name, "root", None, inputs=tuple(v.id for v in inputs), outputs=(made.output,))
    ports = tuple(Port(v.id, v.id) for v in inputs)
    values, outputs = (*inputs, *made.values), (Port("output", made.output),)
    notes = (Note("", "batch", batch[0].size if batch else None, author="netfig"),)
    return Graph(name, values, made.ops, (root, made.scope), ports, outputs, notes=notes, origin=origin)


def _stored(what: str, letters: str) -> str:
    return f"{'W' if what == 'weight' else 'b'}_{letters.upper()}"


def _sum(sizes: Sequence[Dim]) -> Dim:
    numbers = [one.size for one in sizes]
    if None not in numbers:
        return Dim(sum(one for one in numbers if one is not None))
    names = list(dict.fromkeys(map(str, sizes)))
    counts = {name: sum(str(one) == name for one in sizes) for name in names}
    return Dim(name="+".join(name if counts[name] == 1 else f"{counts[name]}*{name}" for name in names))


def _both(s: AttentionSpec) -> Dim:
    """One entry for each distance: n + m − 1."""
    return Dim(name=f"2*{s.queries}-1" if s.queries == s.keys else f"{s.queries}+{s.keys}-1")
