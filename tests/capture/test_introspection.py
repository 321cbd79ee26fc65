"""A decorated function is taken for what it is: by `inspect`, by frameworks, by pickle and copy."""

from __future__ import annotations

import copy
import inspect
import pickle
import typing
from collections.abc import Callable, Iterator
from typing import Any

import click
import pytest
from pydantic import validate_call

import clearspan
from clearspan.testing import Captured


def plain(a: int, /, b: str = "b", *args: int, c: float = 1.0, **more: bool) -> dict[str, Any]:
    """What it does."""
    return {"a": a, "b": b, "args": args, "c": c, "more": more}


async def awaited(a: int, *, b: str = "b") -> int:
    """What it does."""
    return a


def generated(a: int, *, b: str = "b") -> Iterator[int]:
    """What it does."""
    yield a


async def streamed(a: int, *, b: str = "b") -> Any:
    """What it does."""
    yield a


FUNCTIONS = [plain, awaited, generated, streamed]
WAYS: list[Callable[..., Any]] = [
    clearspan.observe,
    clearspan.tool(name="x", capture=False),
    clearspan.context(session="s"),
    clearspan.suppressed(),
]
KINDS = [
    inspect.isfunction,
    inspect.isroutine,
    inspect.iscoroutinefunction,
    inspect.isgeneratorfunction,
    inspect.isasyncgenfunction,
    callable,
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_F35_signature_and_kind_are_those_of_the_function(
    function: Callable[..., Any], way: Callable[..., Any]
) -> None:
    made = way(function)
    assert inspect.signature(made) == inspect.signature(function)
    assert inspect.getfullargspec(made) == inspect.getfullargspec(function)
    assert typing.get_type_hints(made) == typing.get_type_hints(function)
    assert made.__wrapped__ is function
    assert inspect.unwrap(made) is function
    for name in (
        "__name__", "__qualname__", "__module__", "__doc__", "__defaults__", "__kwdefaults__",
        "__annotations__", "__code__", "__globals__", "__dict__", "__type_params__",
    ):  # fmt: skip
        assert getattr(made, name, None) == getattr(function, name, None), name
    for kind in KINDS:
        assert kind(made) == kind(function), kind
    assert inspect.getsource(made) == inspect.getsource(function)
    assert isinstance(made, type(function))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_methods_keep_their_kind(function: Callable[..., Any]) -> None:
    class Raw:
        method = function
        by_class = classmethod(function)
        static = staticmethod(function)

    class Made:
        method = clearspan.task(function)
        by_class = clearspan.task(classmethod(function))
        static = clearspan.task(staticmethod(function))

    for name in ("method", "by_class", "static"):
        for raw, made in ((Raw, Made), (Raw(), Made())):
            left, right = getattr(raw, name), getattr(made, name)
            for kind in [*KINDS, inspect.ismethod]:
                assert kind(right) == kind(left), (name, kind)
            assert inspect.signature(right) == inspect.signature(left)
            assert right.__name__ == left.__name__
            bound = getattr(left, "__self__", None)
            assert getattr(right, "__self__", None) is (made if bound is raw else bound and Made)


def test_attributes_can_be_set_and_read_on_it() -> None:
    def work() -> None:
        """Has attributes."""

    made: Any = clearspan.task(work)
    made.retries = 3
    assert work.retries == 3  # type: ignore[attr-defined]
    del made.retries
    assert not hasattr(work, "retries")


@clearspan.task
def at_module_level(number: int) -> int:
    return number + 1


@clearspan.context(session="pickled")
def in_a_context() -> str | None:
    from clearspan.capture.context import current_context

    said = current_context()
    return None if said is None else said.session


class Account:
    def __init__(self, amount: int) -> None:
        self.amount = amount

    @clearspan.task
    def add(self, more: int) -> int:
        self.amount += more
        return self.amount

    @clearspan.task
    @classmethod
    def name(cls) -> str:
        return cls.__name__

    @staticmethod
    @clearspan.task
    def fee() -> int:
        return 1


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_as_functions_do(protocol: int, seen: Captured) -> None:
    def there_and_back(value: Any) -> Any:
        return pickle.loads(pickle.dumps(value, protocol))

    assert there_and_back(at_module_level) is at_module_level
    assert there_and_back(in_a_context)() == "pickled"
    assert there_and_back(Account(1).add)(2) == 3
    assert there_and_back(Account.name)() == "Account"
    assert there_and_back(Account.fee)() == 1
    assert there_and_back(Account.add)(Account(1), 1) == 2
    assert [span.name for span in seen.spans] == [
        "Account.add", "Account.name", "Account.fee", "Account.add",
    ]  # fmt: skip


def test_what_could_not_be_pickled_still_cannot() -> None:
    def local() -> None:
        """Has no name that another process could find."""

    for one in (local, clearspan.task(local)):
        with pytest.raises((pickle.PicklingError, AttributeError)):
            pickle.dumps(one)


def test_F39_copies_are_as_of_functions_and_methods(seen: Captured) -> None:
    assert copy.copy(at_module_level) is at_module_level
    assert copy.deepcopy(at_module_level) is at_module_level
    account = Account(1)
    held = {"add": account.add, "account": account, "fee": Account.fee, "of": Account.add}
    copied = copy.deepcopy(held)
    assert copied["account"] is not account
    assert copied["add"].__self__ is copied["account"]
    assert copied["add"](5) == 6
    assert account.amount == 1
    assert copy.copy(account.add)(1) == 2
    assert account.amount == 2
    assert copied["fee"]() == 1
    assert copied["of"](account, 1) == 3
    assert len(seen.spans) == 4


def test_pydantic_validates_arguments_in_both_orders(seen: Captured) -> None:
    @validate_call
    @clearspan.task
    def inner(number: int, *, text: str = "x") -> tuple[int, str]:
        return number, text

    @clearspan.task
    @validate_call
    def outer(number: int, *, text: str = "x") -> tuple[int, str]:
        return number, text

    for function in (inner, outer):
        assert function("3", text="y") == (3, "y")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="valid integer"):
            function("three")  # type: ignore[arg-type]


def test_click_reads_its_options_in_both_orders(seen: Captured) -> None:
    from click.testing import CliRunner

    @click.command()
    @click.option("--count", type=int, default=1)
    @click.argument("name")
    @clearspan.workflow
    def inner(count: int, name: str) -> None:
        """Say a name."""
        click.echo(name * count)

    def outer_callback(count: int, name: str) -> None:
        """Say a name."""
        click.echo(name * count)

    outer = click.command()(
        clearspan.workflow(
            click.option("--count", type=int, default=1)(click.argument("name")(outer_callback))
        )
    )
    for command in (inner, outer):
        result = CliRunner().invoke(command, ["--count", "2", "ab"])
        assert (result.exit_code, result.output) == (0, "abab\n")
        assert "Say a name." in CliRunner().invoke(command, ["--help"]).output
    assert len(seen.spans) == 2


def test_typer_reads_its_options(seen: Captured) -> None:
    typer = pytest.importorskip("typer", reason="typer is not installed")
    from typer.testing import CliRunner

    app = typer.Typer()

    @app.command()
    @clearspan.workflow
    def hello(name: str, loud: bool = False) -> None:
        print(name.upper() if loud else name)

    result = CliRunner().invoke(app, ["ann", "--loud"])
    assert (result.exit_code, result.output) == (0, "ANN\n")
    assert len(seen.spans) == 1


def test_F35_fastapi_reads_parameters_and_dependencies(seen: Captured) -> None:
    fastapi = pytest.importorskip("fastapi", reason="fastapi is not installed")
    client = pytest.importorskip("fastapi.testclient", reason="its test client is not installed")
    app = fastapi.FastAPI()

    @clearspan.tool
    def current_user(x_user: str = fastapi.Header()) -> str:
        return x_user

    @clearspan.tool
    async def limit(q: int = 3) -> int:
        return q

    @app.post("/sync/{item}")
    @clearspan.workflow
    def plain_route(
        item: int,
        body: dict[str, int] = fastapi.Body(),
        user: str = fastapi.Depends(current_user),
        top: int = fastapi.Depends(limit),
    ) -> dict[str, Any]:
        return {"item": item, "body": body, "user": user, "top": top}

    @app.post("/async/{item}")
    @clearspan.context(session="web")
    @clearspan.workflow
    async def async_route(
        item: int,
        body: dict[str, int] = fastapi.Body(),
        user: str = fastapi.Depends(current_user),
        top: int = fastapi.Depends(limit),
    ) -> dict[str, Any]:
        return {"item": item, "body": body, "user": user, "top": top}

    with client.TestClient(app) as http:
        for way in ("sync", "async"):
            answer = http.post(f"/{way}/7?q=5", json={"a": 1}, headers={"x-user": "ann"})
            assert answer.status_code == 200, answer.text
            assert answer.json() == {"item": 7, "body": {"a": 1}, "user": "ann", "top": 5}
            assert http.post(f"/{way}/7", json={"a": 1}).status_code == 422
    routes = [span for span in seen.spans if span.attributes.get("session.id") == "web"]
    assert [span.name for span in routes] == ["invoke_workflow async_route"]


@pytest.fixture
@clearspan.task
def recorded_fixture(seen: Captured) -> Iterator[Captured]:
    with clearspan.span("set up"):
        """Before the test."""
    yield seen
    with clearspan.span("torn down"):
        """After it."""
    assert seen.open_calls == 1, "the fixture's own"


def test_pytest_fixtures(recorded_fixture: Captured) -> None:
    with clearspan.span("test"):
        """Not below the fixture: it is the consumer's."""
    assert [span.name for span in recorded_fixture.spans] == ["set up", "test"]
    assert recorded_fixture.span("test").parent_id is None
    assert recorded_fixture.span("set up").parent_id is not None
