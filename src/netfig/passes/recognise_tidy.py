"""Bringing a step into the form of a textbook: sums with their weights in order, a gated mean as (1 − z) ⊙ a + z ⊙ b."""

from __future__ import annotations

from dataclasses import replace

from netfig.passes.recognise_link import Key
from netfig.passes.recognise_nodes import Const, Leaf
from netfig.passes.recognise_sheet import Fact, Sheet, Step, Use


def tidy(sheet: Sheet) -> None:
    """Rewrite the steps of a sheet; what they compute stays the same."""
    _prune(sheet)
    _gated_means(sheet)
    _factors(sheet)
    _sums(sheet)


def _private(sheet: Sheet) -> set[Key]:
    """Values that one step reads once, and nobody else."""
    kept, readers = sheet.kept(), sheet.readers()
    return {key for key in sheet.steps if key not in kept and len(readers.get(key, ())) == 1}


def _prune(sheet: Sheet) -> None:
    """What nobody reads is left out, unless it leaves the graph; a state reads itself."""
    counts = dict.fromkeys(sheet.facts, 0)
    for step in sheet.steps.values():
        for use in step.uses:
            counts[use.value] += 1
    kept = sheet.kept()
    waiting = [key for key in sheet.steps if not counts[key] and key not in kept]
    while waiting:
        for use in sheet.steps.pop(waiting.pop()).uses:
            counts[use.value] -= 1
            if not counts[use.value] and use.value in sheet.steps and use.value not in kept:
                waiting.append(use.value)
    read = {use.value for step in sheet.steps.values() for use in step.uses} | kept
    for key in [key for key in sheet.facts if key not in sheet.steps and key not in read]:
        del sheet.facts[key]


def _factors(sheet: Sheet) -> None:
    """A number stands before what it multiplies."""
    for key, step in sheet.steps.items():
        if step.kind == "scale" and not sheet.facts[step.one("right").value].sizes and sheet.facts[step.one("left").value].sizes:
            sheet.steps[key] = replace(step, slots=(("left", (step.one("right"),)), ("right", (step.one("left"),))))


# ---- sums ------------------------------------------------------------------------------------------------------------------


def _sums(sheet: Sheet) -> None:
    private = _private(sheet)
    readers = sheet.readers()
    for key in list(sheet.steps):
        step = sheet.steps.get(key)
        if step is None or step.kind != "add":
            continue
        if key in private and readers[key][0].kind == "add" and readers[key][0].axis == step.axis:
            continue  # a part of a longer sum
        terms: list[Use] = []
        inner: list[Step] = []
        _collect(sheet, step, private, terms, inner)
        if len(terms) > 2:
            _rebuild(sheet, step, terms, inner)
        elif _rank(sheet, terms[1]) < _rank(sheet, terms[0]):
            sheet.steps[key] = replace(step, slots=(("left", (terms[1],)), ("right", (terms[0],))))


def _collect(sheet: Sheet, step: Step, private: set[Key], terms: list[Use], inner: list[Step]) -> None:
    for use in step.uses:
        below = sheet.steps.get(use.value)
        if below is not None and below.kind == "add" and use.value in private and below.axis == step.axis:
            inner.append(below)
            _collect(sheet, below, private, terms, inner)
        else:
            terms.append(use)


def _rank(sheet: Sheet, use: Use) -> int:
    """Products with what is there come first, then those with states, then biases."""
    step = sheet.steps.get(use.value)
    fact = sheet.facts[use.value]
    if fact.leaf is not None and fact.axis is None:
        return 3
    if step is None or step.kind not in ("matmul", "scale", "mul", "dot"):
        return 1
    if step.kind != "matmul":
        return 1
    return 2 if step.one("right").distance else 0


def _rebuild(sheet: Sheet, step: Step, terms: list[Use], inner: list[Step]) -> None:
    """The sum as a chain of two at a time, in the order of the ranks; biases as their weights."""
    weights = [_weight(sheet, use) for use in terms]
    ordered = sorted(range(len(terms)), key=lambda n: (_rank(sheet, terms[n]), n))
    place = {weights[n]: spot for spot, n in enumerate(ordered) if weights[n]}
    biases = {n: place.get(_partner(sheet, terms[n]), n + len(terms)) for n in ordered if _rank(sheet, terms[n]) == 3}
    ordered = [n for n in ordered if n not in biases] + sorted(biases, key=lambda n: biases[n])
    sizes = [sheet.facts[use.value].sizes for use in terms]
    shape = max(sizes, key=lambda s: (len(s), s))
    last = terms[ordered[0]]
    spare = sorted(inner, key=lambda s: str(s.place))
    for made, n in enumerate(ordered[1:]):
        end = made == len(ordered) - 2
        own = step if end else spare[made]
        sheet.steps[own.value] = replace(
            own, slots=(("left", (last,)), ("right", (terms[n],))), place=(*step.place, made) if not end else own.place
        )
        if not end:
            sheet.facts[own.value] = Fact(shape, own.axis)
        last = Use(own.value)


def _weight(sheet: Sheet, use: Use) -> str:
    step = sheet.steps.get(use.value)
    return "" if step is None or step.kind != "matmul" else source_of(sheet, step.one("left").value)


def _partner(sheet: Sheet, use: Use) -> str:
    leaf = sheet.facts[use.value].leaf
    if not isinstance(leaf, Leaf) or not isinstance(leaf.source, str):
        return ""
    return f"{sheet.low.biases.get(leaf.source, '')}{leaf.at[:1]}"


def source_of(sheet: Sheet, key: Key) -> str:
    """The parameter that a matrix is, with the rows taken of it."""
    leaf = sheet.facts[key].leaf
    if isinstance(leaf, Leaf) and isinstance(leaf.source, str):
        return f"{leaf.source}{leaf.at[:1]}"
    step = sheet.steps.get(key)
    return source_of(sheet, step.one("input").value) if step is not None and step.kind == "transpose" else ""


# ---- gated means -----------------------------------------------------------------------------------------------------------


def _gated_means(sheet: Sheet) -> None:
    """(a − b) ⊙ z + b is (1 − z) ⊙ b + z ⊙ a."""
    private = _private(sheet)
    for key in list(sheet.steps):
        step = sheet.steps[key]
        if step.kind != "add":
            continue
        for product, rest in ((step.one("left"), step.one("right")), (step.one("right"), step.one("left"))):
            times = sheet.steps.get(product.value)
            if times is None or times.kind != "mul" or product.value not in private:
                continue
            for difference, gate in ((times.one("left"), times.one("right")), (times.one("right"), times.one("left"))):
                minus = sheet.steps.get(difference.value)
                if minus is None or minus.kind != "sub" or difference.value not in private or minus.one("right") != rest:
                    continue
                _as_mean(sheet, step, times, minus, gate)
                break
            else:
                continue
            break


def _as_mean(sheet: Sheet, step: Step, times: Step, minus: Step, gate: Use) -> None:
    one: Key = ("const", 1.0, ())
    sheet.facts.setdefault(one, Fact((), leaf=Const(1.0)))
    a, b = minus.one("left"), minus.one("right")
    new: Key = ("more", minus.value)
    sheet.facts[new] = Fact(sheet.facts[minus.value].sizes, minus.axis)
    sheet.steps[minus.value] = replace(minus, slots=(("left", (Use(one),)), ("right", (gate,))))
    sheet.steps[new] = replace(times, value=new, slots=(("left", (Use(minus.value),)), ("right", (b,))))
    sheet.steps[times.value] = replace(times, slots=(("left", (gate,)), ("right", (a,))))
    sheet.steps[step.value] = replace(step, slots=(("left", (Use(new),)), ("right", (Use(times.value),))))
