"""The built-in sources: a PyTorch target, a chain of layers, recurrence equations, an attention by its sizes, a saved graph."""

from __future__ import annotations

from netfig.hooks import Source
from netfig.later import later
from netfig.sources.attention_options import AttentionOptions
from netfig.sources.torch_options import TorchOptions


def builtin_sources() -> tuple[Source, ...]:
    """The sources netfig registers itself, the most specific first. Each is imported when its `accepts` is first asked."""
    return (
        Source(
            "worked",
            "a small example with numbers in a .worked.toml file: attention, a convolution, a product, an MLP; never runs code",
            later("netfig.sources.worked:accepts"),
            later("netfig.sources.worked:load"),
        ),
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
            "attention",
            "an attention by its sizes: attention --d-model 8 --heads 2 --tokens 4, numbers or names",
            later("netfig.sources.attention:accepts"),
            later("netfig.sources.attention:load"),
            options=AttentionOptions,
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
            options=TorchOptions,
        ),
    )
