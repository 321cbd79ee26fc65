from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import clearspan
from tests.cli.conftest import INTERRUPTIBLE, PATIENCE, Command, chat, record, shop

Follow = Callable[..., "subprocess.Popen[str]"]


def waiting(process: subprocess.Popen[str]) -> str:
    """What it says on standard error once it is listening."""
    assert process.stderr is not None
    return process.stderr.readline()


def rest(process: subprocess.Popen[str]) -> list[str]:
    """The lines of its output, when it has ended by itself."""
    out, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (0, "")
    return out.splitlines()


def test_it_waits_for_the_store_and_prints_a_line_for_each_span(
    follow: Follow, place: Path
) -> None:
    process = follow("tail", "--limit", "5")
    assert "waiting for the store" in waiting(process)
    record(".clearspan/clearspan.db", shop)
    lines = rest(process)
    assert len(lines) == 5
    model = next(line for line in lines if "chat m-large" in line)
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d\.\d{3}  [0-9a-f]{8}  +[0-9.]+m?s  chat m-large  1,200 in, 34 out  stop  session s-1",
        model,
    )
    assert any(line.endswith("chat m-small  error ConnectionError  session s-1") for line in lines)


def test_of_a_store_that_is_there_only_what_is_new(follow: Follow, store: Path) -> None:
    process = follow("tail", "--limit", "1", "--json")
    assert "following the store" in waiting(process)
    record(store, lambda: chat("m-new", "?", "!"))
    [line] = rest(process)
    span = json.loads(line)
    assert (span["name"], span["input_tokens"]) == ("chat m-new", 3)
    assert span["attributes"]["gen_ai.request.model"] == "m-new"


def priced() -> None:
    with clearspan.invocation("chat", model="m-priced") as draft:
        draft.usage(input=10, output=5, source="estimated", output_source="reported")
        draft.extra("clearspan.decode.rate", 41.7)
        draft.extra("gen_ai.response.time_to_first_chunk", 0.05)


@pytest.mark.parametrize(("encoding", "cost"), [("utf-8", "~€0.002"), ("ascii", "~EUR 0.002")])
def test_cost_and_pace_are_told(follow: Follow, place: Path, encoding: str, cost: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    process = follow("tail", "--limit", "1", env=environment, encoding=encoding)
    waiting(process)
    prices = {"currency": "EUR", "models": {"m-priced": {"input": 100.0, "output": 200.0}}}
    record(".clearspan/clearspan.db", priced, pricing=prices)
    [line] = rest(process)
    assert line.endswith(f"chat m-priced  ~10 in, 5 out  {cost}  first chunk 50ms  42 tok/s")


def test_unknown_counts_are_not_numbers(follow: Follow, place: Path) -> None:
    def work() -> None:
        with clearspan.invocation("embeddings", model="e") as draft:
            draft.usage(input=7)

    process = follow("tail", "--limit", "1")
    waiting(process)
    record(".clearspan/clearspan.db", work)
    assert rest(process)[0].endswith("embeddings e  7 in, ? out")


def test_a_store_that_takes_the_place_of_another_is_followed(follow: Follow, store: Path) -> None:
    process = follow("tail", "--limit", "2")
    waiting(process)
    record(store, lambda: chat("m-before", "?", "!"))
    assert process.stdout is not None
    assert "m-before" in process.stdout.readline()
    for file in sorted(store.parent.glob("clearspan.db*")):  # the database before its side files
        file.unlink()
    record(store, lambda: chat("m-after", "?", "!"))
    assert "m-after" in rest(process)[0]


def test_a_store_that_breaks_and_stays_broken_ends_it(follow: Follow, store: Path) -> None:
    record(store, shop)
    process = follow("tail")
    waiting(process)
    for file in sorted(store.parent.glob("clearspan.db*")):
        file.unlink()
    store.write_bytes(b"this is no database" * 100)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize("there", [True, False])
def test_it_ends_by_itself_after_a_time(call: Command, place: Path, there: bool) -> None:
    if there:
        record(".clearspan/clearspan.db", shop)
    result = call("tail", "--for", "0")
    assert (result.exit_code, result.stdout) == (0, "")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_ends_it_quietly(follow: Follow, place: Path) -> None:
    process = follow("tail", before=INTERRUPTIBLE)
    waiting(process)
    process.send_signal(signal.SIGINT)
    assert rest(process) == []


def test_a_damaged_store_is_one_line(call: Command, place: Path) -> None:
    Path("s.db").write_bytes(b"this is no database" * 100)
    result = call("tail", "--store", "s.db")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [["--for", "soon"], ["--limit", "0"]])
def test_wrong_usage(call: Command, words: list[str]) -> None:
    assert call("tail", *words).exit_code == 2
