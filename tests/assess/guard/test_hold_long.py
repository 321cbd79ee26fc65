"""Streams with findings longer than a detector reaches: nothing of them is let go, however the stream is cut."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import pytest

from clearspan import guards
from clearspan.assess.finding import instead
from clearspan.assess.guard import Guard, Warden
from clearspan.provider import Slot
from tests.assess.guard.kit import PATIENT

DICE = random.Random(7)
WIDTHS = pytest.mark.parametrize("width", [1, 8, 100])


def letters(count: int) -> str:
    return "".join(
        DICE.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", k=count)
    )


def private_key() -> str:
    lines = "\n".join(letters(64) for _ in range(26))
    return f"-----BEGIN RSA PRIVATE KEY-----\n{lines}\n-----END RSA PRIVATE KEY-----"


def web_token() -> str:
    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    header = part(json.dumps({"alg": "RS256", "typ": "JWT"}).encode())
    payload = part(json.dumps({"sub": "1", "note": letters(1_500)}).encode())
    return f"{header}.{payload}.{part(DICE.randbytes(256))}"


def address() -> str:
    return "https://example.org/" + letters(5_000).replace("+", "a").replace("/", "b")


LONG = {
    "key": (guards.Secrets, private_key()),
    "token": (guards.Secrets, web_token()),
    "url": (guards.PII, address()),
}
KINDS = pytest.mark.parametrize("kind", LONG)


class Run:
    """A stream that goes through one guard; what comes out, and after how much of it nothing more."""

    def __init__(self, guard: Guard, text: str, width: int) -> None:
        warden = Warden([guard])
        case = warden.case("chat", None)
        assert case is not None
        chain = warden.streamed(case, _read, _put)
        out: list[Any] = []
        self.fed = 0
        for at in range(0, len(text), width):
            piece = text[at : at + width]
            out += warden.settle(chain.feed([piece]))
            self.fed = at + len(piece)
            if chain.stop is not None:
                break
        else:
            out += warden.settle(chain.end())
        warden.close()
        self.blocked = chain.stop is not None
        self.text = "".join(one[0] for one in out)


def _read(item: Any) -> list[Slot]:
    return [Slot(text, (at,), ("a",)) for at, text in enumerate(item)]


def _put(item: Any, path: Any, text: str) -> Any:
    return [text]


def told(long: str) -> str:
    return f"Here it is, as you asked for it: {long} and that is all that I have to say."


def whole(made: Any, text: str) -> str:
    """`text` as the guard leaves it where it comes at once."""
    for found in reversed(made("redact").detector.find(text)):
        text = text[: found.start] + instead(found) + text[found.end :]
    return text


@KINDS
@WIDTHS
def test_all_of_it_is_taken_out(kind: str, width: int) -> None:
    made, long = LONG[kind]
    run = Run(made("redact", phase="output", deadline=PATIENT), told(long), width)
    assert run.text == whole(made, told(long))
    assert not run.blocked
    if kind != "url":
        before, _, rest = run.text.partition("<")
        assert before == "Here it is, as you asked for it: "
        assert rest.partition(">")[2] == " and that is all that I have to say."


@KINDS
@WIDTHS
def test_a_block_comes_before_any_of_it_and_as_soon_as_it_is_seen(kind: str, width: int) -> None:
    made, long = LONG[kind]
    text = told(long)
    guard: Any = made("block", phase="output", deadline=PATIENT)
    run = Run(guard, text, width)
    assert run.blocked
    assert "Here it is, as you asked for it: ".startswith(run.text)
    assert run.fed <= text.index(long) + min(len(long), guard.detector.reach) + guard.detector.reach + width  # fmt: skip


@WIDTHS
def test_what_goes_on_until_the_end_is_taken_out_too(width: int) -> None:
    made, long = LONG["url"]
    run = Run(made("redact", phase="output", deadline=PATIENT), f"See {long}", width)
    assert run.text == whole(made, f"See {long}")
    assert run.text.startswith("See <URL>")
    some = long[:1_900]
    assert Run(made("redact", phase="output", deadline=PATIENT), f"See {some}", width).text == "See <URL>"  # fmt: skip


@WIDTHS
def test_a_key_that_is_cut_off_by_the_end_is_taken_out(width: int) -> None:
    made, long = LONG["key"]
    cut = long[:900]
    run = Run(made("redact", phase="output", deadline=PATIENT), f"Keep it: {cut}", width)
    assert run.text.startswith("Keep it: ")
    assert all(line not in run.text for line in cut.splitlines()[1:])
