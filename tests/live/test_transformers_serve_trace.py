"""`transformers serve` recorded from inside goes on with the trace of the application that asks."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import openai
import pytest

import clearspan
from clearspan.exporters.store import StoredSpan, StoreNotFound, StoreReader, TraceNotFound
from clearspan.testing import captured
from tests.live.component import free_port, program, running

pytestmark = pytest.mark.live


class Served(NamedTuple):
    """A client of the server, the model it is to be asked for, and where the server records."""

    client: openai.OpenAI
    model: str
    store: str

    def generated(self, trace_id: str) -> StoredSpan:
        """The span of the model's own work in this trace, as soon as the server has stored it."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                spans = StoreReader(self.store).trace(trace_id)
            except (StoreNotFound, TraceNotFound):
                spans = []
            found = [span for span in spans if span.operation == "chat"]
            if found:
                (span,) = found
                return span
            time.sleep(0.2)
        raise AssertionError(f"the server recorded nothing in the trace {trace_id}")


@pytest.fixture(scope="module")
def command() -> str:
    """The server's own program, in an environment that has clearspan too."""
    found = program("CLEARSPAN_LIVE_TRANSFORMERS", "transformers")
    if not Path(found).with_name("clearspan").exists():
        pytest.skip("clearspan is not installed beside transformers")
    return found


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(lambda transformers: [transformers], id="script"),
        pytest.param(lambda transformers: ["-m", "transformers.cli.transformers"], id="module"),
    ],
)
def served(
    command: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Served]:
    started: Callable[[str], list[str]] = request.param
    work: Path = tmp_path_factory.mktemp("serve")
    model, store = str(work / "tiny"), str(work / "served.db")
    python = str(Path(command).with_name("python"))
    subprocess.run([python, str(Path(__file__).with_name("tiny_model.py")), model], check=True)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    run = [str(Path(command).with_name("clearspan")), "run", "--store", store]
    serve = ["serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(work / "hub")}
    with running([*run, *started(command), *serve], f"{base}/health", work / "log", offline):
        client = openai.OpenAI(base_url=f"{base}/v1", api_key="unused", timeout=120)
        yield Served(client, model, store)


def ask(served: Served, traceparent: str, **more: Any) -> Any:
    """What the server answers to an application that sends `traceparent`."""
    answer: Any = served.client.chat.completions.create(
        model=served.model,
        messages=[{"role": "user", "content": "one two"}],
        max_tokens=6,
        extra_headers={"traceparent": traceparent},
        **more,
    )
    return list(answer) if more.get("stream") else answer


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_what_is_generated_belongs_to_the_trace_that_was_sent(served: Served, stream: bool) -> None:
    with captured() as seen, clearspan.span("application"):
        here = clearspan.current()
        assert here.trace_id is not None
        assert here.traceparent is not None
        answer = ask(served, here.traceparent, stream=stream)
    usage = answer[-1].usage if stream else answer.usage
    inside = served.generated(here.trace_id)
    outside = next(span for span in seen.spans if span.name.startswith("chat "))
    assert outside.trace_id == inside.trace_id
    assert inside.parent_id == here.span_id
    assert (inside.kind, inside.provider) == ("internal", "hugging_face")
    assert (inside.input_tokens, inside.output_tokens) == (
        usage.prompt_tokens,
        usage.completion_tokens,
    )
    assert inside.attributes["clearspan.phase.prefill"] > 0
    assert "one two" in inside.attributes["gen_ai.input.messages"]


def test_other_clients_join_alike(served: Served) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    trace_id, span_id = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    headers = {"traceparent": f"00-{trace_id}-{span_id}-01"}
    url = str(served.client.base_url).rstrip("/")
    client = hub.InferenceClient(base_url=url, api_key="unused", headers=headers)
    client.chat_completion([{"role": "user", "content": "one"}], model=served.model, max_tokens=2)
    assert served.generated(trace_id).parent_id == span_id


def test_requests_at_the_same_time_keep_their_traces(served: Served) -> None:
    ids = [(f"{number:032x}", f"{number:016x}") for number in range(0x1000, 0x1006)]
    with ThreadPoolExecutor(len(ids)) as pool:
        list(pool.map(lambda pair: ask(served, f"00-{pair[0]}-{pair[1]}-01"), ids))
    assert [
        (span.trace_id, span.parent_id)
        for span in map(served.generated, next(zip(*ids, strict=True)))
    ] == ids


def test_a_caller_that_does_not_sample_is_obeyed(served: Served) -> None:
    ask(served, "00-00000000000000000000000000002000-0000000000002000-00")
    ask(served, "00-00000000000000000000000000002001-0000000000002001-01")
    served.generated("00000000000000000000000000002001")
    with pytest.raises(TraceNotFound):
        StoreReader(served.store).trace("00000000000000000000000000002000")


def test_a_request_without_a_trace_begins_one(served: Served) -> None:
    ask(served, "00-00000000000000000000000000003000-0000000000003000-01")
    served.generated("00000000000000000000000000003000")
    store = StoreReader(served.store)
    last = store.last_id()
    ask(served, "nonsense")
    deadline = time.monotonic() + 60
    found: list[StoredSpan] = []
    while not found and time.monotonic() < deadline:
        time.sleep(0.2)
        found = [span for span in store.tail(last) if span.operation == "chat"]
    (span,) = found
    assert span.parent_id is None
