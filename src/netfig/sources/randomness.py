"""Running a user's constructor with a fixed seed, and putting every random state back."""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def fixed_randomness() -> Iterator[None]:
    """Seed torch (CPU), `random` and, where loaded, NumPy, then restore them: a figure must not depend on the draw."""
    import torch

    numpy: Any = sys.modules.get("numpy.random")  # loaded by someone who may use it; never loaded for this
    states = torch.default_generator.get_state(), random.getstate(), numpy.get_state() if numpy else None
    torch.default_generator.manual_seed(0)
    random.seed(0)
    if numpy:
        numpy.seed(0)
    try:
        yield
    finally:
        torch.default_generator.set_state(states[0])
        random.setstate(states[1])
        if numpy:
            numpy.set_state(states[2])
