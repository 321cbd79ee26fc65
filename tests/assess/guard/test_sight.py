"""Detectors over JSON: found behind escapes, whole escapes cut, and what is left is JSON still."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest

from clearspan import guards
from clearspan.assess.finding import Finding
from clearspan.assess.guard.judge import Check, Said, judge
from clearspan.assess.guard.sight import replaced, sight
from tests.assess.guard.kit import Keys, Rude, guard
from tests.assess.guard.test_hold import Run

TOKEN = "ghp_" + "aB3dE5gH7j" * 3 + "aB3dE5"
HIDDEN = [
    (guards.Secrets, TOKEN),
    (guards.Secrets, "AKIAABCDEFGHIJ234567"),
    (guards.PII, "al@example.com"),
    (guards.PII, "4111111111111111"),
    (guards.PII, "078-05-1120"),
    (guards.PII, "DE89370400440532013000"),
    (guards.PII, "192.168.12.77"),
    (guards.PII, "+14155552671"),
]


def without(text: str, found: Any) -> str:
    for one in reversed(found):
        text = text[: one.start] + replaced(one) + text[one.end :]
    return text


def keys(text: str, *, quoted: bool = False) -> str:
    return without(text, sight(Keys().find, text, json=True, quoted=quoted))


@pytest.mark.parametrize(("made", "hidden"), HIDDEN)
@pytest.mark.parametrize("before", ["\n", "\t", "\r\n", '"', "\\"])
@pytest.mark.parametrize("deep", [1, 2])
def test_it_is_found_behind_any_escape(made: Any, hidden: str, before: str, deep: int) -> None:
    source: Any = {"content": f"line one{before}{hidden}{before}line"}
    for _ in range(deep):
        source = json.dumps(source)
    left: Any = without(source, sight(made("redact").detector.find, source, json=True))
    for _ in range(deep):
        left = json.loads(left)
    assert hidden not in str(left)
    assert left["content"].startswith("line one")
    assert left["content"].endswith("line")


def test_only_what_was_found_goes() -> None:
    assert keys(json.dumps({"a": "x\nsk-12\ny"})) == '{"a": "x\\n<KEY>\\ny"}'
    assert keys('{"a": "\\u0073k-12"}') == '{"a": "<KEY>"}'
    assert keys('{"a": "C:\\\\sk-12"}') == '{"a": "C:\\\\<KEY>"}'


def test_numbers_that_go_leave_a_text() -> None:
    made: Any = guards.PII("redact")
    source = '{"card": 4111111111111111, "n": 1}'
    left = without(source, sight(made.detector.find, source, json=True))
    assert json.loads(left) == {"card": "<CREDIT_CARD>", "n": 1}


class Across:
    """Finds all from one place to another."""

    def __init__(self, start: int, end: int) -> None:
        self.span = start, end

    def __call__(self, text: str) -> list[Finding]:
        return [Finding("X", *self.span)]


def test_what_goes_across_strings_leaves_their_quotes() -> None:
    source = '{"a": "one", "b": 22, "c": true}'
    for start in range(len(source)):
        for end in range(start + 1, len(source)):
            json.loads(without(source, sight(Across(start, end), source, json=True)))
    assert without(source, sight(Across(7, 17), source, json=True)).count('"') == source.count('"')
    assert without("{x sk-1 y}", sight(Keys().find, "{x sk-1 y}", json=True)) == "{x <KEY> y}"
    assert keys("sk-12 at last", quoted=True) == "<KEY> at last"


def test_prose_goes_as_a_whole_however_it_reads() -> None:
    def find(text: str) -> list[Finding]:
        return [Finding("WORD", *match.span(1)) for match in re.finditer(r"is (\S+)", text)]

    source = "It is Hun7er\\t2xk9Q and C:\\new is x"
    assert without(source, sight(find, source, json=False)) == "It is <WORD> and C:\\new is <WORD>"


@pytest.mark.parametrize("seed", range(40))
def test_however_a_stream_of_json_is_cut_it_stays_json(seed: int) -> None:
    dice = random.Random(seed)
    bits = ["sk-1", "234", "\n", "\t", '"', "\\", " ", "word", "\u00e9", "sk-", "\U0001f600", "9"]
    said: Any = {"a": "".join(dice.choices(bits, k=25)), "b": "".join(dice.choices(bits, k=25))}
    source = json.dumps(said)
    if seed % 2:
        source = re.sub("s", "\\\\u0073", source)
    pieces, at = list[str](), 0
    while at < len(source):
        step = dice.randint(1, 9)
        pieces.append(source[at : at + step])
        at += step
    left = Run(guard(Keys(), "output", "redact")).all(pieces)
    wanted = {name: re.sub(r"(?<!\w)sk-\d{1,9}", "<KEY>", text) for name, text in said.items()}
    assert json.loads(left) == wanted
    blocked = Run(guard(Keys(), "output"))
    out = blocked.all(pieces)
    assert (blocked.chain.stop is not None) == (wanted != said)
    assert source.startswith(out)


def test_who_blocks_reads_it_too() -> None:
    source = '{"a": "\\u0073k-12"}'
    said = [Said(source), Said("fine")]
    assert judge(Check(guard(Keys()), "input", said, (), "chat")).score.passed is False
    assert judge(Check(guard(Rude()), "input", said, (), "chat")).score.passed is True

    class Raw(Rude):
        raw = True

    hidden = [Said('{"a": "b\\u006cast"}'), Said("fine")]
    assert judge(Check(guard(Raw()), "input", hidden, (), "chat")).score.passed is False
    assert judge(Check(guard(Rude()), "input", hidden, (), "chat")).score.passed is True


def test_a_canary_does_not_leave_through_a_tool() -> None:
    mark = "k7m2n4p6q8r9s3t5"
    source = '{"q": "' + "".join(f"\\u{ord(letter):04x}" for letter in mark) + '"}'
    for pieces in ([source], list(source)):
        run = Run(guards.CanaryLeak(markers=mark, deadline=10.0))
        assert mark not in json.dumps(run.all(pieces))
        assert run.chain.stop is not None
