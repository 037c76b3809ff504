"""`parse`: the door. Cuts the source into statements, reads each by itself, and raises all that is wrong at once."""

from __future__ import annotations

import re
from typing import Final

from netfig.equations.grammar import equation
from netfig.equations.lexer import SUPERSCRIPTS, Token, is_latex, plain, tokens
from netfig.equations.names import join
from netfig.equations.read_ranges import affine
from netfig.equations.read_statements import OPEN, Chunk, statements_of
from netfig.equations.read_symbols import symbol
from netfig.equations.read_tree import MAX_NESTING, Line, Mistake, Node, expression, unexpected
from netfig.equations.resolve import Resolver
from netfig.equations.resolve_facts import Facts, Written, letters_of, names_in, ranges_in
from netfig.equations.types import Declaration, FunctionName, Program, Span, Statement
from netfig.errors import InvalidProgram, Problem, did_you_mean
from netfig.graph.types import Affine

MAX_LENGTH: Final = 100_000

MAX_TOKENS: Final = 20_000

_LINE_ENDS: Final = re.compile("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")

_STEP: Final = re.compile(r"_[^\W\d_]\Z")

_INDEX: Final = re.compile(r"\A\w{1,3}(?:\s*[-+,]\s*\w{1,3}){0,3}\Z")

_REALS: Final = re.compile(r"(?:\\mathbb\s*(?:\{\s*R\s*\}|R)|ℝ|R(?![A-Za-z0-9_])|\\R(?![A-Za-z])|𝐑)")

_NO_SHAPE: Final = re.compile(r"[&~$\n]|[#%][^\n]*")

_BETWEEN: Final = re.compile(r"×|\\times(?![A-Za-z])|,(?![^{}]{0,40}\})|\s+[xX]\s+|(?<=[0-9])x(?=[0-9])|·")


def parse(source: str, name: str = "") -> Program:
    """The program that `source` is.

    Raises `InvalidProgram` with every mistake of every statement, each with its place.
    """
    if len(source) > MAX_LENGTH:
        raise InvalidProgram(
            [Problem(f"a program has at most {MAX_LENGTH} characters, this has {len(source)}", 0, 0)], source, name=name
        )
    source = _LINE_ENDS.sub("\n", source)
    found = tokens(source)
    if len(found) > MAX_TOKENS:
        raise InvalidProgram(
            [Problem(f"a program has at most {MAX_TOKENS} words, this has {len(found)}", 0, 0)], source, name=name
        )
    chunks, title = statements_of(found)
    problems: list[Problem] = []
    read = _Reader(source, chunks, problems)
    program = Program(read.statements(), title, name, source)
    if problems:
        raise InvalidProgram(problems, source, name=name)
    if not program.statements:
        raise InvalidProgram(
            [Problem("there is no equation", 0, 0, hint="such as h[t] = tanh(W x[t] + U h[t-1])")], source, name=name
        )
    return program


class _Reader:
    """Reads the chunks: first as written, then, once the whole is known, as what they mean."""

    def __init__(self, source: str, chunks: list[Chunk], problems: list[Problem]) -> None:
        self.source, self.chunks, self.problems = source, chunks, problems
        self.defined = frozenset(c.items[0].text.split("_")[0] for c in chunks if c.items[0].kind == "name")
        self.sizes: set[str] = set()
        self.functions: set[str] = set()
        self.latex = is_latex(source)

    def statements(self) -> tuple[Statement, ...]:
        read: list[tuple[Chunk, Written | list[tuple[Node, tuple[Affine, ...] | None]]]] = []
        for chunk in self.chunks:
            try:
                read.append((chunk, self._read(chunk)))
            except Mistake as mistake:
                self._wrong(mistake)
            except RecursionError:
                self._wrong(Mistake(f"brackets more than {MAX_NESTING} deep", chunk.items[0].start, chunk.items[-1].end))
        broken = bool(self.problems)
        equations = [w for _, w in read if isinstance(w, Written)]
        declared = [node for _, d in read if isinstance(d, list) for node, shape in d if shape is not None]
        self._sizes(equations)
        facts = Facts(equations, declared, self.sizes, self.functions)
        out: list[Statement] = []
        for _, item in read:
            try:
                if isinstance(item, Written):
                    out.append(Resolver(facts, item.bound).equation(item))
                else:
                    out += [self._declaration(facts, node, shape) for node, shape in item]
            except Mistake as mistake:
                if not (broken and mistake.depends):
                    self._wrong(mistake)
        return tuple(out)

    def _wrong(self, mistake: Mistake) -> None:
        self.problems.append(Problem(mistake.what, mistake.start, mistake.end, mistake.why, mistake.hint))

    def _read(self, chunk: Chunk) -> Written | list[tuple[Node, tuple[Affine, ...] | None]]:
        if chunk.items[-1].text in (",", ".") and len(chunk.items) > 1:
            del chunk.items[-1]  # as in a sentence
        items = chunk.items
        if chunk.sign in (":", "in"):
            return self._declared(chunk)
        self._check_steps(items)
        line = Line(items, items[-1].end, self.defined)
        if not chunk.sign:
            raise self._no_equation(line)
        result = equation(line, 0)
        if not result.status:
            raise self._left_hint(line, result.furthest) or unexpected(line, result)
        left, right, over = result.value
        return Written(left, right, tuple(over), items[0].start, items[-1].end, chunk.label)

    def _check_steps(self, items: list[Token]) -> None:
        """``x_t-1`` without braces or spaces: most who type it mean the step before, mathematics says a difference."""
        if self.latex:
            return
        for name, sign, number in zip(items, items[1:], items[2:], strict=False):
            if sign.kind not in ("+", "-") or name.end != sign.start or sign.end != number.start:
                continue
            if name.kind == "name" and _STEP.search(name.text) and number.text.isdigit():
                step = f"{name.text[:-2]}[{name.text[-1]}{sign.text}{number.text}]"
                text, spaced = self.source[name.start : number.end], f"{name.text} {sign.text} {number.text}"
                hint = f"write {step} for the other step, {spaced} for the {'sum' if sign.kind == '+' else 'difference'}"
                raise Mistake(f"{text!r} can be read in two ways", name.start, number.end, hint)

    def _no_equation(self, line: Line) -> Mistake:
        """What to say of a statement without ``=``: the first word that does not fit, or that the sign is missing."""
        start, end = line[0].start, line[-1].end
        found = expression(line, 0)
        if not found.status or line[found.index].kind == "bad":
            return unexpected(line, found) if not found.status else unexpected(line, symbol(line, found.index))
        return Mistake("this is no equation: it has no '='", start, end, "such as h[t] = tanh(W x[t] + U h[t-1])")

    def _left_hint(self, line: Line, furthest: int) -> Mistake | None:
        """The usual mistakes on the left of ``=``."""
        sign = next(i for i, t in enumerate(line) if t.kind == "=")
        if furthest >= sign and line[furthest].kind != "=":
            return None
        if line[furthest].kind == "=":
            token = line[furthest]
            if furthest == 0:
                return Mistake("nothing stands on the left of '='", token.start, token.end, "such as h[t], q_i[t] or h[l, t]")
            opened = sum((t.kind in OPEN) - (t.kind in OPEN.values()) for t in line[:furthest])
            if opened > 0 or any(t.kind in ("sum", "prod") for t in line[:furthest]):
                hint = "a range follows 'for', or stands in braces: sum(a_i for i = 1..K), Σ_{i=1}^{K} a_i"
                return Mistake("'=' cannot stand here", token.start, token.end, hint)
            return Mistake("a second '='", token.start, token.end, "one equation for each value, each on its own line")
        start, end = line[0].start, line[max(0, sign - 1)].end
        if line[furthest].kind == "bad":
            return None
        inside = self.source[line[1].end : line[sign - 1].start].strip()
        if line[furthest].kind == "(" and furthest == 1 and _INDEX.match(inside):
            return Mistake("indices stand in square brackets", start, end, f"write {line[0].text}[{inside}]")
        if line[furthest].kind == "^":
            return Mistake("a power cannot be defined", start, end, "indices stand in brackets or below: h[t], h_t")
        if any(t.kind in ("/", "frac") for t in line[:sign]):
            return Mistake("a derivative cannot be defined", start, end, "write the step: h[t] = h[t-1] + Delta f(…)")
        return Mistake("the left side is not one symbol with its indices", start, end, "such as h[t], q_i[t] or h[l, t]")

    # ---- declarations

    def _declared(self, chunk: Chunk) -> list[tuple[Node, tuple[Affine, ...] | None]]:
        items = chunk.items
        at = next(i for i, t in enumerate(items) if t.kind in (":", "in"))
        line = Line(items[:at], items[at].start, self.defined)
        nodes, index = [], 0
        while True:
            found = symbol(line, index)
            if not found.status:
                raise unexpected(line, found)
            nodes.append(found.value)
            index = found.index
            if line[index].kind != ",":
                break
            index += 1
        if line[index].kind != "end":
            token = line[index]
            raise Mistake(f"{token.text!r} cannot stand here", token.start, token.end, "a declaration is x[t] : n or W : m×n")
        sign = items[at]
        start, end = sign.end, items[-1].end
        text = _NO_SHAPE.sub(lambda m: " " * len(m[0]), self.source[start:end])
        if not text.strip():
            raise Mistake("a shape is missing", sign.start, sign.end, "such as n, m×n or scalar")
        if text.strip() in ("function", r"\text{function}"):
            self.functions.update(join(n.data.base, tuple(p.word for p in n.data.below)) for n in nodes)
            nodes[-1].end = end
            return [(node, None) for node in nodes]
        shape = self._shape(text, start, sign.kind == "in")
        for size in shape:
            self.sizes.update(letters_of(size))
        nodes[-1].end = end  # the whole of what is declared
        return [(node, shape) for node in nodes]

    def _shape(self, text: str, start: int, is_set: bool) -> tuple[Affine, ...]:
        """``n``, ``m×n``, ``R^{m×n}``, ``ℝⁿ``, ``scalar``: a size for each dimension."""
        end = start + len(text)
        start += len(text) - len(text.lstrip())
        body = " ".join(text.split()).rstrip("\\$& ")
        real = _REALS.match(body)
        if real:
            body = body[real.end() :]
        elif is_set:
            raise Mistake("after '∈' stands ℝ and a size", start, end, "such as x[t] ∈ ℝⁿ or W ∈ R^{m×n}")
        body = body.strip().removeprefix("^").strip()
        body = "".join(("×" if c == "ˣ" else plain(c)) if c in SUPERSCRIPTS else c for c in body)
        while len(body) > 1 and OPEN.get(body[0]) == body[-1]:
            body = body[1:-1].strip().removesuffix(",")
        if (not body and real) or body in ("scalar", "1×1"):
            return ()
        sizes = []
        pieces = _BETWEEN.split(body)
        if len(pieces) > 4:
            raise Mistake(f"{len(pieces)} dimensions", start, end, "at most four are known")
        for piece in pieces:
            if piece.strip().isdigit() and len(piece.strip()) > 9:
                raise Mistake("this size is too large", start, end)
            if piece.strip() in ("vector", "matrix"):
                raise Mistake(f"{piece.strip()!r} is no size", start, end, "a vector has one size, n; a matrix two, m×n")
            line = Line(tokens(piece), len(piece), frozenset())
            found = affine(line, 0)
            if not found.status or line[found.index].kind != "end" or len(line) > 40:
                known = did_you_mean(piece, ("scalar", "function")) if piece.isalpha() and len(piece) > 4 else ""
                raise Mistake(
                    f"{piece.strip()[:40]!r} is no size", start, end, known or "a size is a name or a number: n, 2m, m×n"
                )
            size: Affine = found.value
            if {"scalar", "function"}.intersection(letters_of(size)):
                raise Mistake(f"{piece.strip()[:40]!r} is no size", start, end)
            if size.number is not None and size.number < 1:
                raise Mistake(f"a size is at least 1, not {size.number}", start, end)
            sizes.append(size)
        return tuple(sizes)

    def _declaration(self, facts: Facts, node: Node, shape: tuple[Affine, ...] | None) -> Statement:
        span = Span(node.start, node.end)
        if shape is None:
            return FunctionName(join(node.data.base, tuple(p.word for p in node.data.below)), span)
        bound = {facts.time}
        for index in node.data.indices:
            if index is not None:
                bound.update(letters_of(index))
        for piece in node.data.above:
            if piece.affine is not None and node.data.below:
                bound.update(n for n in letters_of(piece.affine) if len(n) == 1)
        if facts.stem(node.data, bound | facts.running) in facts.families:
            bound |= facts.running
        return Declaration(Resolver(facts, bound).left(node), shape, span)

    def _sizes(self, equations: list[Written]) -> None:
        """Adds the names that stand for numbers: those in ranges and, beside a running letter, in indices."""
        running: set[str] = {"t"}
        used: set[str] = set()
        for one in equations:
            for text in (*one.ranges, *ranges_in(one.right)):
                running.add(text.variable)
                for bound in (text.first, text.last):
                    used.update(letters_of(bound) if bound else ())
            for index in one.left.data.indices:
                if index is not None and len(index.terms) == 1:
                    running.update(letters_of(index))
            running.update(p.word for p in one.left.data.below + one.left.data.above if len(p.word) == 1)
        for one in equations:
            for node, _ in names_in(one.right):
                for index in (*node.data.indices, *(p.affine for p in node.data.below)):
                    if index is not None and any(n in running for n in letters_of(index)):
                        used.update(letters_of(index))
        self.sizes |= {n for n in used if n not in running and n not in ("t", "∞")}
        read = {join(node.data.base, tuple(p.word for p in node.data.below)) for w in equations for node, _ in names_in(w.right)}
        for one in equations:  # T = 3: a number nobody reads says how far an index runs
            spelled = one.left.data
            word = join(spelled.base, tuple(p.word for p in spelled.below))
            if one.right.kind == "number" and not spelled.indices and word[0].isupper() and word not in read:
                self.sizes.add(word)
