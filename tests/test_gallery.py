"""The gallery: what a header may say, how files are compared, and that the committed pictures are what the examples make."""

from __future__ import annotations

from pathlib import Path

import pytest

from netfig.cli.commands.gallery import _run as run_netfig
from netfig.errors import InvalidInput, Missing, NetfigError
from netfig.gallery import build, check, index_page, products, read_example, read_examples
from netfig.gallery.header import read_categories
from netfig.gallery.index import INDEX, dark_name

PROJECT = Path(__file__).parents[1]
EXAMPLES = read_examples(PROJECT)

HEADER = """\
# title: Net
# category: First networks
# summary: One sentence.
# command: netfig draw examples/net.py:Net --input 3 -o net.svg
# command: netfig summary examples/net.py:Net --input 3

import torch
"""


def fake(words):
    """A program that 'draws' its own words."""
    if "-o" in words:
        at = words.index("-o") + 1
        Path(words[at]).write_text(" ".join([*words[:at], *words[at + 1 :]]))
        return ""
    return f"table of {words[1]}\n"


@pytest.fixture
def small(tmp_path) -> Path:
    """A project with one example."""
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples/categories.toml").write_text('"First networks" = "A sentence."\n')
    (tmp_path / "examples/net.py").write_text(HEADER)
    return tmp_path


class TestHeader:
    def test_it_is_read(self):
        example = read_example(HEADER, "examples/net.py")
        assert (example.title, example.category, example.summary) == ("Net", "First networks", "One sentence.")
        assert [c.picture for c in example.commands] == ["net.svg", ""]
        assert example.commands[0].words[:2] == ("draw", "examples/net.py:Net")

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("# title: Net\n", "", "no line '# title"),
            ("# summary: One sentence.\n", "", "needs one line '# summary: …', has 0"),
            ("# summary:", "# summary: Twice.\n# summary:", "has 2"),
            ("# category:", "# catgory:", "did you mean 'category'"),
            ("-o net.svg", "-o ../net.svg", "must end in '-o NAME.svg'"),
            ("-o net.svg", "-o net.png", "must end in '-o NAME.svg'"),
            (" -o net.svg", "", "must end in '-o NAME.svg'"),
            ("netfig draw", "rm -r", "must start with 'netfig draw'"),
            ("draw examples/net.py", "draw examples/other.py", "must be about this file"),
            ("-o net.svg", "-o 'net.svg", "cannot be read"),
        ],
    )
    def test_a_mistake_is_named(self, old, new, message):
        assert old in HEADER
        with pytest.raises(InvalidInput) as caught:
            read_example(HEADER.replace(old, new), "examples/net.py")
        assert message in str(caught.value)

    def test_all_mistakes_of_all_files_are_said_at_once(self, small):
        (small / "examples/net.py").write_text(HEADER.replace("First networks", "First network"))
        (small / "examples/other.py").write_text(HEADER)
        with pytest.raises(InvalidInput) as caught:
            read_examples(small)
        assert "did you mean 'First networks'" in str(caught.value)
        assert "must be about this file" in str(caught.value)

    def test_two_examples_cannot_make_the_same_picture(self, small):
        (small / "examples/other.py").write_text(HEADER.replace("net.py", "other.py"))
        with pytest.raises(InvalidInput, match="1 mistakes") as caught:
            read_examples(small)
        assert "'net.svg', which examples/net.py makes too" in str(caught.value)

    def test_a_file_without_a_title_is_a_helper(self, small):
        (small / "examples/helper.py").write_text("# shared code\n")
        assert [e.path for e in read_examples(small)] == ["examples/net.py"]

    def test_a_folder_without_examples_is_said(self, tmp_path):
        with pytest.raises(Missing, match="no folder 'examples'"):
            read_examples(tmp_path)


class TestBuild:
    def test_it_makes_every_picture_light_and_dark_and_the_page(self, small):
        difference = build(small, fake)
        assert difference.missing == (INDEX, "net-dark.svg", "net.svg")
        assert (small / "gallery/net-dark.svg").read_text().endswith("--theme dark")

    def test_a_command_that_chooses_its_theme_has_no_dark_version(self, small):
        (small / "examples/net.py").write_text(HEADER.replace("--input 3 -o", "--input 3 --theme print -o"))
        build(small, fake)
        assert not (small / "gallery/net-dark.svg").exists()
        assert "<source" not in (small / "gallery" / INDEX).read_text()

    def test_the_page_holds_picture_command_table_and_source(self, small):
        build(small, fake)
        page = (small / "gallery" / INDEX).read_text()
        parts = (
            'src="net.svg"',
            'srcset="net-dark.svg"',
            "netfig draw examples/net.py:Net",
            "table of examples",
            "(../examples/net.py)",
        )
        for expected in parts:
            assert expected in page

    def test_a_second_build_changes_nothing(self, small):
        build(small, fake)
        assert not build(small, fake)

    def test_check_names_what_is_missing_stale_and_left_over_and_writes_nothing(self, small):
        build(small, fake)
        gallery = small / "gallery"
        (gallery / "net.svg").write_text("old")
        (gallery / "net-dark.svg").unlink()
        (gallery / "gone.svg").write_text("old")
        difference = check(small, fake)
        assert difference.lines() == ["missing: gallery/net-dark.svg", "stale: gallery/net.svg", "left over: gallery/gone.svg"]
        assert (gallery / "net.svg").read_text() == "old"

    def test_build_repairs_all_of_that(self, small):
        build(small, fake)
        (small / "gallery/net.svg").write_text("old")
        (small / "gallery/gone.svg").write_text("old")
        build(small, fake)
        assert not check(small, fake)

    def test_an_error_names_the_example_and_the_command(self, small):
        def fails(words):
            raise NetfigError("no such layer", hint="try another")

        with pytest.raises(NetfigError) as caught:
            build(small, fails)
        assert str(caught.value).startswith("examples/net.py: no such layer\n  where: netfig draw examples/net.py:Net")


def structure(page: str) -> list[str]:
    """Everything on a page but the tables."""
    return [line for line in page.splitlines() if line.startswith(("#", "<", "  <", "netfig ", "- [")) or "([source]" in line]


class TestCommitted:
    @pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: Path(e.path).name)
    def test_what_an_example_makes_is_what_is_committed(self, example):
        page = (PROJECT / "gallery" / INDEX).read_text(encoding="utf-8")
        stale = []
        for name, content in products(example, PROJECT, run_netfig):
            if name.endswith(".svg") and not name.startswith("netfig "):
                path = PROJECT / "gallery" / name
                if not path.exists() or path.read_bytes() != content:
                    stale.append(name)
            elif content.decode().strip() not in page:
                stale.append(name)
        assert not stale, "run make gallery, look at what changed, and commit it"

    def test_the_page_lists_the_examples_as_they_are(self):
        page = (PROJECT / "gallery" / INDEX).read_text(encoding="utf-8")
        dark = frozenset(c.picture for e in EXAMPLES for c in e.commands if c.picture and "--theme" not in c.words)
        tables = {c.line: "TABLE" for e in EXAMPLES for c in e.commands if not c.picture}
        expected = index_page(EXAMPLES, read_categories(PROJECT / "examples"), tables, dark)
        assert structure(page) == structure(expected)

    def test_there_is_no_picture_that_no_example_makes(self):
        made = {c.picture for e in EXAMPLES for c in e.commands}
        made |= {dark_name(name) for name in made if name}
        assert {p.name for p in (PROJECT / "gallery").glob("*.svg")} <= made

    def test_every_category_has_an_example(self):
        assert set(read_categories(PROJECT / "examples")) == {e.category for e in EXAMPLES}
