"""``python -m netfig.gallery build|check`` is ``netfig gallery build|check``."""

import runpy
import sys

sys.argv = ["netfig", "gallery", *sys.argv[1:]]
runpy.run_module("netfig", run_name="__main__")
