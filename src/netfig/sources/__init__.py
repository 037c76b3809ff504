"""The built-in sources: a PyTorch target, a chain of layers, recurrence equations, a saved graph."""

from __future__ import annotations

from netfig.hooks import Source
from netfig.later import later


def builtin_sources() -> tuple[Source, ...]:
    """The sources netfig registers itself, the most specific first. Each is imported when its `accepts` is first asked."""
    return (
        Source(
            "recurrence",
            "recurrence equations, such as 'h[t] = tanh(W x[t] + U h[t-1])', a .rnn file, or a cell of the library: cell:lstm",
            later("netfig.sources.recurrence:accepts"),
            later("netfig.sources.recurrence:load"),
        ),
        Source(
            "saved",
            "a graph saved as .json by `netfig trace`; never runs code",
            later("netfig.sources.saved:accepts"),
            later("netfig.sources.saved:load"),
        ),
        Source(
            "layers",
            "a chain of torch.nn layers, such as 'Conv2d(16, 3) | ReLU | Flatten | Linear(10)', or a .layers file",
            later("netfig.sources.layers:accepts"),
            later("netfig.sources.layers:load"),
        ),
        Source(
            "torch",
            "a PyTorch module: file.py:Net, pkg.mod:factory, file.py:Net(num_classes=10); imports and runs the code it names",
            later("netfig.sources.torch_source:accepts"),
            later("netfig.sources.torch_source:load"),
            runs_code=True,
        ),
    )
