"""Programs that nobody would write: texts of the corpus, cut, glued and sprinkled with what the language knows."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import strategies as st

PROJECT = Path(__file__).parents[2]
FOLDERS = ("examples/recurrences", "src/netfig/cells", "tests/equations/papers")
SNIPPETS = (
    "h[t] = tanh(W_xh x[t] + W_hh h[t-1] + b_h)\ny[t] = W_hy h[t] + b_y\n",
    "Q_i = Q for i >= 1; a[t] = softmax([q[t]' k[t-i] for i = 0..t-1])\n",
    "x ∈ ℝᵐˣⁿ; f : function; K = 3\ny[t] = f(x_{K}) ‖x‖_2 / |z| ⊗ u^{-1} √(1 - v²)ᵀ\n",
    "\\tilde{h}_t^{(l)} &= \\frac{\\mathbf{W} x_t}{\\sqrt{d}} \\odot \\sum_{i=0}^{K} \\alpha_{i,t} h_{t-i} \\\\\n",
)
PIECES = (
    *"+-*/@=()[]{}^_,;:|'<>.∈⊙·ᵀ′‖√Σ∑Π≤≥…∞ℝ⊤²₀ₜ⁻ˣ𝐖é漢\n\t\\&$#%~§\"!?\0\u0301\u0303\u20d7\ud800",
    *(
        "for",
        " for i = 1..K",
        "t-1",
        "_t",
        "_{t-1}",
        "_i",
        "[t]",
        "[t-1]",
        "[l,t]",
        "^T",
        "^{-1}",
        "^{(l)}",
        "_0",
        "_{t=0}",
        "h_tilde",
        "ŷ",
    ),
    *(
        "sum(",
        "Σ_i ",
        "Σ_{i=0}^{K} ",
        "softmax(",
        "tanh ",
        "σ(",
        "max(a, b)",
        "f(x)",
        "\\sigma",
        "\\left(",
        "\\right)",
        "\\frac{",
        "\\hat ",
    ),
    *(
        "\\mathbf{",
        "\\text{for }",
        " \\\\ ",
        "1e-3",
        "2.5",
        "0",
        "i",
        "t",
        "K",
        "x : n",
        "W : m×n",
        "W ∈ R^{m×n}",
        "# note\n",
        "; ",
        " - ",
        "  ",
    ),
)


def corpus() -> list[str]:
    """Every program of the project."""
    files = [f for folder in FOLDERS for f in sorted((PROJECT / folder).glob("*.rnn"))]
    return [f.read_text(encoding="utf-8") for f in files] + list(SNIPPETS)


CORPUS = corpus()
WORDS = re.compile(r"\w+|\s+|[^\w\s]")

places = st.floats(0, 1, exclude_max=True)
edits = st.tuples(
    st.sampled_from(("insert", "delete", "double", "swap", "replace", "move", "graft", "character")),
    places,
    places,
    st.sampled_from(PIECES),
    st.integers(1, 6),
)


def mutated(text: str, changes: list[tuple[str, float, float, str, int]]) -> str:
    """`text` after each of the changes: kind, two places as parts of the whole, a piece, a length in words."""
    for kind, first, second, piece, length in changes:
        words = WORDS.findall(text)
        at, other = int(first * len(words)), int(second * len(words))
        cut = words[at : at + length]
        if kind == "insert":
            words.insert(at, piece)
        elif kind == "delete":
            del words[at : at + length]
        elif kind == "double":
            words[at:at] = cut
        elif kind == "swap" and words:
            words[at], words[other] = words[other], words[at]
        elif kind == "replace":
            words[at : at + 1] = [piece]
        elif kind == "move":
            del words[at : at + length]
            words[other:other] = cut
        elif kind == "graft":
            foreign = WORDS.findall(CORPUS[int(second * len(CORPUS))])
            start = int(first * len(foreign))
            words[at:at] = foreign[start : start + 4 * length]
        text = "".join(words)
        if kind == "character" and text:
            where = int(second * len(text))
            text = text[:where] + piece[:1] + text[where + 1 :]
    return text


programs = st.builds(mutated, st.sampled_from(CORPUS), st.lists(edits, min_size=1, max_size=8))
