"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

# The same examples on every run, and no deadline: a slow machine is not a bug.
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None, max_examples=60)
hypothesis.settings.load_profile("steady")


@pytest.fixture(scope="session")
def project() -> Path:
    """The folder that holds pyproject.toml."""
    return Path(__file__).parents[1]
