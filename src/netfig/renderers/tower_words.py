"""The boxes of a tower in words: roles, titles, what is said beside them, the caption."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from netfig.figure import Box, Group, Mark, Row
from netfig.graph.repeats_read import axes_of, is_repeat, sizes
from netfig.mathtext import Text, plain, text_of
from netfig.renderers.boxwords import constant_text, index_text
from netfig.renderers.kinds import KINDS
from netfig.renderers.labels import number, times
from netfig.renderers.layerwords import layer_name
from netfig.renderers.tower_atoms import Atom, Net

if TYPE_CHECKING:
    from netfig.graph import Scope
    from netfig.renderers.options import TowerOptions
    from netfig.renderers.tower_plan import Plan

POSITIONS = {"rotary": "rotary positions", "relative": "relative positions", "alibi": "ALiBi positions"}
LINE = 14  # characters that fit on a line of a box
BESIDE = 15  # characters of a line beside a tower
LISTED = 3


class Words:
    """Turns atoms into boxes."""

    def __init__(self, net: Net, plan: Plan, options: TowerOptions) -> None:
        self.net, self.plan, self.options = net, plan, options
        self.graph = net.graph
        self.steps = [step.atom for tower in plan.towers for step in tower]
        self.all = [*self.steps, *(net.atoms[one] for tower in plan.towers for step in tower for one in step.beside)]
        self.crossing = {
            t for s, t, r in plan.wires if r.slot in ("K", "V") for q, u, p in plan.wires if u == t and p.slot == "Q" and q != s
        }
        self._lent = self._find_shared()

    def _find_shared(self) -> dict[str, tuple[str, str]]:
        """Atoms that read a weight another atom read before: the other one and the weight."""
        first: dict[str, str] = {}
        found: dict[str, tuple[str, str]] = {}
        for atom in sorted(self.all, key=lambda a: a.order):
            for value in self.net.stored(atom):
                other = first.setdefault(value, atom.id)
                if other != atom.id and self.graph.value_by_id[value].kind == "parameter":
                    found.setdefault(atom.id, (other, value))
        return found

    # ---- boxes -------------------------------------------------------------------------------------------------------

    def box(self, atom: Atom) -> Box:
        """The box of an atom."""
        role, title = self._title(atom)
        lenders = {other for other, _ in self._lent.values()}
        marks: tuple[Mark, ...] = ("shared",) if atom.id in self._lent or atom.id in lenders else ()
        return Box(
            atom.id, role, title, tuple(self._rows(atom)), marks, tooltip=self._tooltip(atom), stands_for=self._stands_for(atom)
        )

    def _title(self, atom: Atom) -> tuple[str, tuple[Text, ...]]:
        match atom.kind:
            case "input":
                return "input.tower", (plain(next(p.name for p in self.graph.inputs if p.value == atom.makes[0])),)
            case "output":
                return "output.tower", (plain(self._output_name(atom)),)
            case "attention":
                return "attention.tower", tuple(map(plain, self._attention_title(atom)))
            case "feed":
                return "layer.tower", (plain("Feed-forward"), plain(str(atom.facts["activation"])))
            case "mixture":
                return "layer.tower", (plain("Mixture"), plain("of experts"))
            case "norm":
                return "norm.tower", (plain(str(atom.facts["words"])),)
            case "addnorm":
                return "norm.tower", (plain("Add & norm"),)
            case "linear":
                return "layer.low", (plain("1×1 conv" if atom.facts.get("conv") else "Linear"),)
            case "embedding":
                return "layer.tower.stem", tuple(map(plain, self._embedding_title(atom)))
        return self._other(atom)

    def _other(self, atom: Atom) -> tuple[str, tuple[Text, ...]]:
        """An op in the one vocabulary for layers; with a number it is written as a sign and the number."""
        op = self.graph.op_by_id[atom.ops[-1]]
        scope = self.graph.scope_by_id.get(atom.id)
        ops = tuple(self.graph.op_by_id[one] for one in atom.ops)
        row = KINDS.get(atom.kind)
        role, sign = (row.role, row.sign) if row is not None else ("op.box", "")
        if role == "op" and len({read.value for read in atom.reads}) > 1:
            return "op", (plain(sign),)
        other = op.attribute("other")
        if sign and isinstance(other, (int, float)):
            return "op.box", (plain(f"{'×' if sign == '⊙' else sign} {constant_text(other)}"),)
        if atom.kind == "getitem" and op.attribute("dim") is not None:
            return "op.box", (plain(index_text(op)),)
        if self._is_patches(atom):
            return "layer.tower.stem", (plain("Patch"), plain("embedding"))
        named = layer_name(self.graph, scope if scope is not None and scope.kind == "function" else op, ops).title
        role = {"layer": "layer.low", "op": "op.box", "norm": "norm.tower"}.get(role, role)
        return role, (plain(named[:1].upper() + named[1:]),)

    def _is_patches(self, atom: Atom) -> bool:
        """Whether a convolution cuts what it reads into pieces: its stride is its window."""
        op = next((self.graph.op_by_id[one] for one in atom.ops if "conv" in self.graph.op_by_id[one].kind), None)
        if op is None:
            return False
        weight = next((self.graph.value_by_id[v].type.sizes or () for v in self.net.stored(atom)), ())
        stride = op.attribute("stride")
        return len(weight) > 2 and max(weight[2:]) > 1 and isinstance(stride, tuple) and tuple(stride) == weight[2:]

    def _embedding_title(self, atom: Atom) -> tuple[str, ...]:
        """By what it is looked up with: what flows in, or numbers that do not."""
        if atom.flows:
            others = [
                a for a in self.all if a.kind == "embedding" and a.flows and a.id != atom.id and not self._same_weight(a, atom)
            ]
            return ("Token", "embedding") if not others else self._by_name(atom)
        counted = any("arange" in self.net.made_by(read.value) for read in atom.reads)
        return ("Position", "embedding") if counted else self._by_name(atom)

    def _same_weight(self, one: Atom, other: Atom) -> bool:
        return bool(set(self.net.stored(one)) & set(self.net.stored(other)))

    def _by_name(self, atom: Atom) -> tuple[str, ...]:
        """The name that the model has for a weight."""
        weight = next(self.net.stored(atom), "")
        words = weight.removesuffix(".weight").rpartition(".")[2].replace("_", " ").replace("embeddings", "embedding")
        words = words if "embed" in words else f"{words} embedding"
        return two_lines(words[:1].upper() + words[1:])

    def _output_name(self, atom: Atom) -> str:
        ports = [p.name for p in self.graph.outputs if p.value == atom.id.removeprefix("out/")]
        return ports[0].removeprefix("output.").replace("_", " ") if ports else "output"

    # ---- attention -----------------------------------------------------------------------------------------------------

    def is_masked(self, atom: Atom) -> bool:
        """Whether an attention looks back only."""
        return (atom.block is not None and "causal" in atom.block.spec.masks) or bool(atom.facts.get("causal"))

    def _attention_title(self, atom: Atom) -> tuple[str, ...]:
        spec = atom.block.spec if atom.block is not None else None
        if atom.id in self.crossing:
            return "Cross-", "attention"
        grouped = ""
        if spec is not None and spec.is_grouped:
            grouped = "Multi-query" if spec.kv_heads.size == 1 else "Grouped-query"
        if self.is_masked(atom):
            return (
                (f"Masked {grouped[0].lower()}{grouped[1:].rpartition('-')[0]}-", "query attention")
                if grouped
                else ("Masked", "self-attention")
            )
        if grouped:
            return grouped, "attention"
        heads = spec.heads.size if spec is not None else atom.facts.get("heads")
        return ("Self-attention",) if heads == 1 else ("Multi-head", "attention")

    def _attention_rows(self, atom: Atom) -> list[Row]:
        spec = atom.block.spec if atom.block is not None else None
        if spec is None:
            heads = atom.facts.get("heads")
            return [Row("count", plain(f"{heads} heads"))] if isinstance(heads, int) and heads > 1 else []
        found = []
        inside = [POSITIONS[spec.position]] if spec.position in POSITIONS else []
        inside += [f"window of {spec.window}"] if spec.window is not None else []
        inside += ["norms of Q and K"] if spec.qk_norm != "none" else []
        found += [Row("detail", plain(line)) for line in inside]
        if spec.is_multi_head:
            found.append(Row("count", plain(f"{spec.heads} heads")))
            found += [Row("count", plain(f"{spec.kv_heads} for K, V"))] if spec.is_grouped else []
        return found

    # ---- beside ----------------------------------------------------------------------------------------------------------

    def _rows(self, atom: Atom) -> list[Row]:
        found: list[Row] = []
        if atom.kind == "attention":
            found += self._attention_rows(atom)
        sizes = atom.facts.get("sizes")
        if isinstance(sizes, tuple) and self.options.shapes != "none":
            found += _chain_rows([str(size) for size in sizes])
        if atom.kind == "mixture":
            router = [f"{atom.facts['experts']} experts", f"{atom.facts['chosen']} for a token"]
            found += [Row("count", plain(line)) for line in router]
        if self._is_patches(atom):
            weight = next(self.graph.value_by_id[v].type.sizes or () for v in self.net.stored(atom))
            found += [Row("count", plain("patches of")), Row("count", plain(times(weight[2:])))]
        found += [Row("count", plain(line)) for line in self._shared_lines(atom)]
        if self.options.params == "count":
            count = sum(self.graph.value_by_id[v].type.numel or 0 for v in self._own_weights(atom))
            found += [Row("params", plain(f"{number(count)} params"))] if count else []
        return found

    def _own_weights(self, atom: Atom) -> list[str]:
        """The parameters an atom reads that no atom before it has read."""
        lent = self._lent.get(atom.id, ("", ""))[1]
        values = dict.fromkeys(v for v in self.net.stored(atom) if self.graph.value_by_id[v].kind == "parameter")
        return [v for v in values if v != lent]

    def _shared_lines(self, atom: Atom) -> tuple[str, ...]:
        """``tied with token embedding``."""
        if atom.id not in self._lent:
            return ()
        other = self.net.atoms[self._lent[atom.id][0]]
        name = " ".join(text_of(line) for line in self._title(other)[1]).replace("- ", "-").lower()
        if other.kind == atom.kind:
            return ("same weights",)
        return filled(f"tied with {name}", BESIDE)

    def _tooltip(self, atom: Atom) -> str:
        scope = self.graph.scope_by_id[atom.scope]
        return scope.path or scope.id if atom.ops else ""

    def _stands_for(self, atom: Atom) -> tuple[str, ...]:
        if atom.kind == "input":
            return tuple(atom.makes)
        if atom.kind == "output":
            return (atom.id.removeprefix("out/"),)
        return tuple(dict.fromkeys(atom.ops))

    # ---- what is stored and stands beside ------------------------------------------------------------------------------

    def stored_beside(self, atom: Atom) -> list[Box]:
        """Boxes for what a sum or a join reads that is stored or made of nothing that flows."""
        found: list[Box] = []
        for id, value in self.stored_wires(atom.id):
            kind = self.graph.value_by_id[value].kind
            if value in self.net.constants:
                beside = (Row("count", plain("positional")), Row("count", plain("encoding")))
                found.append(Box(id, "op", (plain("∿"),), beside, stands_for=(self.net.constants[value].id,)))
                continue
            role = "layer.low" if kind == "parameter" else "op.box"
            words = two_lines(value.rpartition(".")[2].replace("_", " ").capitalize())
            rows = (Row("detail", plain("not trained")),) if kind == "buffer" else ()
            found.append(Box(id, role, tuple(map(plain, words)), rows, stands_for=(value,)))
        return found

    def stored_wires(self, id: str) -> list[tuple[str, str]]:
        """The boxes beside an atom and the values they are: stored, or a wave computed from positions."""
        atom = self.net.atoms[id]
        if atom.kind not in ("add", "cat", "mul", "sub", "concat"):
            return []
        waves = [read.value for read in atom.reads if self.net.made_by(read.value) & {"sin", "cos"}]
        return [(f"{id}/{value}", value) for value in dict.fromkeys([*self.net.stored(atom), *waves])]

    # ---- around --------------------------------------------------------------------------------------------------------

    def panel_title(self, scope: Scope, tower: int, last: bool) -> Text:
        """What a tower is, over its last panel: an encoder is read by another tower, a decoder reads one or looks back only."""
        if not last:
            return ()
        ids = {step.atom.id for step in self.plan.towers[tower]}
        hands = any(s in ids and t not in ids for s, t, _ in self.plan.wires)
        reads = any(t in ids and s not in ids for s, t, _ in self.plan.wires)
        masked = any(self.is_masked(step.atom) for step in self.plan.towers[tower])
        if len(self.plan.towers) > 1 and not (hands or reads):
            return plain(scope.path.removesuffix("+"))
        return plain("decoder" if (reads and ids & self.crossing) or (masked and not hands) else "encoder")

    def caption(self) -> tuple[Text, ...]:
        """The lines of facts."""
        facts = []
        if self.graph.parameter_count:
            facts.append(
                f"{number(self.graph.parameter_count)} parameters" + (", shared ones counted once" if self._lent else "")
            )
        if self._batch_left_out():
            facts.append("batch dimension left out")
        left = dict.fromkeys([*self.net.helpers, *(op.id for op in self.net.constants.values())])
        drawn = {id for atom in self.all for id in atom.ops}
        left |= dict.fromkeys(op for id in self.plan.unseen for op in self.net.atoms[id].ops)
        count = self.net.often(op for op in left if op not in drawn)
        if count:
            facts.append(f"{number(count)} helper operation{'s' if count > 1 else ''} not drawn")
        lines = ["; ".join(facts)] if facts else []
        lines += [*self._norm_lines(), *self._left_lines(), *self._repeat_lines()]
        return tuple(plain(line[0].upper() + line[1:] + ".") for line in lines)

    def _batch_left_out(self) -> bool:
        from netfig.renderers.labels import batch_of

        return self.options.shapes != "none" and batch_of(self.graph) is not None

    def _norm_lines(self) -> list[str]:
        """Pre-norm or post-norm, and which norm ``Add & norm`` is."""
        after = list(dict.fromkeys(str(a.facts["words"]) for a in self.steps if a.kind == "addnorm"))
        before = any(
            one.kind == "norm" and other.kind in ("attention", "feed", "mixture") and any(r.maker == one.id for r in other.flows)
            for tower in self.plan.towers
            for one, other in pairwise([step.atom for step in tower if step.panels])
        )
        if after and not before:
            return [f"Post-norm: {' and '.join(w[0].lower() + w[1:] if w[1:2].islower() else w for w in after)} after each sum"]
        return ["Pre-norm: each part reads a normed copy, the sum goes on as it is"] if before and not after else []

    def _left_lines(self) -> list[str]:
        lines = []
        names = [p.name for id in self.plan.inputs_left for p in self.graph.inputs if f"in/{p.value}" == id]
        if names:
            lines.append(f"{_listed(names)} {'goes' if len(names) == 1 else 'go'} into masks and positions only")
        left = [p.name for id in self.plan.outputs_left for p in self.graph.outputs if f"out/{p.value}" == id]
        words = dict.fromkeys(name.removeprefix("output.").partition(".")[0].partition("[")[0].replace("_", " ") for name in left)
        if left:
            lines.append(f"not drawn: {len(left)} more output{'s' if len(left) > 1 else ''} ({_listed(list(words))})")
        return lines

    def _repeat_lines(self) -> list[str]:
        """Blocks that are one block with the same weights each time, and the sizes that differ from block to block."""
        lines = []
        for scope in self.plan.panels.values():
            axis = next((a for a in self.graph.axes if a.id == scope.axis and is_repeat(a)), None)
            mine = [a for a in self.steps if axis is not None and axis.id in self._axes(a)]
            weights = [v for a in mine for v in self.net.stored(a) if self.graph.value_by_id[v].kind == "parameter"]
            if weights and axis is not None and not any(axis.id in self.graph.value_by_id[v].axes for v in weights):
                lines.append(f"all {len(axis.members)} blocks have the same weights")
            for name, column in sizes(self.graph, axis) if axis is not None else ():
                listed = [str(one) for one in column] if isinstance(column, tuple) else [str(column)]
                lines.append(f"from the bottom up {name} is {', '.join(listed)}")
        return lines

    def _axes(self, atom: Atom) -> tuple[str, ...]:
        return axes_of(self.graph, atom.ops[0]) if atom.ops else ()

    def alt(self, towers: tuple[Group, ...]) -> str:
        """What a screen reader says."""
        said = []
        for n, tower in enumerate(towers):
            name = "From the bottom" if len(towers) == 1 else f"Tower {n + 1} from the bottom"
            said.append(f"{name}: {_spoken(tower)}.")
        return f"{self.graph.name}. " + " ".join(said)


def _spoken(group: Group) -> str:
    parts = []
    for child in group.children:
        if isinstance(child, Group):
            often = text_of(child.badge).replace("×", "times").strip()
            parts.append(f"{often + ' ' if often else ''}({_spoken(child)})")
        else:
            parts.append(" ".join(text_of(line) for line in child.title).replace("- ", "-"))
    return ", ".join(parts)


def _chain_rows(sizes: list[str]) -> list[Row]:
    """``64→256→64``, broken where it is long."""
    line = "→".join(sizes)
    lines = [line] if len(line) <= BESIDE - 3 else ["→".join(sizes[:-1]), f"→{sizes[-1]}"]
    return [Row("count", plain(one)) for one in lines]


def filled(words: str, line: int) -> tuple[str, ...]:
    """Words on as many lines as they need, each filled."""
    found: list[str] = []
    for word in words.split():
        if found and len(found[-1]) + 1 + len(word) <= line:
            found[-1] += f" {word}"
        else:
            found.append(word)
    return tuple(found)


def two_lines(words: str) -> tuple[str, ...]:
    """Words on two lines where they are too long for one, parted as evenly as may be."""
    parts = words.split()
    if len(words) <= LINE or len(parts) < 2:
        return (words,)
    cut = min(range(1, len(parts)), key=lambda k: abs(len(" ".join(parts[:k])) - len(" ".join(parts[k:]))))
    return " ".join(parts[:cut]), " ".join(parts[cut:])


def _listed(names: list[str]) -> str:
    return ", ".join(names[:LISTED]) + (" …" if len(names) > LISTED else "")


__all__ = ["Words", "two_lines"]
