"""Rows F65 and F70 to F78: canaries in everything that a program says, and a search of everything it left behind."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest
from click.testing import CliRunner
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import clearspan
from clearspan.cli import main
from clearspan.core import fence
from clearspan.emit import boxed, redact
from clearspan.testing import Error, Json, ModelServer, Raw, Reply, Request, ToolCall, captured
from tests.faults import canaries
from tests.faults.kit import environment
from tests.support.otlp_sink import SINKS, Sink

PROMPTS = "gen_ai.input.messages"


# -- F70, F71: what is left behind -------------------------------------------------------------------------------


@dataclass
class Left:
    """What a program with canaries left behind, by place, and which canaries there were."""

    said: dict[str, str]
    places: dict[str, bytes]

    def hits(self, *names: str) -> dict[str, set[str]]:
        return canaries.found({name: self.said[name] for name in names}, self.places)


def behind(folder: Path, mode: str, protocol: str, *, spool: bool, redactor: bool) -> Left:
    """Run the program in this content mode, and gather all that it sends, writes and shows."""
    said = canaries.made(addresses=mode not in ("off", "metadata"))  # there no rule may be needed
    with ModelServer() as server, SINKS[protocol]() as sink:
        server.respond(canaries.server_that_repeats(said))  # type: ignore[arg-type]
        judge = (
            f"http://ada:{said['judge_password']}@{server.origin.removeprefix('http://')}/v1#judge"
        )
        variables = {
            "CLEARSPAN_ENDPOINT": sink.url, "CLEARSPAN_PROTOCOL": protocol, "CLEARSPAN_JUDGE": judge,
            "CLEARSPAN_HEADERS": f"x-otlp={said['otlp_header']}", "CLEARSPAN_JUDGE_API_KEY": said["judge_key"],
            "CLEARSPAN_STORE": str(folder / "runs.db"), "CLEARSPAN_CONTENT": mode, "OPENAI_API_KEY": said["env_key"],
            "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN": "logs/dup",
        }  # fmt: skip
        given = {
            "evaluator_state": str(folder / "state"), "export_interval": 0.2, "hardware": "off", "content_target": "both",
            "exporters": [f"otlp_json:{folder / 'spans.jsonl'}"], **({"spool": str(folder / "spool.db")} if spool else {}),
        }  # fmt: skip
        told = {"init": given, "redactor": redactor, "canaries": said, "server": server.origin}
        shown, errors, meanwhile = _program(folder, told, variables)
        assert {"traces", "logs", "metrics"} <= {request.signal for request in sink.arrived}
        assert sink.header("x-otlp") == {said["otlp_header"]}
        sent = _sent(sink)
        places = {
            "shown": shown.encode(),
            "stderr": errors.encode(),
            **sent,
            **canaries.dumped(folder),
        }
        places |= {f"{name}, while it ran": held for name, held in meanwhile.items()}
        places |= _commands(folder, variables, folder.name) if not spool else {}
        places |= {
            f"{name}, at the end": held
            for name, held in canaries.dumped(folder).items()
            if name not in places
        }
    return Left(said, places)


def _program(
    folder: Path, told: dict[str, Any], variables: dict[str, str]
) -> tuple[str, str, dict[str, bytes]]:
    # Its errors go to a file: nobody reads a pipe while it runs.
    errors = folder.parent / f"{folder.name}.stderr"
    with errors.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.privacy_program"], cwd=folder, env=environment(**variables), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
        shown = process.stdout.readline()
        meanwhile = canaries.dumped(folder) if shown else {}
        process.communicate("\n", timeout=60)
    assert process.returncode == 0, errors.read_text()
    assert len(json.loads(shown)) > 8
    return shown, errors.read_text(), meanwhile


def _sent(sink: Sink) -> dict[str, bytes]:
    sent: dict[str, bytes] = {}
    for request in sink.arrived:
        sent[request.signal] = sent.get(request.signal, b"") + request.message.SerializeToString()
        others = {name: value for name, value in request.headers.items() if name != "x-otlp"}
        sent["headers"] = sent.get("headers", b"") + repr(others).encode()
    return sent


def _commands(folder: Path, variables: dict[str, str], run: str) -> dict[str, bytes]:
    store = ["--store", str(folder / "runs.db")]
    lines = [
        ["show", "last", "--content", *store],
        ["show", "--errors", "--json", *store],
        ["tail", "--for", "0", *store],
        *MORE.get(run, []),
    ]
    outputs: dict[str, bytes] = {}
    for line in lines:
        found = CliRunner().invoke(main, line, env=variables)
        assert found.exit_code in (0, 1), (line, found.output)
        outputs[" ".join(line[:2])] = found.output.encode()
    return outputs


_REPORT = ["evaluate", "pii", "repetition", "--no-progress", "--store", "runs.db", "--format"]
MORE = {
    "off": [["doctor", "--no-send"], ["doctor", "--json", "--no-send"]],
    "metadata": [[*_REPORT, "junit", "--out", "results.jsonl"]],
    "own": [[*_REPORT, "json", "--out", "results.jsonl"]],
}


RUNS = {
    "off": ("off", "http/protobuf", False, False),
    "off-spooled": ("off", "grpc", True, False),
    "metadata": ("metadata", "grpc", False, False),
    "redacted": ("redacted", "http/protobuf", True, False),
    "own": ("full", "http/protobuf", False, True),
    "full": ("full", "grpc", True, False),
}
# In `full` these are where one would look for them, so that the search is known to find what is there.
TOLD = (
    "prompt", "system", "output", "reasoning", "earlier_argument", "tool_result", "called_argument", "picture_url", "file_name",
    "stop", "variable", "step_argument", "step_result", "exception", "comment", "picture",
)  # fmt: skip
NEVER = ("extra_body", "metadata", "user", "document", "reference", "cause")


@pytest.mark.parametrize("run", RUNS)
def test_F70_F71_canaries_are_where_the_mode_allows_them_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: str
) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT")
    mode, protocol, spool, redactor = RUNS[run]
    folder = tmp_path / run
    folder.mkdir()
    monkeypatch.chdir(folder)
    left = behind(folder, mode, protocol, spool=spool, redactor=redactor)
    assert left.hits(*canaries.KEYS) == {}
    assert left.hits(*NEVER) == {}
    if run == "full":
        for name in TOLD:
            assert {"runs.db, row by row", "traces"} & left.hits(name).get(
                name, set()
            ) or name == "comment", name
        assert "metrics" not in set[str]().union(
            *left.hits(*canaries.CONTENT, *canaries.PICTURES).values()
        )
        assert "stderr" not in set[str]().union(
            *left.hits(*canaries.CONTENT, *canaries.PICTURES).values()
        )
        return
    assert left.hits(*canaries.CONTENT) == {}
    if mode in ("off", "metadata"):
        assert left.hits(*canaries.PICTURES) == {}


def test_F70_a_key_of_any_shape_that_a_server_repeats_is_kept_nowhere() -> None:
    keys: dict[str, Any] = {
        "api_key": "0123456789abcdefghij",
        "organization": "org-0123456789abcdef",
        "project": "proj_0123456789abcd",
    }
    header = "h3ader-0123456789abc"
    with ModelServer() as server, captured(content="full") as seen:
        said = f"{' '.join(keys.values())} {header} and YWRhOnBhc3N3b3JkLTAxMjM0NTY3ODk= of ada"
        server.respond(Error(400, f"bad: {said}", said.replace(" ", "_")))
        client = openai.OpenAI(
            **keys, max_retries=0, default_headers={"x-own": header},
            base_url=server.url.replace("//", "//ada:password-0123456789@"),
        )  # fmt: skip
        with pytest.raises(openai.BadRequestError) as caught:
            client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": f"is {header} right?"}]
            )
        # The program hears all of it, as it would without us.
        assert header in str(caught.value)
    (span,) = seen.spans
    assert str(span.error).count("[secret]") >= 5
    told = f"{dict(span.attributes)} {span.error} {span.exceptions}"
    for key in (*keys.values(), header, "password-0123456789", "YWRhOnBhc3N3b3JkLTAxMjM0NTY3ODk="):
        assert key not in told


def test_F70_words_that_stand_for_a_key_are_no_keys() -> None:
    with ModelServer() as server, captured() as seen:
        for key in ("unused", "EMPTY", "sk-no-key-required", "lm-studio", "1234"):
            client = openai.OpenAI(api_key=key, base_url=server.url)
            client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": f"{key} is a word"}]
            )
            assert f"{key} is a word" in str(seen.spans[-1].attributes[PROMPTS])


@pytest.mark.parametrize("mode", ["off", "metadata", "redacted", "full"])
def test_F71_codes_of_errors_reach_metrics_and_texts_in_their_place_do_not(mode: str) -> None:
    text = "ask ann@example.org about the 4242"
    with ModelServer() as server, captured(content=mode) as seen:
        server.script(
            Error(429, "no", "rate_limit_exceeded"),
            Error(400, "no", text),
            Json({"error": {"code": text}}, status=200),
        )
        client = openai.OpenAI(api_key="unused", base_url=server.url, max_retries=0)
        for _ in range(3):
            try:
                client.chat.completions.create(model="m", messages=[])
            except openai.OpenAIError:
                continue
    types = [span.attributes.get("error.type") for span in seen.spans]
    assert types[:2] == ["rate_limit_exceeded", "openai.BadRequestError"]
    assert types[2] in ("_OTHER", None)
    assert text not in repr([dict(span.attributes) for span in seen.spans])


@pytest.mark.parametrize("mode", ["off", "metadata"])
@pytest.mark.parametrize("raw", [False, True])
def test_F71_an_evaluator_of_the_programs_own_cannot_tell_what_the_mode_forbids(
    mode: str, raw: bool
) -> None:
    @clearspan.evaluator(name="quoting", raw=raw, requires=())
    def quoting(call: Any) -> clearspan.Score:
        text = call.input_text or "canary prompt, word by word"
        return clearspan.Score(value=1.0, label=text, explanation=text, metadata={"quoted": text})

    with ModelServer() as server, captured(content=mode, evaluators=[quoting]) as seen:
        client = openai.OpenAI(api_key="unused", base_url=server.url)
        client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "canary prompt, word by word"}]
        )
    events = [event for event in seen.events if event.name == "gen_ai.evaluation.result"]
    assert len(events) == 1
    assert "canary" not in repr([event.attributes for event in events])


@pytest.mark.parametrize(
    "label",
    ["as ann@example.org asked in her long letter of May", "as ann@example.org"],
    ids=["a sentence", "an address"],
)
def test_F71_labels_of_many_words_are_no_labels_of_metrics(label: str) -> None:
    @clearspan.evaluator(name="labelling")
    def labelling(call: Any) -> clearspan.Score:
        return clearspan.Score(
            value=1.0, label=label if "letter" in call.input_text else "needs review"
        )

    with SINKS["http/protobuf"]() as sink, ModelServer() as server:
        with clearspan.init(endpoint=sink.url, evaluators=[labelling], hardware="off"):
            client = openai.OpenAI(api_key="unused", base_url=server.url)
            for text in ("a letter", "a note"):
                client.chat.completions.create(
                    model="m", messages=[{"role": "user", "content": text}]
                )
        metrics = b"".join(item.item.SerializeToString() for item in sink.metrics)
        events = b"".join(item.item.SerializeToString() for item in sink.logs)
    assert b"needs review" in metrics
    assert b"as ann" not in metrics
    assert label.encode() in events


# -- F72: redactors ----------------------------------------------------------------------------------------------


class _Odd(BaseException):
    """What no program should raise."""


def _raising(text: str) -> str:
    raise ValueError(f"cannot read {text}")


def _ending(text: str) -> str:
    sys.exit(text)


def _odd(text: str) -> str:
    raise _Odd(text)


def _endless(text: str) -> str:
    return _endless(text)


async def _asynchronous(text: str) -> str:
    return text


WRONG: dict[str, Any] = {
    "raises": _raising, "ends the program": _ending, "raises what is no Exception": _odd, "never ends to call itself": _endless,
    "gives nothing": lambda text: None, "gives bytes": lambda text: text.encode(), "gives a list": lambda text: [text],
    "gives a number": lambda text: 7, "takes two": lambda text, other: text, "gives a match": __import__("re").compile(".").match,
}  # fmt: skip


@pytest.fixture
def tolerant(monkeypatch: pytest.MonkeyPatch) -> None:
    """As programs run: what fails is counted, and no more."""
    monkeypatch.delenv("CLEARSPAN_STRICT")


@pytest.mark.usefixtures("tolerant")
@pytest.mark.parametrize("how", WRONG)
def test_F72_a_redactor_that_fails_closes_its_field_and_no_other(
    how: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "clearspan")

    def sometimes(text: str) -> Any:
        return WRONG[how](text) if "canary" in text else text

    with captured(redact=[sometimes]) as seen:
        with clearspan.invocation("chat", provider="acme", model="m") as call:
            call.input(["canary one", "all well"])
            call.text("canary two")
        with clearspan.invocation("chat", provider="acme", model="m") as call:
            call.input("next")
    first, second = seen.spans
    assert [
        message["parts"][0]["content"] for message in json.loads(first.attributes[PROMPTS])
    ] == [redact.FAILED, "all well"]
    assert redact.FAILED in str(first.attributes["gen_ai.output.messages"])
    assert "next" in str(second.attributes[PROMPTS])
    # Of one that ran out of stack nobody is called to say where it was.
    assert fence.failures() == {"recursion" if how == "never ends to call itself" else "redact": 2}
    assert "canary" not in caplog.text


@pytest.mark.usefixtures("tolerant")
@pytest.mark.filterwarnings("ignore:coroutine.*was never awaited:RuntimeWarning")
def test_F72_a_coroutine_is_no_text() -> None:
    with (
        captured(redact=[_asynchronous]) as seen,
        clearspan.invocation("chat", provider="acme", model="m") as call,
    ):
        call.input("canary")
    assert "canary" not in repr(dict(seen.spans[0].attributes))
    assert redact.FAILED in str(seen.spans[0].attributes[PROMPTS])


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The threads that waited for a redactor of the program's own."""
    threads: set[int] = set()
    ask = boxed.Boxed.__call__

    def asked(self: boxed.Boxed, text: str) -> Any:
        threads.add(threading.get_ident())
        return ask(self, text)

    monkeypatch.setattr(boxed.Boxed, "__call__", asked)
    return threads


class _Sleeper:
    """Holds each text that it is told to until it is let go, and says on which threads it was asked."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.reached = threading.Event()
        self.threads: set[int] = set()
        self.asked = 0

    def __call__(self, text: str) -> str:
        self.threads.add(threading.get_ident())
        self.asked += 1
        if "slow" in text:
            self.reached.set()
            self.go.wait(120)
        return text.replace("canary", "[bird]")


@contextmanager
def _sleeper(monkeypatch: pytest.MonkeyPatch) -> Generator[_Sleeper]:
    monkeypatch.setattr(boxed, "PATIENCE", 0.2)
    made = _Sleeper()
    try:
        yield made
    finally:
        made.go.set()


@pytest.mark.usefixtures("tolerant")
@pytest.mark.parametrize("whose", ["ours", "the application's"])
def test_F72_a_redactor_that_sleeps_costs_its_field_and_nobody_waits_for_it(
    monkeypatch: pytest.MonkeyPatch, whose: str, waiting: set[int]
) -> None:
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    given: dict[str, Any] = (
        {"tracer_provider": provider} if whose != "ours" else {"exporters": [memory]}
    )
    before = _redacting()
    with (
        _sleeper(monkeypatch) as sleeper,
        clearspan.init(redact=[sleeper], hardware="off", **given) as runtime,
    ):
        for text in ("slow canary", "canary", "canary"):
            with clearspan.invocation("chat", provider="acme", model="m") as call:
                call.input(text)
        # Here all calls are over, although the first of their texts is held until this test says so.
        assert sleeper.reached.wait(60)
        assert not sleeper.go.is_set()
        assert runtime.flush(20)
        assert waiting
        assert threading.get_ident() not in waiting | sleeper.threads
        assert len(memory.get_finished_spans()) == 3
        assert [
            str(span.attributes and span.attributes[PROMPTS]).count(redact.FAILED)
            for span in memory.get_finished_spans()
        ] == [1] * 3
        # While it was at the first it was asked for no other.
        assert sleeper.asked == 1
        sleeper.go.set()
        assert _again(runtime, memory)
        assert runtime.status().internal_errors["redact"] >= 3
        assert "canary" not in repr(
            [dict(span.attributes or {}) for span in memory.get_finished_spans()]
        )
        assert len(_redacting() - before) <= 1


def _redacting() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "clearspan-redact"}


def _again(runtime: Any, memory: InMemorySpanExporter) -> bool:
    """Whether it is asked again, now that it is done with what it was at."""
    for _ in range(200):
        with clearspan.invocation("chat", provider="acme", model="m") as call:
            call.input("canary")
        assert runtime.flush(20)
        last = memory.get_finished_spans()[-1].attributes or {}
        if "[bird]" in str(last[PROMPTS]):
            return True
    return False


@pytest.mark.usefixtures("tolerant")
def test_F72_what_somebody_said_of_a_call_is_not_redacted_on_the_callers_thread(
    waiting: set[int],
) -> None:
    threads: set[int] = set()

    def own(text: str) -> str:
        threads.add(threading.get_ident())
        return text.replace("canary", "[bird]")

    with SINKS["http/protobuf"]() as sink:
        with clearspan.init(endpoint=sink.url, redact=[own], hardware="off"):
            clearspan.feedback("down", session="s", comment="a canary")
        told = b"".join(item.item.SerializeToString() for item in sink.logs)
    assert b"a [bird]" in told
    assert threads
    assert threading.get_ident() not in waiting | threads


@pytest.mark.usefixtures("tolerant")
def test_F72_what_nobody_has_room_to_redact_is_told_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    with clearspan.init(redact=[str.upper], tracer_provider=provider, hardware="off") as runtime:
        assert runtime.pipeline is not None
        assert runtime.pipeline.worker is not None
        monkeypatch.setattr(runtime.pipeline.worker, "offer", lambda *_: False)
        with clearspan.invocation("chat", provider="acme", model="m") as call:
            call.input("canary")
        clearspan.feedback("down", session="s", comment="canary")
        monkeypatch.undo()
        status = runtime.status()
    assert status.accounts.dropped == {"queue_full": 1}
    assert status.accounts.created == 1
    assert status.internal_errors == {"pipeline.tell": 1}
    assert "canary" not in repr(
        [dict(span.attributes or {}) for span in memory.get_finished_spans()]
    )


@pytest.mark.usefixtures("tolerant")
def test_F72_redactors_are_asked_in_a_forked_child_too() -> None:
    kept = boxed.Boxed(lambda text: text.upper())
    assert kept("a") == "A"
    kept._pid -= 1  # as a child sees it: thread and lock are the parent's
    kept._lock.acquire()
    assert kept("b") == "B"


# -- headers, baggage, and what is sent ----------------------------------------------------------------------------


def _asked(server: ModelServer) -> list[tuple[str, str, Any, Any, bytes]]:
    found = []
    for request in server.requests:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name not in ("host", "content-type")
        }
        found.append((request.method, request.path, dict(request.query), headers, request.body))
    server.reset()
    return found


def _calls(server: ModelServer) -> None:
    client = openai.OpenAI(api_key="sk-unused", base_url=server.url, max_retries=0)
    messages: Any = [{"role": "user", "content": "hi"}]
    client.chat.completions.create(
        model="m", messages=messages, extra_headers={"x-own": "1"}, user="u", metadata={"a": "b"}
    )
    list(client.chat.completions.create(model="m", messages=messages, stream=True))
    client.responses.create(model="m", input="hi")
    client.embeddings.create(model="m", input="hi")

    async def later() -> None:
        async with openai.AsyncOpenAI(api_key="sk-unused", base_url=server.url) as other:
            await other.chat.completions.create(model="m", messages=messages)

    asyncio.run(later())


@pytest.mark.parametrize("mode", ["off", "full"])
def test_F70_nothing_goes_into_headers_or_baggage_by_default(mode: str) -> None:
    with ModelServer() as server:
        _calls(server)
        raw = _asked(server)
        with (
            captured(content=mode, evaluators=["pii"]),
            clearspan.context(session="canary-s", user="canary-u", metadata={"k": "v"}),
        ):
            _calls(server)
        seen = _asked(server)
    assert seen == raw
    assert len(seen) == 5
    assert not any(
        {"baggage", "traceparent", "tracestate"} & set(headers) for *_, headers, _ in seen
    )


# -- F65, F73, F74, F75, F76: connections ----------------------------------------------------------------------------

WATCHED = """
import json, os, sys
went, opened, listened = set(), [], []
def hook(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple):
        went.add(f"{args[1][0]}:{args[1][1]}")
    elif event == "socket.getaddrinfo":
        went.add(f"{args[0]}:{args[1]}")
    elif event == "open" and isinstance(args[0], str) and "canary.txt" in args[0]:
        opened.append(args[0])
sys.addaudithook(hook)
import socket
listen, socket.socket.listen = socket.socket.listen, lambda self, *more: listened.append(repr(self)) or listen(self, *more)
told = json.loads(sys.argv[1])
import clearspan, openai
clearspan.init(hardware="off", **told["init"])
client = openai.OpenAI(api_key="unused", base_url=told["server"], max_retries=0)
def ask(messages, **more):
    return client.chat.completions.create(model=told.get("model", "gpt-4o"), messages=messages, **more)
for text in told["texts"]:
    ask([{"role": "user", "content": text}])
    ask([{"role": "user", "content": [
        {"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": text, "detail": "high"}},
        {"type": "input_audio", "input_audio": {"data": text, "format": "wav"}}, {"type": "file", "file": {"file_data": text}},
    ]}])
    list(ask([{"role": "system", "content": text}, {"role": "user", "content": "hi"}], stream=True))
    with clearspan.context(documents=[text], references=[text]):
        client.embeddings.create(model="m", input=text)
        client.responses.create(model="m", input=[{"role": "user", "content": [{"type": "input_image", "image_url": text}]}])
clearspan.flush(20)
for line in told.get("commands", ()):
    from click.testing import CliRunner
    from clearspan.cli import main
    CliRunner().invoke(main, line)
clearspan.shutdown(5)
print(json.dumps([sorted(went), opened, listened]))
"""


def _watched(
    told: dict[str, Any], folder: Path, **variables: str
) -> tuple[set[str], list[str], list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, json.dumps(told)],
        env=environment(**variables), cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    went, opened, listened = json.loads(done.stdout.splitlines()[-1])
    return set(went), opened, listened


def test_F73_addresses_in_prompts_are_never_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "canary.txt"
    secret.write_text("a secret")
    with ModelServer() as server, ModelServer() as canary:
        canary.respond(Json({}, 302, headers={"location": f"{canary.origin}/again"}))
        texts = [
            f"{canary.origin}/picture.png", f"see {canary.origin}/text and <img src='{canary.origin}/x.png'>",
            f"![x]({canary.origin}/markdown.png)", secret.as_uri(), str(secret), "http://169.254.169.254/latest/meta-data/",
            "http://[::ffff:169.254.169.254]/", "gopher://127.0.0.1:9/", f"//{canary.origin[7:]}/x", "http://metadata.google.internal/",
        ]  # fmt: skip
        server.respond(_saying(texts), path="/chat/completions")
        told = {
            "server": server.url, "texts": texts,
            "init": {"store": str(tmp_path / "x.db"), "evaluators": ["pii", "prompt_injection", "relevance", "context_relevance"]},
            "commands": [["show", "last", "--content", "--store", str(tmp_path / "x.db")], ["show", "--store", str(tmp_path / "x.db")]],
        }  # fmt: skip
        went, opened, _ = _watched(told, tmp_path)
        assert canary.requests == []
    assert {place.rpartition(":")[2] for place in went} == {str(server.port)}
    assert opened == []


def _saying(texts: list[str]) -> Any:
    """Answers that hold the addresses too."""
    said = " ".join(texts)
    return Reply(said, tool_calls=[ToolCall("fetch", {"url": texts[0]})])


def test_F65_F76_it_connects_to_what_is_configured_and_nowhere_else(tmp_path: Path) -> None:
    with ModelServer() as server, SINKS["http/protobuf"]() as sink:
        # Without usage, tokens are counted, and prices looked up: with what is here.
        server.respond(Reply("Hello.", usage=False), path="/chat/completions")
        told = {
            "server": server.url, "texts": ["hello there"],
            "init": {
                "endpoint": sink.url, "store": str(tmp_path / "x.db"), "count_tokens": "metrics",
                "evaluators": ["pii", "toxicity", "relevance", "language", "prompt_injection", "faithfulness_alarm"],
            },
            "commands": [["doctor", "--store", str(tmp_path / "x.db")], ["evaluate", "--list"]],
        }  # fmt: skip
        went, _, listened = _watched(told, tmp_path, TIKTOKEN_CACHE_DIR=str(tmp_path / "none"))
        allowed = {str(server.port), sink.url.rpartition(":")[2]}
        assert {place.rpartition(":")[2] for place in went} == allowed
        assert {place.rpartition(":")[0] for place in went} <= {"127.0.0.1", "localhost"}
        assert len(sink.spans) >= 5
    assert listened == []


def test_F74_F75_there_is_no_page_and_nothing_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clearspan.cli import _COMMANDS

    # A command that serves anything needs the guards of rows F74 and F75, and their tests.
    assert set(_COMMANDS) == {"demo", "doctor", "evaluate", "run", "show", "tail"}
    with ModelServer() as server:
        listened: list[object] = []
        monkeypatch.setattr("socket.socket.listen", lambda self, *_: listened.append(self))
        with clearspan.init(store=tmp_path / "x.db", evaluators=["pii"]) as runtime:
            client = openai.OpenAI(api_key="unused", base_url=server.url)
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
            assert runtime.flush(20)
        for line in (["show"], ["show", "last"], ["tail", "--for", "0"]):
            assert (
                CliRunner().invoke(main, [*line, "--store", str(tmp_path / "x.db")]).exit_code == 0
            )
    assert listened == []


# -- F77: credentials and their endpoint -------------------------------------------------------------------------------


@contextmanager
def _two(protocol: str) -> Generator[tuple[Sink, Sink]]:
    with SINKS[protocol]() as first, SINKS[protocol]() as second:
        yield first, second


def _heard(sink: Sink) -> set[str]:
    """Which of the keys of these tests its requests had."""
    return {
        value
        for request in sink.arrived
        for value in request.headers.values()
        if value.startswith("key-of-")
    }


def _one_call(**given: Any) -> None:
    with clearspan.init(hardware="off", **given):
        with clearspan.invocation("chat", provider="acme", model="m") as call:
            call.input("hi")


@pytest.mark.parametrize("protocol", SINKS)
@pytest.mark.parametrize("form", ["argument", "CLEARSPAN"])
@pytest.mark.parametrize("own_headers", [True, False])
def test_F77_our_endpoint_gets_our_headers_and_not_those_of_otel(
    monkeypatch: pytest.MonkeyPatch, protocol: str, form: str, own_headers: bool
) -> None:
    with _two(protocol) as (ours, theirs):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", theirs.url)
        monkeypatch.setenv(
            "OTEL_EXPORTER_OTLP_HEADERS", "authorization=key-of-theirs,x-theirs=key-of-theirs"
        )
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-traces=key-of-theirs")
        headers = {"x-ours": "key-of-ours"} if own_headers else {}
        if form == "argument":
            _one_call(
                endpoint=ours.url, protocol=protocol, **({"headers": headers} if headers else {})
            )
        else:
            monkeypatch.setenv("CLEARSPAN_ENDPOINT", ours.url)
            monkeypatch.setenv("CLEARSPAN_PROTOCOL", protocol)
            if headers:
                monkeypatch.setenv("CLEARSPAN_HEADERS", "x-ours=key-of-ours")
            _one_call()
        assert len(ours.spans) == 1
        assert _heard(ours) == set(headers.values())
        assert theirs.arrived == []


@pytest.mark.parametrize("protocol", SINKS)
def test_F77_each_of_two_receivers_gets_its_own_headers(
    monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    with _two(protocol) as (general, traces):
        path = "/v1/traces" if protocol == "http/protobuf" else ""
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", general.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-general=key-of-general")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", traces.url + path)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-traces=key-of-traces")
        _one_call()
        assert len(traces.spans) == 1
        assert _heard(traces) == {"key-of-traces"}
        assert _heard(general) <= {"key-of-general"}
        assert {request.signal for request in general.arrived} == {"metrics"}


@pytest.mark.parametrize("whose", ["argument", "environment"])
def test_F77_a_receiver_that_sends_telemetry_on_takes_no_key_along(
    monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    with ModelServer() as first, ModelServer() as second:
        first.respond(
            lambda request: Raw(307, {"location": f"{second.origin}{request.path}"}, b"moved")
        )
        given: dict[str, Any] = {}
        if whose == "argument":
            given = {"endpoint": first.origin, "headers": {"x-api-key": "key-of-first"}}
        else:
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", first.origin)
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=key-of-first")
        runtime = clearspan.init(hardware="off", **given)
        with clearspan.invocation("chat", provider="acme", model="m") as call:
            call.input("hi")
        runtime.flush(2)
        runtime.shutdown(1)
        assert first.requests
        assert second.requests == []
        assert runtime.status().accounts.exported == 0


def test_F77_headers_without_an_endpoint_are_refused() -> None:
    with pytest.raises(clearspan.SettingError, match="headers belong to one endpoint") as caught:
        clearspan.init(headers={"x": "key-of-nobody"})
    assert "key-of-nobody" not in str(caught.value)


def test_F77_secrets_in_addresses_are_shown_nowhere(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(clearspan.SettingError) as caught:
        clearspan.init(endpoint="http://ada:canary-password@127.0.0.1:9")
    assert "canary" not in str(caught.value)
    monkeypatch.setenv(
        "OTEL_EXPORTER_OTLP_ENDPOINT", "http://ada:canary-password@127.0.0.1:9/x?sig=canary-query"
    )
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=canary-header")
    given: dict[str, Any] = {
        "judge": "http://ada:canary-judge@127.0.0.1:9/v1?key=canary-judge-query#m",
        "hardware": "off",
    }
    caplog.set_level(logging.WARNING)
    with clearspan.init(**given) as runtime:
        with clearspan.invocation("chat", provider="acme", model="m") as call:
            call.input("hi")
        runtime.flush(0.5)
        shown = [
            repr(runtime),
            repr(runtime.settings),
            repr(runtime.settings.shown()),
            repr(runtime.status()),
            runtime.destination,
        ]
        runtime.shutdown(0.5)
    argued = clearspan.init(endpoint="http://127.0.0.1:9/?sig=canary-query", hardware="off")
    shown += [repr(argued.settings), repr(argued.settings.shown()), argued.destination]
    argued.shutdown(0.2)
    assert "canary" not in "\n".join(shown)
    assert "canary" not in caplog.text
    assert "canary" not in "".join(capfd.readouterr())
    assert "Max retries exceeded with url: /x/v1/traces?..." in caplog.text


# -- F78: what judges are sent ------------------------------------------------------------------------------------------

FIXED = (
    "temperature",
    "seed",
    "max_tokens",
    "max_completion_tokens",
    "logprobs",
    "top_logprobs",
    "response_format",
)


def _relevance(server: ModelServer, **options: Any) -> Any:
    from clearspan.judges import Relevance

    return Relevance(
        judge=clearspan.Judge(f"{server.url}#judge", **options), timeout=30, concurrency=1
    )


def _judged(server: ModelServer, evaluator: Any, times: int = 1) -> list[Any]:
    with captured(evaluators=[evaluator]) as seen:
        client = openai.OpenAI(api_key="unused", base_url=server.url)
        for number in range(times):
            answer = client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": f"question {number}?"}]
            )
            assert answer.choices[0].message.content
    return [event.attributes for event in seen.events if event.name == "gen_ai.evaluation.result"]


def _judge(
    refuses: tuple[str, ...], status: int = 400
) -> tuple[Callable[[Request], Any], list[dict[str, Any]]]:
    sent: list[dict[str, Any]] = []

    def answer(request: Request) -> Any:
        body: Any = request.json
        if not isinstance(body, dict) or body.get("model") != "judge":
            return None
        sent.append(body)
        for name in refuses:
            if name in body:
                return Error(
                    status,
                    f"Unsupported parameter: '{name}' is not supported with this model.",
                    "unsupported_parameter",
                )
        if "*" in refuses:
            return Error(status, "This model cannot do that.", "unsupported")
        return canaries.verdict(
            {"response_format": body.get("response_format") or _FORM}, {"prompt": "because"}
        )

    return answer, sent


_FORM: dict[str, Any] = {}


@pytest.mark.parametrize(
    "refuses", [(), ("temperature",), ("seed",), ("logprobs",), ("temperature", "seed", "logprobs")]
)
def test_F78_a_judge_that_refuses_a_parameter_is_asked_without(refuses: tuple[str, ...]) -> None:
    answer, sent = _judge(refuses)
    with ModelServer() as server:
        server.respond(answer, path="/chat/completions")
        scores = _judged(server, _relevance(server), 2)
    assert len(scores) == 2
    assert all("error.type" not in score for score in scores)
    assert not any(name in sent[-1] for name in refuses)
    # It is learned once: each refusal cost one request.
    assert len(sent) == 2 + len(refuses)


def test_F78_only_what_is_configured_is_sent() -> None:
    answer, sent = _judge(())
    with ModelServer() as server:
        server.respond(answer, path="/chat/completions")
        _judged(
            server, _relevance(server, temperature=None, seed=None, max_tokens=None, top_logprobs=0)
        )
        assert {name for body in sent for name in body} == {"model", "messages", "response_format"}
        sent.clear()
        _judged(
            server,
            _relevance(
                server, temperature=0.7, seed=None, max_tokens=77, top_logprobs=0, extra={"own": 1}
            ),
        )
    assert [
        (body["temperature"], body["max_tokens"], body["own"], "seed" in body) for body in sent
    ] == [(0.7, 77, 1, False)]


@pytest.mark.parametrize("status", [400, 422, 500])
def test_F78_a_judge_that_takes_nothing_is_an_error_of_the_evaluation_alone(status: int) -> None:
    answer, sent = _judge(("*",), status)
    with ModelServer() as server:
        server.respond(answer, path="/chat/completions")
        (score,) = _judged(server, _relevance(server))
    assert score["error.type"] == f"judge_status_{status}"
    assert "gen_ai.evaluation.score.value" not in score
    assert sent
