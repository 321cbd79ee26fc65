"""Reading other people's values: what is known is read, and nothing of theirs is run."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import pathlib
import sys
import threading
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import pydantic
import pytest

from clearspan.core import jsonfast, read
from clearspan.core.copying import Copier

# -- hostile values ------------------------------------------------------------------------------------


class Touched(BaseException):
    """Not an `Exception`, so that nothing can swallow it."""


def _touch(*_: Any, **__: Any) -> Any:
    raise Touched


# Every method that Python looks up on a class by itself, but those that make and unmake objects.
DUNDERS = [
    "__getattr__", "__getattribute__", "__setattr__", "__delattr__", "__dir__", "__repr__", "__str__", "__bytes__", "__format__",
    "__hash__", "__bool__", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__call__", "__len__", "__length_hint__",
    "__iter__", "__next__", "__reversed__", "__contains__", "__getitem__", "__setitem__", "__missing__", "__int__", "__float__",
    "__index__", "__complex__", "__round__", "__trunc__", "__floor__", "__ceil__", "__enter__", "__exit__", "__aiter__",
    "__anext__", "__await__", "__copy__", "__deepcopy__", "__reduce__", "__reduce_ex__", "__getstate__", "__sizeof__",
    "__instancecheck__", "__subclasscheck__", "__fspath__", "__neg__", "__add__", "__sub__", "__rsub__", "__radd__", "__mul__",
    "keys", "items", "values", "get", "model_dump", "dict", "json", "value", "name", "copy", "isoformat", "tolist",
]  # fmt: skip


def _hostile_class(*bases: type, **members: Any) -> Any:
    body: dict[str, Any] = dict.fromkeys(DUNDERS, _touch)
    body["__class__"] = property(_touch)
    return type("Hostile", bases, {**body, "__module__": "somewhere", **members})


class _Meta(type):
    """A metaclass that answers for its classes, badly."""

    def __getattribute__(cls, name: str) -> Any:
        raise Touched

    def __eq__(cls, other: object) -> bool:
        raise Touched

    __hash__ = None  # type: ignore[assignment]


HOSTILE: list[tuple[Callable[[], Any], Any]] = [
    (lambda: _hostile_class()(), "<somewhere.Hostile>"),  # noqa: PLW0108 -- made in the test
    (lambda: _hostile_class(__slots__=())(), "<somewhere.Hostile>"),  # noqa: PLW0108 -- made in the test
    (lambda: _hostile_class(str)("text"), "text"),
    (lambda: _hostile_class(int)(5), 5),
    (lambda: _hostile_class(float)(1.5), 1.5),
    (lambda: _hostile_class(list)([1, 2]), [1, 2]),
    (lambda: _hostile_class(tuple)((1, 2)), [1, 2]),
    (lambda: _hostile_class(set)({1}), [1]),
    (lambda: _hostile_class(frozenset)({1}), [1]),
    (lambda: _hostile_class(dict)({"a": 1}), {"a": 1}),
    (lambda: _hostile_class(bytes)(b"x"), "<somewhere.Hostile>"),
    (lambda: _hostile_class(datetime.date)(2024, 1, 2), "<somewhere.Hostile>"),
    (lambda: _hostile_class(decimal.Decimal)("1"), "<somewhere.Hostile>"),
    (lambda: _Meta("Odd", (), {"__module__": "somewhere"})(), "<somewhere.Odd>"),  # noqa: PLW0108 -- made in the test
    (lambda: _Meta("Odd", (dict,), {"__module__": "somewhere"})({"a": 1}), {"a": 1}),
    (lambda: _hostile_class(__module__=property(_touch))(), "<?.Hostile>"),  # noqa: PLW0108 -- made in the test
]  # fmt: skip


@pytest.mark.parametrize(("make", "expected"), HOSTILE)
def test_nothing_of_a_hostile_value_is_run(make: Callable[[], Any], expected: Any) -> None:
    value = make()
    found = read.plain(value)
    assert found == expected
    assert type(found) is type(expected)
    inside = read.plain({"list": [value], "set": (value,)})
    assert inside == {"list": [expected], "set": [expected]}
    copied = Copier().of([value], 3)[0]
    assert copied is value or type(copied) in (list, tuple, dict)
    assert read.plain(copied) == expected
    assert read.plain(Copier(bare=True).of([value], 3)) == [expected]
    for reader in (read.text, read.whole, read.count, read.number, read.items, read.get):
        reader(value)
        reader({"a": value}, "a")
        reader(value, "a", "b")
    assert read.fields(value) is None or expected == {"a": 1}


def test_hostile_values_are_read_for_what_they_are() -> None:
    assert read.get(_hostile_class(dict)({"a": {"b": 1}}), "a", "b") == 1
    assert read.text(_hostile_class(str)("t")) == "t"
    assert type(read.text(_hostile_class(str)("t"))) is str
    assert read.whole(_hostile_class(int)(7)) == 7
    assert read.number(_hostile_class(float)(7.5)) == 7.5
    assert read.items(_hostile_class(list)([1])) == [1]
    assert read.items(_hostile_class(tuple)((1,))) == [1]


def test_a_hostile_metaclass_does_not_make_dataclasses_of_others() -> None:
    odd = _Meta("Odd", (), {"__module__": "somewhere", "__dict__": property(_touch)})
    assert read.fields(odd()) is None


class Lazy:
    """What a web framework hands out: it is whatever it stands for, once asked."""

    def __init__(self) -> None:
        self.asked = 0

    @property
    def __class__(self) -> Any:
        self.asked += 1
        return dict


def test_a_proxy_is_not_asked_what_it_is() -> None:
    lazy = Lazy()
    assert read.plain([lazy]) == [f"<{__name__}.Lazy>"]
    assert read.get(lazy, "a") is None
    assert read.text(lazy) is read.whole(lazy) is read.number(lazy) is None
    assert lazy.asked == 0


# -- fields --------------------------------------------------------------------------------------------


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    name: str
    inner: Model | None = None

    @property
    def computed(self) -> str:
        raise Touched

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def dumped(self) -> str:
        raise Touched


class Closed(pydantic.BaseModel):
    name: str


def test_a_pydantic_model_with_what_it_does_not_declare() -> None:
    model = Model.model_validate({"name": "n", "inner": {"name": "i"}, "new": {"x": 1}})
    assert read.get(model, "name") == "n"
    assert read.get(model, "inner", "name") == "i"
    assert read.get(model, "new", "x") == 1
    assert read.get(model, "computed") is None
    assert read.get(model, "missing") is None
    assert read.plain(model) == {
        "name": "n",
        "inner": {"name": "i", "inner": None},
        "new": {"x": 1},
    }


def test_a_pydantic_model_without_extras() -> None:
    assert read.fields(Closed(name="n")) == {"name": "n"}
    assert read.get(Closed(name="n"), "name") == "n"


def test_a_model_that_was_never_filled() -> None:
    assert read.fields(Closed.__new__(Closed)) == {}


def test_a_model_of_pydantic_1_keeps_all_in_its_dictionary() -> None:
    old: Any = type("BaseModel", (), {"__module__": "pydantic.main"})
    model = type("Old", (old,), {})()
    model.__dict__["name"] = "n"
    assert read.fields(model) == {"name": "n"}


def test_a_base_model_of_somebody_else_is_opaque() -> None:
    other: Any = type("BaseModel", (), {"__module__": "mine"})()
    other.name = "n"
    assert read.fields(other) is None


class Answering(Closed):
    def __getattribute__(self, name: str) -> Any:
        raise Touched


class Storing(Closed):
    __dict__ = property(_touch)


class Keeping(Closed):
    __pydantic_extra__ = property(_touch)


class Helpful(Model):
    """What it lacks it makes up."""

    def __getattr__(self, name: str) -> Any:
        raise Touched


class Guessed(Closed):
    pass


@dataclasses.dataclass
class Point:
    x: int
    y: int = 2
    kind: ClassVar[str] = "class"


@dataclasses.dataclass(slots=True)
class Slotted:
    x: int
    y: int = 2
    kind: ClassVar[str] = "class"
    seed: dataclasses.InitVar[int] = 0


@dataclasses.dataclass(slots=True)
class Mixed(Point):
    z: int = 3


class Inherits(Point):
    """No dataclass of its own making."""


@dataclasses.dataclass
class Guarded:
    """A field that is a property runs code when it is read."""

    x: int

    def __post_init__(self) -> None:
        type(self).x = property(_touch)  # type: ignore[method-assign,assignment]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Point(1), {"x": 1, "y": 2}),
        (Inherits(1), {"x": 1, "y": 2}),
        (Slotted(1), {"x": 1, "y": 2}),
        (Mixed(1), {"x": 1, "y": 2, "z": 3}),
        (Guarded(1), {"x": 1}),
        ({"a": 1}, {"a": 1}),
        (collections.OrderedDict(a=1), {"a": 1}),
        (object(), None),
        (None, None),
        ("text", None),
        (Point, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_fields(value: Any, expected: Any) -> None:
    assert read.fields(value) == expected


@pytest.mark.parametrize("cls", [Model, Closed, Guessed, Helpful, pydantic.BaseModel])
def test_a_model_whose_storage_is_python_s_may_be_asked(cls: type) -> None:
    assert read.is_model(cls)
    assert read.is_model(cls)  # as remembered


NO_MODELS: list[type] = [
    Answering, Storing, Keeping, Point, Slotted, dict, collections.OrderedDict, list, str, int, type(None), object,
    type("BaseModel", (), {"__module__": "mine"}), type("BaseModel", (), {"__module__": "pydantic.main"}), _Meta("Odd", (), {}),
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(NO_MODELS)))
def test_nothing_else_is_such_a_model(place: int) -> None:
    assert not read.is_model(NO_MODELS[place])
    assert not read.is_model(NO_MODELS[place])


def test_the_fields_that_a_model_declares_are_those_it_keeps() -> None:
    model = Closed(name="n")
    assert read.declared(model) is vars(model)
    assert read.declared(model) == {"name": "n"}
    assert read.declared(Model(name="n")) == {"name": "n", "inner": None}
    assert read.declared(Model.model_validate({"name": "n"})) == {"name": "n", "inner": None}
    assert read.declared(Guessed.model_construct(_fields_set=None)) == {}


@pytest.mark.parametrize(
    "value",
    [
        Model.model_validate({"name": "n", "new": 1}), Model.model_construct(name="n", new=None), Point(1), Slotted(1),
        {"name": "n"}, collections.OrderedDict(a=1), [1], "text", 7, None, object(), Closed,
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_no_model_or_has_other_fields_declares_none(value: Any) -> None:
    assert read.declared(value) is None


@pytest.mark.parametrize("cls", [Answering, Storing, Keeping])
def test_a_model_that_answers_for_itself_is_not_asked(cls: Any) -> None:
    assert read.declared(cls.__new__(cls)) is None


def test_a_model_that_was_never_filled_declares_nothing_and_is_not_asked() -> None:
    assert read.declared(Closed.__new__(Closed)) == {}
    assert read.declared(Helpful.__new__(Helpful)) == {}


def test_hostile_values_declare_nothing() -> None:
    for make, _ in HOSTILE:
        assert read.declared(make()) is None


def test_a_slot_that_was_never_filled_is_none() -> None:
    assert read.fields(Slotted.__new__(Slotted)) == {"x": None, "y": None}


def test_a_dataclass_that_hides_its_storage_is_opaque() -> None:
    @dataclasses.dataclass
    class Hiding:
        x: int
        __dict__ = property(_touch)  # type: ignore[assignment]

    assert read.fields(Hiding.__new__(Hiding)) is None


def test_a_dictionary_of_its_own_class_is_read_by_the_plain_methods() -> None:
    class Shouting(dict[str, Any]):
        def get(self, *_: Any) -> Any:
            raise Touched

        __getitem__ = items = __iter__ = get

    value = Shouting(a=Shouting(b=1))
    assert read.get(value, "a", "b") == 1
    assert read.plain(value) == {"a": {"b": 1}}


def test_many_classes_are_not_kept_for_ever() -> None:
    for number in range(1200):
        kind = dataclasses.make_dataclass(f"D{number}", ["x"])
        assert read.fields(kind(number)) == {"x": number}
    assert len(read._kinds) <= 512


# -- values at a path ------------------------------------------------------------------------------------


class Colour(str, enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Sly(enum.Enum):
    ONE = "one"

    @property
    def value(self) -> Any:  # type: ignore[override]
        raise Touched


@pytest.mark.parametrize(
    ("value", "text", "whole", "count", "number"),
    [
        ("a", "a", None, None, None),
        ("", None, None, None, None),
        (Colour.RED, "red", None, None, None),
        (Sly.ONE, "one", None, None, None),
        (Level.HIGH, None, 3, 3, 3.0),
        (5, None, 5, 5, 5.0),
        (0, None, 0, 0, 0.0),
        (-5, None, -5, None, -5.0),
        (True, None, None, None, None),
        (1.5, None, None, None, 1.5),
        (float("nan"), None, None, None, None),
        (float("-inf"), None, None, None, None),
        (10**400, None, 10**400, 10**400, None),
        (None, None, None, None, None),
        (b"a", None, None, None, None),
        (["a"], None, None, None, None),
        (decimal.Decimal(1), None, None, None, None),
    ],
    ids=lambda value: str(value)[:20],
)
def test_typed_values(value: Any, text: Any, whole: Any, count: Any, number: Any) -> None:
    for source, path in ((value, ()), ({"a": {"b": value}}, ("a", "b"))):
        found = (
            read.text(source, *path),
            read.whole(source, *path),
            read.count(source, *path),
            read.number(source, *path),
        )
        assert found == (text, whole, count, number)
        assert [type(item) for item in found] == [
            type(item) for item in (text, whole, count, number)
        ]


def test_a_path_ends_where_something_is_missing() -> None:
    assert read.get({"a": {"b": 1}}, "a", "b") == 1
    assert read.get({"a": {"b": 1}}, "a", "c", "d") is None
    assert read.get({"a": [1]}, "a", "b") is None
    assert read.get(5) == 5
    assert read.get(None, "a") is None


class Pair(NamedTuple):
    a: int
    b: int


def test_items() -> None:
    given = [1]
    assert read.items(given) is given
    assert read.items((1, 2)) == [1, 2]
    assert read.items(Pair(1, 2)) == [1, 2]
    assert read.items({"a": [1]}, "a") == [1]
    assert read.items({"a": {1}}, "a") == []
    assert read.items("text") == read.items(None) == read.items(iter([1])) == []


# -- plain values ----------------------------------------------------------------------------------------

UTC = datetime.timezone.utc


class Zone(datetime.tzinfo):
    def utcoffset(self, when: Any) -> Any:
        raise Touched

    tzname = dst = utcoffset


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        ("a", "a"),
        (1, 1),
        (1.5, 1.5),
        (float("nan"), None),
        (float("inf"), None),
        (2**2048, "<int of 2049 bits>"),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (Sly.ONE, "one"),
        ([1, (2, {3}), frozenset()], [1, [2, [3]], []]),
        (Pair(1, 2), [1, 2]),
        (collections.deque([1]), "<collections.deque>"),
        (b"abc", "<bytes of 3 bytes>"),
        (bytearray(2), "<bytearray of 2 bytes>"),
        (memoryview(b"a"), "<builtins.memoryview>"),
        (datetime.date(2024, 1, 2), "2024-01-02"),
        (
            datetime.datetime(2024, 1, 2, 3),  # noqa: DTZ001 -- one without a zone
            "2024-01-02 03:00:00",
        ),
        (datetime.datetime(2024, 1, 2, 3, tzinfo=UTC), "2024-01-02 03:00:00+00:00"),
        (
            datetime.datetime(2024, 7, 2, 3, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
            "2024-07-02 03:00:00+02:00",
        ),
        (
            datetime.datetime(2024, 1, 2, 3, tzinfo=Zone()),
            f"2024-01-02 03:00:00 <{__name__}.Zone>",
        ),
        (datetime.time(3, tzinfo=Zone()), f"03:00:00 <{__name__}.Zone>"),
        (datetime.timedelta(seconds=1), "0:00:01"),
        (decimal.Decimal("1.20"), "1.20"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (pathlib.Path("/a/b"), str(pathlib.Path("/a/b"))),
        (pathlib.PureWindowsPath("c:/a"), "c:\\a"),
        (Point(1), {"x": 1, "y": 2}),
        ({1: "int", None: "none", (1, 2): "pair", Colour.RED: "enum"}, None),
        (len, "<builtins.builtin_function_or_method>"),
        (Point, "<builtins.type>"),
        (iter([1]), "<builtins.list_iterator>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_plain(value: Any, expected: Any) -> None:
    if isinstance(value, dict) and expected is None:
        expected = {"1": "int", "None": "none", "[1, 2]": "pair", "red": "enum"}
    found = read.plain(value)
    assert found == expected
    assert type(found) is type(expected)


def test_depth_is_bounded() -> None:
    nested: Any = "bottom"
    for _ in range(30):
        nested = [nested]
    text = jsonfast.dumps(read.plain(nested, depth=3))
    assert text == '[[["..."]]]'
    assert read.plain({"a": {"b": 1}}, depth=1) == {"a": "..."}
    assert read.plain("leaf", depth=0) == "leaf"
    assert read.plain([], depth=0) == "..."


def test_breadth_is_bounded_and_says_how_much_is_missing() -> None:
    assert read.plain(list(range(1005)))[999:] == [999, "... 5 more"]  # type: ignore[index]
    assert read.plain([1, 2, 3], breadth=2) == [1, 2, "... 1 more"]
    assert len(read.plain({str(number): number for number in range(1005)})) == 1000  # type: ignore[arg-type]


def test_a_circle_ends() -> None:
    circle: list[Any] = []
    circle.append(circle)
    assert jsonfast.dumps(read.plain(circle, depth=3)) == '[[["..."]]]'


def test_a_graph_that_meets_itself_everywhere_ends_too() -> None:
    graph: dict[str, Any] = {}
    graph.update({str(number): graph for number in range(100)})  # 100 ** 12 paths
    seen = 0

    def count(value: Any) -> None:
        nonlocal seen
        seen += 1
        for item in value.values() if isinstance(value, dict) else ():
            count(item)

    count(read.plain(graph))
    assert 1000 < seen <= read._MAX_NODES + 1


def test_an_enumeration_of_containers() -> None:
    class Shape(enum.Enum):
        SQUARE = ((0, 0), (1, 1))

    assert read.plain([Shape.SQUARE]) == [[[0, 0], [1, 1]]]


def test_a_dictionary_that_changes_meanwhile_is_read_in_one_go() -> None:
    changing: dict[int, int] = dict.fromkeys(range(500), 0)
    stop = threading.Event()

    def change() -> None:
        number = 500
        while not stop.is_set():
            changing[number] = 0
            del changing[number]
            number += 1

    thread = threading.Thread(target=change)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread.start()
    try:
        found = [len(read.plain(changing)) for _ in range(50)]  # type: ignore[arg-type]
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(interval)
    assert set(found) <= {500, 501}


@pytest.mark.parametrize("declared", [5, ["x"], {1: "x", None: "y"}, None])
def test_F25_what_only_looks_like_a_dataclass_is_opaque(declared: Any) -> None:
    odd = type("Odd", (), {"__dataclass_fields__": declared, "__module__": "somewhere"})
    assert read.fields(odd()) is None
    assert read.plain([odd()]) == ["<somewhere.Odd>"]


def test_what_is_no_sequence_has_no_elements() -> None:
    assert [(list(found), size) for found, size in map(read.elements, ((1, 2), 7, {"a": 1}))] == [
        ([1, 2], 2), ([], 0), ([], 0),
    ]  # fmt: skip
