"""A process in which one function of ours after another fails: `sweeping.py URL FAULT OUT [PART]`.

The same small program runs again and again; what it sees is written to OUT, by the function that failed.
"""

from __future__ import annotations

import asyncio
import faulthandler
import functools
import json
import logging
import sys
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ollama
import openai

import clearspan
from clearspan.core import fence, installed
from clearspan.testing import Error, ModelServer
from tests.faults.faulty import FAULTS, Place, Reached, places

PACKAGES = tuple(
    f"clearspan.{name}"
    for name in (
        "assess", "capture", "core", "draft", "emit", "exporters", "figures", "formats", "pace", "pipeline", "provider",
        "providers", "record", "response", "runtime", "choice", "conversation", "policy", "score", "guards",
    )
)  # fmt: skip
WITHOUT = ("clearspan.providers.transformers",)
PATIENCE = 30.0
LEFT_OUT = {
    "core.fence": "the place that holds failures back: nothing stands behind it",
    "core.heed": "the same for what goes on during a call, which has its own handlers",
    "core.observe:call": "makes the host's call: what it is given and answers is the host's",
    "core.observe:_await": "the same, awaited",
    "core.observe:resume": "the same",
    "core.observe:_apass": "hands on the host's stream, element by element",
    "core.drivers:drive": "the same, with the whole protocol of generators",
    "core.drivers:drive_awaited": "the same",
    "core.drivers:passing": "the same, where the host only reads",
    "core.drivers:_adrive": "the same",
    "core.drivers:_going": "the same",
    "core.drivers:_over": "the same: runs between two elements of it",
    "core.drivers:unseen": "the same",
    "core.observe:relay": "makes what hands it on",
    "core.observe:arelay": "the same",
    "core.dropped:Watched.": "stands in the frame that does so, and tells what it is to await",
    "capture.wrapper:": "is the object that stands in the function's place",
    "capture.patching:Patches._calls.build.wrapper": "is what is called in place of the host's method",
    "capture.patching:_deprecated.warning": "the same",
    "capture.passages:passing.build.wrapper": "the same",
    "capture.calls:probing.wrapper": "the same",
    "capture.decorators:_observed.wrapper": "the same",
    "capture.scope:Scope.__call__.run": "the same",
    "capture.recording:Recording.closing.": "the same",
    "core.drivers:_noting": "its answer is called for each element, as a part of what drives",
    "core.drivers:_Elements.": "stands in the place of the host's generator, element by element",
    "core.tape:_ticks": "times each element, as a part of what drives",
    "providers.openai.passing:_Steps.__": "stands in the place of the library's own stream, element by element",
    "capture.steps:check_kind": "its failure is the host's to hear of: an unknown kind",
    "capture.steps:span": "called by the host itself",
    "capture.steps:Step.set": "the same",
    "capture.steps:_Block.__init__": "the same",
    "capture.steps:Step.__init__": "the same",
    "capture.steps:_Block.__enter__": "the same",
    "capture.steps:_Block.__exit__": "the same",
    "runtime:flush": "the same",
    "runtime:status": "the same",
    "runtime:shutdown": "the same",
}
"""What is not made to fail, by its name or how that begins, and why."""
SEAMS = (
    "capture.calls:",
    "capture.inlet:",
    "capture.patching:",
    "capture.recording:Recording.",
    "capture.wardens:",
    "emit.telemetry:Telemetry.",
    "pipeline:Pipeline.",
    "runtime:Runtime.",
    "runtime.queues:",
)
"""What every call goes through: each function of these has each fault."""
HANDED_ON = {
    "capture.recording:Recording.relay": "its answer is the stream that the host reads",
    "capture.recording:Recording.arelay": "the same",
    "capture.recording:Recording._listening": "the same",
    "capture.wardens:current": "its answer has the say over what is sent and answered",
    "capture.guarding:current": "the same",
    "capture.guarding:around": "the same",
}
"""What may raise, but whose answer is the host's."""
UNTOLD = {
    "core.ledger:Ledger": "the books themselves",
    "core.going_on:GoingOn.": "is how it is known whether a call is open",
    "pipeline:Pipeline._handle": "where it does not look at a call, nobody does",
    "pipeline:Pipeline._lose": "writes into the books",
    "runtime.queues:SpanQueue.": "the same",
    "runtime.queues:_Records.": "the same",
    "runtime.halving:": "the same, of batches that go in parts",
    "runtime.queues:_Books.": "the same",
}
"""What may fail without the books being right afterwards."""


class Program:
    """Everything that a host does, with nothing of clearspan in it but the decorators."""

    def __init__(self, url: str) -> None:
        self.url = url
        origin = url.removesuffix("/v1")
        # `default_headers` tell the rounds apart on the wire.
        self.openai = openai.OpenAI(base_url=url, api_key="k", max_retries=0)
        self.later = openai.AsyncOpenAI(base_url=url, api_key="k", max_retries=0)
        self.ollama = ollama.Client(host=origin)
        self.loop = asyncio.new_event_loop()

    def run(self) -> list[Any]:
        """What the host sees."""
        asked: Any = {"model": "m", "messages": [{"role": "user", "content": "why?"}]}
        seen: list[Any] = [add(1, 2), list(count(3))]
        try:
            broken()
        except LookupError as error:
            seen.append([repr(error), repr(error.__cause__), repr(error.__context__)])
        answer = self.openai.chat.completions.create(**asked)
        seen.append([type(answer).__name__, answer.to_json(), answer._request_id])
        stream = self.openai.chat.completions.create(**asked, stream=True)
        seen.append([type(stream).__name__, [chunk.to_json() for chunk in stream]])
        with self.openai.chat.completions.create(**asked, stream=True) as left:
            seen.append(next(iter(left)).to_json())
        try:
            self.openai.chat.completions.create(model="refused", messages=asked["messages"])
        except openai.APIError as error:
            seen.append([type(error).__name__, str(error)])
        seen.append(self.loop.run_until_complete(self._later(asked)))
        seen.append(self.ollama.chat(**asked).model_dump_json())
        seen.append([part.model_dump_json() for part in self.ollama.chat(**asked, stream=True)])
        with clearspan.span("step", label=1) as step:
            step.set(input="a", output=[1])
        return seen

    async def _later(self, asked: Any) -> list[Any]:
        answer = await self.later.chat.completions.create(**asked)
        stream = await self.later.chat.completions.create(**asked, stream=True)
        return [answer.to_json(), [chunk.to_json() async for chunk in stream], await add_later(1)]


@clearspan.tool
def add(left: int, right: int) -> int:
    return left + right


@clearspan.agent
async def add_later(left: int) -> int:
    await asyncio.sleep(0)
    return add(left, 1)


@clearspan.task
def count(limit: int) -> Any:
    yield from range(limit)


@clearspan.task
def broken() -> None:
    try:
        [].pop()
    except IndexError as error:
        raise LookupError("of the host") from error


class Lines(logging.Handler):
    """Keeps what clearspan says."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def start(folder: Path, number: int) -> Any:
    """As an application would start it, with an evaluator."""
    return clearspan.init(
        store=folder / f"{number}.db", evaluators=["refusal"], hardware="off", metric_interval=600
    )


def ended() -> list[str]:
    """What the host is told when it asks for the end; its kind only."""
    found = (clearspan.flush(1), clearspan.status(), clearspan.shutdown(1))
    return [type(item).__name__ for item in found]


class Sweep:
    """Rounds of the program against one server."""

    def __init__(self, server: ModelServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.program = Program(server.url)
        self.lines = Lines()
        self.number = 0
        self.raw, self.wire = self.round(lambda: None)

    def round(self, play: Callable[[], Any]) -> tuple[list[Any], list[Any]]:
        """What the host sees, and what the server."""
        self.server.reset()
        self.server.respond(_refusing)
        play()
        try:
            seen = self.program.run()
        except Exception as error:  # noqa: BLE001 -- whatever reaches the host is the finding
            seen = ["".join(traceback.format_exception(error))]
        wire = [(each.method, each.path, each.headers, each.body) for each in self.server.requests]
        return seen, wire

    def faulty(self, place: Place, fault: str) -> list[str]:
        """What is wrong about a round in which `place` fails."""
        fence.reset()
        self.lines.said.clear()
        self.number += 1
        hits: list[bool] = []

        def act() -> Any:
            hits.append(True)
            return FAULTS[fault]()

        runtime = start(self.folder, self.number)
        undo = place.inject(act)
        try:
            seen, wire = self.round(lambda: None)
            try:
                told = ended()
            except Exception as error:  # noqa: BLE001 -- as above
                told = ["".join(traceback.format_exception(error))]
        finally:
            undo()
        clearspan.shutdown(1)
        return [*self._harm(seen, wire, told), *self._silence(place, fault, len(hits), runtime)]

    def _harm(self, seen: list[Any], wire: list[Any], told: list[str]) -> Iterator[str]:
        if seen != self.raw:
            yield f"the host sees {_other(seen, self.raw)}"
        if wire != self.wire:
            yield f"the server gets {_other(wire, self.wire)}"
        if told != ["bool", "Status", "bool"]:
            yield f"asked for the end, it answers {told}"
        failures = [line for line in self.lines.said if "internal error in" in line]
        sites = [line.partition(" in ")[2].partition(":")[0] for line in failures]
        if len(sites) != len(set(sites)):
            yield f"it says {failures}"

    def _silence(self, place: Place, fault: str, hits: int, runtime: Any) -> Iterator[str]:
        """A failure must be in some book; and what was created is settled, whatever failed."""
        found = runtime.status()
        accounts = found.accounts
        missed = accounts.created < EXPECTED or accounts.dropped or found.open_calls
        if fault == "raises" and hits and not (fence.failures() or missed or _in_books(found)):
            yield f"nothing was counted of {hits} failures"
        if not place.name.startswith(tuple(UNTOLD)) and not _settled(runtime):
            yield f"{accounts.pending} spans are pending for ever ({found.open_calls} open)"


def _settled(runtime: Any) -> bool:
    """Whether what is pending is still open, or waits; what the threads are at is waited for."""
    deadline = time.monotonic() + 5
    while True:
        found = runtime.status()
        waiting = sum(queue.items for queue in found.queues)
        if 0 <= found.accounts.pending <= found.open_calls + waiting:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)


EXPECTED = 14


def _in_books(found: Any) -> bool:
    """Whether one of the other books tells of a failure."""
    judged = any(each.errors or each.note for each in found.evaluators)
    lost = any(each.accounts.dropped for each in found.deliveries)
    return judged or lost or bool(found.destination_status.get("failed_batches"))


def _refusing(request: Any) -> Any:
    return Error(400) if request.json["model"] == "refused" else None


def _other(found: list[Any], expected: list[Any]) -> str:
    """Where two lists are not the same, in few words."""
    for number, (one, other) in enumerate(zip(found, expected, strict=False)):
        if one != other:
            return f"({number}) {str(one)[-1500:]} and not {str(other)[-200:]}"
    return f"{len(found)} things and not {len(expected)}: {str(found)[-1500:]}"


def reached(sweep: Sweep) -> list[Place]:
    """The functions that run between start and end of the program."""
    seen = Reached()
    start(sweep.folder, 0)
    with seen:
        plain = sweep.round(lambda: None)
        ended()
    assert plain == (sweep.raw, sweep.wire), _other(plain[0], sweep.raw)
    return [
        place
        for place in places(PACKAGES, WITHOUT)
        if place.code in seen.codes and not place.name.startswith(tuple(LEFT_OUT))
    ]


def sweep_all(fault: str, share: int, out: Path, only: str = "") -> None:
    """Let all functions fail that the program reaches, or one of so many, and write down what is wrong."""
    log = logging.getLogger("clearspan")
    log.propagate = False
    # The disk is not asked again and again what is installed.
    installed._folders = functools.cache(installed._folders)  # type: ignore[assignment]  # as it answers
    findings: dict[str, list[str]] = {}
    turn = list(FAULTS).index(fault)
    with ModelServer() as server, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        sweep = Sweep(server, Path(name))
        log.addHandler(sweep.lines)
        there = [
            place
            for place in reached(sweep)
            if fault == "raises" or not place.name.startswith(tuple(HANDED_ON))
        ]
        asked = [place for place in there if place.name.startswith(tuple(only.split(",")))]
        seams = {place for place in asked if place.name.startswith(SEAMS)}
        # By their names: which are reached at all is not the same in every run.
        tried = [
            place
            for place in asked
            if place in seams or zlib.crc32(place.name.encode()) % share == turn % share
        ]
        for place in tried:
            faulthandler.dump_traceback_later(PATIENCE, exit=True)
            (out.parent / f"{out.name}.at").write_text(place.name)
            found = sweep.faulty(place, fault)
            if found:
                findings[place.name] = found
                with (out.parent / f"{out.name}.lines").open("a") as lines:
                    lines.write(json.dumps([place.name, found]) + "\n")
        faulthandler.cancel_dump_traceback_later()
    out.write_text(
        json.dumps(
            {"reached": len(there), "tried": [each.name for each in tried], "findings": findings}
        )
    )


if __name__ == "__main__":
    sweep_all(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:])
