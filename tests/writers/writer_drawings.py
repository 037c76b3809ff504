"""Drawings made by hand, so that the writers are tested without the layout; text is measured with the real fonts."""

from __future__ import annotations

from netfig.drawing import Drawing, Glyphs, Item, Label, Line, Shape
from netfig.layout.text import set_line
from netfig.mathtext import Text, math, plain


def label(id, text: Text, x, baseline, size=12.0, *, role="text", box="", on="inside", align="center", strong=False) -> Label:
    line = set_line(text, size, strong=strong)
    left = {"left": x, "center": x - line.width / 2, "right": x - line.width}[align]
    runs = tuple(Glyphs(r.text, r.face, r.size, r.x + left, r.dy, r.width) for r in line.runs)
    bounds = (left, baseline - line.ascent, left + line.width, baseline + line.descent)
    return Label(id, role, runs, baseline, bounds, align=align, box=box, on=on)


def box(id, role, x, y, w, h, radius=7.0, **more) -> Shape:
    return Shape(id, "rect", role, ((x, y), (x + w, y + h)), radius=radius, box=more.pop("box", id), **more)


def sample() -> Drawing:
    """One of everything: panel, boxes of several roles, circle, pill, cuboid, stacked copies, wires, dot, scripts, rows."""
    items: list[Item] = [
        box("panel", "panel", 110, 20, 340, 120, 12.0, stands_for=("encoder",), tooltip="encoder: Sequential"),
        label("panel.t", plain("encoder"), 122, 36, 11, role="panel", box="panel", on="free", align="left"),
        box("x", "input", 20, 70, 50, 30, stands_for=("x",), tooltip="x: 3×64×64"),
        label("x.t", math("x^{(i)}"), 45, 90, 16, box="x"),
        box("conv", "layer", 130, 65, 100, 40, stands_for=("conv", "conv/conv2d"), tooltip="Conv2d(3, 16)"),
        label("conv.t", plain("Conv2d 3×3"), 180, 82, 12, role="layer", box="conv"),
        label("conv.r", plain("AVAT → 16×64×64"), 180, 96, 10, role="text.secondary", box="conv"),
        box("relu", "activation", 260, 73, 50, 24, 12.0),
        label("relu.t", plain("ReLU"), 285, 89.2, 12, role="activation", box="relu"),
        Shape("add", "ellipse", "op", ((338, 73), (362, 97)), box="add"),
        label("add.t", plain("+"), 350, 90.5, 16, role="op", box="add"),
        box("pool.s2", "pool", 392, 65, 44, 30, 3.0, fade=0.7, box="pool", part="copy"),
        box("pool.s1", "pool", 388, 69, 44, 30, 3.0, fade=0.35, box="pool", part="copy"),
        box("pool", "pool", 384, 73, 44, 30, 3.0),
        label("pool.t", plain("pool"), 406, 92, 12, role="pool", box="pool"),
        Shape("vol.top", "polygon", "layer", ((490, 60), (530, 60), (548, 48), (508, 48)), tone="light", box="vol", part="top"),
        Shape(
            "vol.side", "polygon", "layer", ((530, 60), (548, 48), (548, 108), (530, 120)), tone="dark", box="vol", part="side"
        ),
        Shape("vol", "polygon", "layer", ((490, 60), (530, 60), (530, 120), (490, 120)), box="vol"),
        box("att", "attention", 560, 150, 96, 34),
        label("att.t", plain("Attention"), 608, 171, 12, role="attention", box="att", strong=True),
        box("h", "state", 570, 75, 44, 30, dashed=True),
        label("h.t", math("h_{t-1}"), 592, 94, 16, role="state", box="h"),
        Line("w1", "data", ((70, 85), (130, 85)), source="x", target="conv", stands_for=("x",)),
        Line("w2", "data", ((230, 85), (260, 85)), source="conv", target="relu"),
        Line("w3", "data", ((310, 85), (338, 85)), source="relu", target="add"),
        Line("w4", "data", ((362, 85), (384, 85)), source="add", target="pool"),
        Line("w5", "data", ((428, 88), (490, 88)), source="pool", target="vol"),
        Line("w6", "skip", ((95, 85), (95, 160), (350, 160), (350, 97)), radius=10, sharp=((95, 85),), source="x", target="add"),
        Shape("dot", "ellipse", "data", ((93, 83), (97, 87)), tone="stroke"),
        Line("w7", "memory", ((530, 90), (550, 90), (550, 167), (560, 167)), source="vol", target="att"),
        Line("w8", "helper", ((560, 40), (640, 40)), head=False),
        label("w6.t", math("W_x^{(2)}"), 220, 154, 12, role="skip", on="free"),
        label(
            "cap",
            (*plain("A figure: "), *math("y_i"), *plain(" = σ(W x), fi fl Τα")),
            20,
            200,
            10.5,
            role="text.secondary",
            on="free",
            align="left",
        ),
        label("m", plain("∂L/∂w ⊙ ∑"), 660, 60, 12, on="free", align="right"),
        box("norm", "norm", 470, 160, 70, 22, 7.0),
        label("norm.t", plain("code"), 505, 175.1, 12, role="norm", box="norm"),
    ]
    return Drawing(680, 215, tuple(items), "Sample figure", "An input goes through a convolution, a ReLU and a sum.")


HOSTILE = {
    "script": "<script>alert(1)</script>",
    "quotes": "a\"b'c`d",
    "closing": "</text></svg>]]>--><!--",
    "control": "nul\x00 bell\x07 esc\x1b[31m tab\t newline\n del\x7f c1\x9b non\ufffe\uffff",
    "long": "x" * 100_000,
    "long words": "wörd <&> " * 11_000,
    "right-to-left": "שלום עולם مرحبا abc",
    "override": "safe\u202egpj.exe\u2066",
    "emoji": "🚀🧠👩‍🔬 e\u0301",
    "surrogate": "half \ud83d pair",
    "entity": "&amp; &lt;b&gt; &#0; &unknown;",
    "escapes": r"\N \G \n \l \\ {a|b} %s ${x}",
    "html label": "<<b>bold</b>>",
    "dot": '"]; evil -> node [label="x',
    "colon": "a:b:c;d,e",
    "xml name": "1 2/3 é",
    "blank": "   ",
    "empty": "",
}


def hostile(text: str) -> Drawing:
    """A drawing that says `text` wherever a name can come from outside: ids, titles, labels, tooltips."""
    items: list[Item] = [
        box(text or "e", "layer", 20, 20, 90, 40, tooltip=text, stands_for=(text, text + "2")),
        label("t", plain(text), 65, 44, 12, box=text or "e"),
        box(text + "'", "state", 150, 20, 60, 40, tooltip=text),
        # not through the layout's own cleaning: a plugin may make drawings too
        Label(
            "raw",
            "text",
            (Glyphs(text, "sans", 12, 20, 0, 100), Glyphs(text, "serif-italic", 9, 120, 3, 50)),
            90,
            (20, 80, 170, 95),
            box="",
        ),
        Line(text + "w", "data", ((110, 40), (150, 40)), source=text or "e", target=text + "'", tooltip=text, stands_for=(text,)),
    ]
    return Drawing(230, 110, tuple(items), text, text or "alt")
