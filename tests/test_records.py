"""netfig's records behave as the standard library's dataclasses do; these are the witness."""

from __future__ import annotations

import ast
import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar, get_type_hints

import pytest

from netfig import records


def family(decorator, **settings):
    """The same classes, made by one decorator or the other."""

    @decorator(**settings)
    class Point:
        x: int
        y: int = 2
        names: tuple[str, ...] = ()
        more: list[int] = field(default_factory=list)
        where: str = field(default="", compare=False)
        quiet: int = field(default=0, repr=False)
        count: ClassVar[int] = 7

        @property
        def total(self) -> int:
            return self.x + self.y

    @decorator(**settings)
    class Solid(Point):
        """With a docstring."""

        z: float = 0.0

    return Point, Solid


def objects(point, solid):
    return [point(1), point(1), point(1, 3), point(1, where="there"), solid(1, z=2.5), solid(1)]


SETTINGS = [{}, {"frozen": True}, {"slots": True}, {"frozen": True, "slots": True}, {"frozen": True, "slots": True, "eq": False}]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
class TestAsTheStandardOnes:
    @pytest.fixture
    def both(self, settings):
        return family(records.dataclass, **settings), family(dataclasses.dataclass, **settings)

    def test_fields_defaults_and_hints_are_the_same(self, both):
        for ours, theirs in zip(*both, strict=True):
            told = [
                [(f.name, f.type, f.default, f.default_factory, f.init, f.compare, f.metadata) for f in dataclasses.fields(c)]
                for c in (ours, theirs)
            ]
            assert told[0] == told[1]
            assert ours.__match_args__ == theirs.__match_args__
            assert get_type_hints(ours) == get_type_hints(theirs)
            assert ours.count == 7
            assert getattr(ours, "__slots__", None) == getattr(theirs, "__slots__", None)
            assert dataclasses.is_dataclass(ours)

    def test_objects_say_the_same_and_are_equal_when_the_others_are(self, both):
        made = [objects(*pair) for pair in both]
        assert [repr(one) for one in made[0]] == [repr(one) for one in made[1]]
        equal = [[[a == b for a in row] for b in row] for row in made]
        assert equal[0] == equal[1]
        assert made[0][1].total == 3
        assert made[0][0].more is not made[0][1].more

    def test_hashing_is_the_same(self, both):
        for pair in zip(*both, strict=True):
            ours, theirs = ((c.__hash__ is None, c.__hash__ is object.__hash__) for c in pair)
            assert ours == theirs

    def test_replace_asdict_copy_and_pickle_work(self, both, monkeypatch):
        for cls in both[0]:
            one = cls(1, names=("a",))
            assert dataclasses.asdict(dataclasses.replace(one, y=5)) == dataclasses.asdict(cls(1, 5, ("a",)))
            assert dataclasses.asdict(copy.deepcopy(one)) == dataclasses.asdict(one)
            monkeypatch.setattr(sys.modules[__name__], cls.__name__, cls, raising=False)
            cls.__qualname__ = cls.__name__
            assert dataclasses.asdict(pickle.loads(pickle.dumps(one))) == dataclasses.asdict(one)

    def test_assignment_is_refused_by_the_same_classes(self, both, settings):
        for cls in (*both[0], *both[1]):
            one = cls(1)
            if settings.get("frozen"):
                with pytest.raises(FrozenInstanceError):
                    one.x = 2
                with pytest.raises(FrozenInstanceError):
                    del one.x
            else:
                one.x = 2
                assert one.x == 2

    def test_the_signature_is_the_same(self, both):
        for ours, theirs in zip(*both, strict=True):
            assert str(inspect.signature(ours)) == str(inspect.signature(theirs))

    def test_the_thousandth_object_is_made_like_the_first(self, both):
        for cls in both[0]:
            first, last = (cls(1, names=("a",)), [cls(1, names=("a",)) for _ in range(1000)][-1])
            assert dataclasses.asdict(first) == dataclasses.asdict(last)
            assert cls(2, 3).y == 3

    def test_wrong_arguments_are_named(self, both):
        for cls in (*both[0], *both[1]):
            with pytest.raises(TypeError, match=r"__init__\(\) missing 1 required positional argument: 'x'"):
                cls()
            with pytest.raises(TypeError, match=r"unexpected keyword argument 'wrong'"):
                cls(1, wrong=2)
            with pytest.raises(TypeError, match="multiple values for argument 'x'"):
                cls(1, x=2)
            with pytest.raises(TypeError, match="positional argument"):
                cls(*range(9))


def test_a_check_after_construction_runs_and_a_cached_property_is_kept():
    @records.dataclass(frozen=True)
    class Checked:
        x: int

        def __post_init__(self) -> None:
            if self.x < 0:
                raise ValueError(self.x)

        @cached_property
        def twice(self) -> list[int]:
            return [self.x, self.x]

    one = Checked(1)
    assert one.twice is one.twice
    assert hash(one) == hash(Checked(1))
    with pytest.raises(ValueError):
        Checked(-1)


def test_zero_argument_super_works_where_the_class_need_not_be_made_again():
    @records.dataclass
    class Base:
        x: int

        def told(self) -> str:
            return f"base {self.x}"

    @records.dataclass
    class Derived(Base):
        y: int = 0

        def told(self) -> str:
            return super().told() + f" {self.y}"

    assert Derived(1, 2).told() == "base 1 2"


@pytest.mark.skipif(sys.version_info < (3, 13), reason="copy.replace came with Python 3.13")
def test_copy_replace_works():
    point, _ = family(records.dataclass, frozen=True)
    assert copy.replace(point(1), y=5) == point(1, 5)


def test_no_private_name_of_the_standard_library_is_used():
    """A private name of `dataclasses` may be gone in the next Python."""
    tree = ast.parse(Path(records.__file__).read_text(encoding="utf-8"))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    own = {"__dataclass_fields__", "__dataclass_params__"}  # what makes a class a dataclass: typeshed's protocol, and inheritance
    assert {name for name in names if name.startswith("_dataclass") or "__dataclass" in name} <= own
    modules = {"dataclasses", "inspect"}
    used = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and getattr(n.value, "id", None) in modules}
    assert not {name for name in used if name.startswith("_")}
    assert "_field_type" not in names


def test_a_class_keeps_the_methods_it_defines():
    @records.dataclass(frozen=True, slots=True)
    class Own:
        x: int

        def __repr__(self) -> str:
            return "own"

        def __eq__(self, other: object) -> bool:
            return True

    assert repr(Own(1)) == "own"
    assert Own(1) == Own(2)
    assert hash(Own(1)) == hash(Own(1))


def test_matching_by_position_works():
    @records.dataclass(frozen=True, slots=True)
    class Pair:
        a: int
        b: int

    match Pair(1, 2):
        case Pair(a, b):
            assert (a, b) == (1, 2)


@pytest.mark.parametrize("settings", [{"order": True}, {"kw_only": True}, {"repr": False}])
def test_what_is_not_made_here_is_left_to_the_standard_decorator(settings):
    @records.dataclass(frozen=True, **settings)
    class Other:
        x: int = 0

    @dataclasses.dataclass(frozen=True, **settings)
    class Same:
        x: int = 0

    assert ("__lt__" in vars(Other)) == ("__lt__" in vars(Same))
    assert (repr(Other()) == object.__repr__(Other())) == (repr(Same()) == object.__repr__(Same()))


def test_a_mutable_default_is_refused():
    with pytest.raises(ValueError, match="mutable default"):

        @records.dataclass(frozen=True)
        class Wrong:
            x: list = []  # noqa: RUF012


def test_a_standard_dataclass_may_extend_a_record_and_the_other_way_round():
    @records.dataclass(frozen=True)
    class A:
        x: int

    @dataclasses.dataclass(frozen=True)
    class B(A):
        y: int = 1

    @records.dataclass(frozen=True)
    class C(B):
        z: int = 2

    assert dataclasses.astuple(C(0)) == (0, 1, 2)


def test_making_a_record_costs_less_than_half_of_a_standard_dataclass():
    code = (
        "import time, sys, dataclasses\nfrom netfig import records\n"
        "def cost(decorator):\n"
        "    times = []\n"
        "    for _ in range(40):\n"
        "        start = time.perf_counter()\n"
        "        @decorator(frozen=True, slots=True)\n"
        "        class A:\n"
        "            a: int\n            b: str = ''\n            c: tuple = ()\n            d: float = 0.0\n"
        "        times.append(time.perf_counter() - start)\n"
        "    return min(times)\n"
        "print(cost(records.dataclass) / cost(dataclasses.dataclass))"
    )
    ratio = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout
    assert float(ratio) < 0.5
