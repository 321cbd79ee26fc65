"""What exceptions say, without running what the program's classes make of it."""

from __future__ import annotations

import builtins
import http.client
import json
import pathlib
import ssl
import subprocess
import urllib.error
import uuid
from collections.abc import Callable
from email.message import Message
from typing import Any

import httpx
import huggingface_hub.errors as hub
import ollama
import openai
import pydantic
import pytest

from clearspan.capture.errors import describe_error


class Own(Exception):
    """Says what it says itself."""

    asked = 0

    def __str__(self) -> str:
        type(self).asked += 1
        raise SystemExit(3)


class Repr:
    def __repr__(self) -> str:
        raise SystemExit(4)


class Dodging(Exception):
    """Has properties where Python keeps what it knows."""

    args = property(lambda self: 1 / 0)  # type: ignore[assignment]
    __cause__ = property(lambda self: 1 / 0)  # type: ignore[assignment]


def raised(work: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as caught:
        work()
    return caught.value


REQUEST = httpx.Request("GET", "http://host/x")
NO_SUCH = httpx.Response(404, request=REQUEST)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("plain"), ValueError(1, "two"), ValueError(), KeyError("k"), OSError(2, "gone", "name"), OSError(2, "gone"),
        OSError(1, "no", b"a", None, "b"), ssl.SSLError(1, "[SSL] bad"), ImportError("none", name="m"), StopIteration(7),
        raised(lambda: json.loads("{")), raised(lambda: compile("a b", "f", "exec")), raised(b"\xff".decode),
        raised(lambda: "\xe9".encode("ascii")), raised(lambda: open("/nonexistent")),  # noqa: PTH123, SIM115
        openai.NotFoundError("Error code: 404", response=NO_SUCH, body={"code": "c"}),
        openai.APIConnectionError(request=REQUEST), httpx.ConnectError("refused", request=REQUEST),
        httpx.HTTPStatusError("404", request=REQUEST, response=NO_SUCH), hub.HfHubHTTPError("gone", response=NO_SUCH),
        ollama.ResponseError("full", 503), subprocess.CalledProcessError(3, "ls"), subprocess.TimeoutExpired("ls", 2.0),
        urllib.error.HTTPError("http://host", 404, "Not Found", Message(), None), http.client.IncompleteRead(b"ab", 3),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_known_classes_say_what_they_say(error: Exception) -> None:
    assert describe_error(error).message == (str(error) or None)


class Telling:
    """Tells that it was asked."""

    def __repr__(self) -> str:
        return "asked"


class Text(str):
    """A text that tells it."""

    __slots__ = ()

    def __str__(self) -> str:
        return "asked"

    __repr__ = __str__


class Answering(ollama.ResponseError):
    """Has a property where the library keeps what it knows."""

    error = property(lambda self: "asked", lambda self, given: vars(self).update(error=given))  # type: ignore[assignment]


def changed(error: Exception, /, **fields: Any) -> Exception:
    for name, value in fields.items():
        setattr(error, name, value)
    return error


def invalid() -> Exception:
    class Asked(pydantic.BaseModel):
        number: int

    return raised(lambda: Asked(number=Telling()))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(2, "no", Telling()), '[2,"no"]'),
        (OSError(1, "no", "a", None, Telling()), '[1,"no"]'),
        (changed(OSError(2, "no"), strerror=Telling()), '[2,"no"]'),
        (changed(SyntaxError("no", ("f", 1, 1, "t")), filename=Text("f")), '["no",["f",1,1,"t"]]'),
        (changed(UnicodeDecodeError("utf-8", b"x", 0, 1, "no"), reason=Text("q")), '["utf-8","<bytes of 1 bytes>",0,1,"no"]'),
        (changed(ImportError("no"), msg=Text("q")), "no"),
        (subprocess.CalledProcessError(1, ["ls", Telling()]), f'[1,["ls","<{__name__}.Telling>"]]'),
        (Answering("said", 500), "said"),
        (changed(ollama.ResponseError("said", 500), error=Telling()), "said"),
        (invalid(), "1 validation error for Asked"),
        (raised(lambda: pydantic.TypeAdapter(tuple[int, int]).validate_python(("a", "b"))), "2 validation errors for tuple[int, int]"),
        (ValueError(10**5_000), "<int of 16610 bits>"),
    ],
    ids=lambda given: type(given).__name__,
)  # fmt: skip
def test_F25_what_is_kept_beside_the_arguments_is_not_asked_either(
    error: Exception, message: str
) -> None:
    assert describe_error(error).message == message


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Own("what", 1), '["what",1]'),
        (Own("alone"), "alone"),
        (Own(), None),
        (ValueError(Repr()), f"<{__name__}.Repr>"),
        (ValueError("a", Repr()), f'["a","<{__name__}.Repr>"]'),
        (RuntimeError(ValueError("inner")), "inner"),
        (RuntimeError(Own("inner")), "inner"),
        (ValueError({"a": [1]}), '{"a":[1]}'),
        (ValueError(pathlib.PurePosixPath("/a")), "/a"),
        (ValueError(uuid.UUID(int=1)), str(uuid.UUID(int=1))),
        (KeyError(Repr()), f"<{__name__}.Repr>"),
        (Dodging("kept"), "kept"),
    ],
)
def test_F25_what_the_program_would_have_to_say_is_told_from_what_was_raised(
    error: BaseException, message: str | None
) -> None:
    Own.asked = 0
    found = describe_error(error)
    assert (found.message, found.cause) == (message, None)
    assert Own.asked == 0


def test_an_error_that_holds_itself_ends() -> None:
    error = ValueError()
    error.args = (error,)
    assert describe_error(error).message == "<builtins.ValueError>"


@pytest.mark.skipif(not hasattr(builtins, "ExceptionGroup"), reason="groups came with 3.11")
def test_a_group_says_how_many_there_are() -> None:
    group: Any = vars(builtins)["ExceptionGroup"]
    assert describe_error(group("several", [Own()])).message == "several (1 sub-exception)"


def test_F28_long_messages_and_names_are_cut() -> None:
    message = describe_error(ValueError("x" * 5_000_000)).message
    assert message is not None
    assert message.endswith(f"…[{5_000_000 - 16_384} more]")
    named = type("E" * 100_000, (Exception,), {})
    found = describe_error(named("x"))
    assert (len(found.type), found.message) == (256, "x")


def test_F40_what_exceptions_were_raised_with_is_counted_over_all_of_them() -> None:
    """One that is among its own arguments eight times: five deep there are 37,449 of it."""
    error = ValueError()
    error.args = ("leaf", *[error] * 8)
    message = describe_error(error).message
    assert message is not None
    assert message.count("leaf") < 10
    error.args = tuple(range(100))
    assert describe_error(error).message == str(tuple(range(100)))
    error.args = (error, *range(100))
    assert describe_error(error).message is not None
