"""A command line in this process, and models to point it at."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner
from commandline import Done, Netfig


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, with no setting from outside."""
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith("NETFIG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETFIG_PLUGINS", "none")
    return tmp_path


@pytest.fixture
def netfig(here: Path) -> Netfig:
    """Run a command line; an exception that escapes it is the test's."""

    def run(*words: str, stdin: str | bytes | None = None, env: dict[str, str] | None = None) -> Done:
        from netfig.cli import cli

        result = CliRunner().invoke(cli, list(words), input=stdin, env=env, prog_name="netfig", catch_exceptions=False)
        return Done(result.exit_code, result.stdout, result.stderr, result.stdout_bytes)

    return run


@pytest.fixture
def shell(here: Path) -> Netfig:
    """Run a command line in a process of its own."""

    def run(*words: str, env: dict[str, str] | None = None, path: Path | None = None) -> Done:
        environment = {**os.environ, **(env or {})}
        if path is not None:
            environment["PYTHONPATH"] = str(path)
        command = [sys.executable, "-m", "netfig", *words]
        done = subprocess.run(command, capture_output=True, env=environment, timeout=120, check=False)
        return Done(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"), done.stdout)

    return run


@pytest.fixture
def net(here: Path) -> Path:
    """A file of models, good and bad."""
    path = here / "net.py"
    path.write_text(
        dedent(
            """
            import torch
            from torch import nn


            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.conv = nn.Conv2d(3, 4, 3, padding=1)
                    self.fc = nn.Linear(4, 2)

                def forward(self, x):
                    print("the model speaks")
                    return self.fc(torch.relu(self.conv(x)).mean((2, 3)))


            class Sized(nn.Module):
                def __init__(self, classes):
                    super().__init__()
                    self.fc = nn.Linear(4, classes)

                def forward(self, x):
                    return self.fc(x)


            class Deep(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.body = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(16, 2))

                def forward(self, x):
                    return self.body(x)


            class Raises(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.fc = nn.Linear(4, 4)

                def forward(self, x):
                    x = self.fc(x)
                    raise RuntimeError("the flux is too low")
            """
        )
    )
    return path
