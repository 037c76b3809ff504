"""A fast look for plugins: `importlib.metadata` costs as much as all the rest of ``netfig --help``, and most people have none.

This reads only the entry-point files of what is installed.
"""

from __future__ import annotations

import os
import sys


def may_have_plugins() -> bool:
    """Whether any installed distribution could offer a plugin; it may say yes too often, never no."""
    if os.environ.get("NETFIG_PLUGINS", "").strip().lower() == "none":
        return False
    for folder in dict.fromkeys(sys.path):
        if folder.endswith((".zip", ".egg", ".whl")) and os.path.isfile(folder):
            return True  # an archive: only importlib.metadata can tell
        try:
            entries = os.listdir(folder or ".")
        except OSError:
            continue
        for entry in entries:
            if entry.endswith((".dist-info", ".egg-info", ".egg")) and _declares(os.path.join(folder, entry)):
                return True
    return False


def _declares(folder: str) -> bool:
    if folder.endswith(".egg"):
        return True
    try:
        with open(os.path.join(folder, "entry_points.txt"), "rb") as file:
            return any(line.strip().replace(b" ", b"") == b"[netfig]" for line in file)
    except OSError:
        return False
