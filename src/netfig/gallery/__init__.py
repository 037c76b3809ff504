"""The gallery: every file of ``examples/`` drawn by the commands in its own header, and a page that shows them all.

The gallery knows nothing about drawing. It runs command lines, through the `Run` it is given, exactly as the header spells them.
"""

from netfig.gallery.build import Difference, Run, build, check, products
from netfig.gallery.header import Command, Example, read_example, read_examples
from netfig.gallery.index import index_page

__all__ = [
    "Command",
    "Difference",
    "Example",
    "Run",
    "build",
    "check",
    "index_page",
    "products",
    "read_example",
    "read_examples",
]
