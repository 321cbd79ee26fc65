"""Telemetry that does not trace itself, does not deadlock on itself, does no work on callers' threads, and leaves nothing."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from tests.faults.endings import counted, outputs, run
from tests.support.otlp_sink import SINKS, http_sink

HEAD = """
import gc, logging, os, sys, threading, time, warnings
import clearspan
where = {"endpoint": os.environ["SINK"]} if "SINK" in os.environ else {"store": "runs.db"}
settings = {**where, "providers": (), "hardware": "off", "export_interval": 0.02}

@clearspan.task
def work(name="work"):
    return name
"""

INSTRUMENTED = ("requests", "urllib3", "httpx", "grpc")


@pytest.mark.parametrize("protocol", SINKS)
@pytest.mark.parametrize("library", INSTRUMENTED)
def test_F48_what_it_sends_is_not_traced(library: str, protocol: str, tmp_path: Path) -> None:
    """Instrumented clients send our telemetry; the spans of theirs go to the program's own provider."""
    module = f"opentelemetry.instrumentation.{library}"
    try:
        found_spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        found_spec = None
    if found_spec is None:
        pytest.skip(f"{module} is not installed")
    name = {"requests": "RequestsInstrumentor", "urllib3": "URLLib3Instrumentor", "httpx": "HTTPXClientInstrumentor", "grpc": "GrpcInstrumentorClient"}[library]  # fmt: skip
    text = (
        HEAD
        + f"""
import importlib
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
theirs = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(theirs))
getattr(importlib.import_module({module!r}), {name!r})().instrument(tracer_provider=provider)
clearspan.init(**settings, content_target="both", metric_interval=0.02)
for _ in range(20):
    work()
    time.sleep(0.01)
clearspan.flush(30)
before = clearspan.status().accounts.created
time.sleep(0.2)
clearspan.shutdown(30)
print(before, clearspan.status().running, [span.name for span in theirs.get_finished_spans()])
"""
    )
    with SINKS[protocol]() as sink:
        found = run(text, tmp_path, SINK=sink.url, CLEARSPAN_PROTOCOL=protocol)
        assert (found.code, found.out, found.err) == (0, "20 False []\n", "")
        assert counted(sink) == {"work": 20}


def test_F48_F49_a_log_handler_that_records_does_not_feed_itself(tmp_path: Path) -> None:
    """The root logger at DEBUG hears of every export; each word of it is recorded by the program."""
    text = HEAD + """
heard = []
class Recording(logging.Handler):
    def emit(self, record):
        heard.append((record.name, threading.current_thread().name))
        work("logged")
        with clearspan.span("by the handler"):
            pass
logging.basicConfig(level=logging.DEBUG, handlers=[Recording()])
clearspan.init(**settings)
for _ in range(20):
    work()
    logging.getLogger("shop").info("x")
    time.sleep(0.01)
clearspan.flush(30)
clearspan.flush(30)
created = clearspan.status().accounts.created
time.sleep(0.3)  # nothing goes on by itself
assert clearspan.flush(30)
print(clearspan.status().accounts.created == created, created < 1000)
"""  # fmt: skip
    with http_sink() as sink:
        found = run(text, tmp_path, SINK=sink.url)
        assert (found.code, found.out, found.err) == (0, "True True\n", "")
        names = counted(sink)
        assert names["work"] == 20
        assert names["by the handler"] == names["logged"] >= 20


def test_F49_collections_and_warnings_at_any_line_do_not_deadlock(tmp_path: Path) -> None:
    """A collection at nearly every allocation, whose finalizers record; warnings that are logged and recorded."""
    text = HEAD + """
class Left:
    def __init__(self):
        self.me = self
    def __del__(self):
        work("finalizer")
        clearspan.status()
def leave():
    Left()
    open(os.devnull)  # a ResourceWarning, from wherever it is collected
    cycle = []
    cycle.append(cycle)
class Recording(logging.Handler):
    def emit(self, record):
        work("warned")
logging.captureWarnings(True)
warnings.simplefilter("always")
logging.getLogger("py.warnings").addHandler(Recording())
clearspan.init(**settings, evaluators=["length"])
gc.set_threshold(1, 1, 1)
stop = time.monotonic() + 2
def busy():
    while time.monotonic() < stop:
        with clearspan.invocation("chat", provider="acme", model="m") as draft:
            leave()
            draft.text("x")
        clearspan.flush(0.01)
threads = [threading.Thread(target=busy) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
gc.set_threshold(700, 10, 10)
gc.collect()
assert clearspan.flush(60)
status = clearspan.status()
books = status.accounts
print(books.created == books.exported + books.stored + sum(books.dropped.values()), status.internal_errors)
"""  # fmt: skip
    found = run(text, tmp_path)
    assert (found.code, found.out, found.err) == (0, "True {}\n", "")
    names = outputs(tmp_path / "runs.db")
    assert names["finalizer"] > 0
    assert names["warned"] > 0


@pytest.mark.parametrize("where", ["store", "http/protobuf", "grpc"])
def test_F50_callers_threads_open_and_send_nothing(where: str, tmp_path: Path) -> None:
    text = HEAD + """
seen = []
def audit(event, args):
    if event.startswith(("socket.", "sqlite3.", "subprocess.", "os.", "urllib.")) or event == "open":
        name = threading.current_thread().name
        if watching and not name.startswith("clearspan") and "grpc" not in name.lower():
            frames, frame = [], sys._getframe(1)
            while frame is not None:
                frames.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
                frame = frame.f_back
            if any("clearspan" in line and "program.py" not in line for line in frames):
                seen.append((event, str(args)[:80], frames[:6]))
watching = False
sys.addaudithook(audit)
clearspan.init(**settings, content_target="both", evaluators=["length"], metric_interval=0.05)
def calls():
    for _ in range(60):
        work()
        with clearspan.invocation("chat", provider="acme", model="m") as draft:
            draft.input("y" * 10_000)
            draft.text("x")
            draft.usage(input=1, output=1)
calls()  # whatever is imported at the first call is
watching = True
calls()
threads = [threading.Thread(target=calls, name=f"host {number}") for number in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
watching = False
print(seen)
clearspan.shutdown(60)
"""  # fmt: skip
    if where == "store":
        found = run(text, tmp_path)
    else:
        with SINKS[where]() as sink:
            found = run(text, tmp_path, SINK=sink.url, CLEARSPAN_PROTOCOL=where)
    assert (found.code, found.out, found.err) == (0, "[]\n", "")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts what is open by /proc")
@pytest.mark.parametrize("where", ["store", "otlp"])
def test_F46_F61_coming_and_going_a_thousand_times_leaves_nothing(
    where: str, tmp_path: Path
) -> None:
    """Threads, files, objects and exit hooks; and a fork afterwards takes no longer than any."""
    text = HEAD + """
import atexit, multiprocessing, multiprocessing.util, signal
from collections import Counter
os.environ["OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"] = "otel"
def cycle():
    with clearspan.init(**settings, evaluators=["length"]):
        work()
def ours():
    gc.collect()
    return Counter(
        f"{type(item).__module__}.{type(item).__qualname__}" for item in gc.get_objects()
        if str(type(item).__module__).startswith(("clearspan", "requests", "urllib3"))
    )
def state():
    return (threading.active_count(), len(os.listdir("/proc/self/fd")), atexit._ncallbacks(),
            len(multiprocessing.util._afterfork_registry), len(multiprocessing.util._finalizer_registry))
cycles = int(os.environ["CYCLES"])
for _ in range(20):
    cycle()
before, held = state(), ours()
for _ in range(cycles):
    cycle()
until = time.monotonic() + 30
while state() != before and time.monotonic() < until:
    time.sleep(0.01)
after, holding = state(), ours()
print(before == after, (before, after) if before != after else "")
more = {name: (held[name], holding[name]) for name in holding if holding[name] > held[name] + cycles // 20}
print(more)
pid = os.fork()
if pid == 0:
    os._exit(0)
print(os.waitpid(pid, 0)[1], signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
"""  # fmt: skip
    cycles = os.environ.get("CLEARSPAN_TEST_CYCLES", "100")
    if where == "store":
        found = run(text, tmp_path, CYCLES=cycles, PYTHONWARNINGS="ignore")
    else:
        with http_sink() as sink:
            found = run(text, tmp_path, CYCLES=cycles, SINK=sink.url, PYTHONWARNINGS="ignore")
    assert (found.code, found.out, found.err) == (0, "True \n{}\n0 True\n", "")


# -- queues that are full of little, and of much ----------------------------------------------------

STUCK = """
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
reached, go_on = threading.Event(), threading.Event()
class Stuck(SpanExporter):
    def export(self, spans):
        reached.set()
        go_on.wait(60)
        return SpanExportResult.SUCCESS
    def shutdown(self): ...
clearspan.init(exporters=[Stuck()], providers=(), hardware="off", export_interval=0.01, queue_bytes="1MB")
work()
assert reached.wait(60)
def queue():
    return next(each for each in clearspan.status().queues if each.name == "clearspan-spans")
"""

# What a program may add to its spans, 100,000 bytes each time.
ADDED = {
    "events": "trace.get_current_span().add_event('x', {'text': text})",
    "names of events": "trace.get_current_span().add_event(text)",
    "links": "trace.get_current_span().add_link(trace.get_current_span().get_span_context(), {'text': text})",
    "a status": "trace.get_current_span().set_status(trace.StatusCode.ERROR, text)",
    "a name": "trace.get_current_span().update_name(text)",
    "attributes": "trace.get_current_span().set_attribute('x', text)",
    "numbers": "trace.get_current_span().set_attribute('x', list(range(12_500)))",
    "characters": "trace.get_current_span().set_attribute('x', '\\u6c49' * 34_000)",
}


@pytest.mark.parametrize("added", ADDED)
def test_F61_a_queue_is_bounded_by_all_that_its_records_hold(added: str, tmp_path: Path) -> None:
    text = HEAD + STUCK + f"""
for number in range(100):
    with clearspan.span("x"):
        text = f"{{number}}".ljust(100_000, "y")
        {ADDED[added]}
while clearspan.status().queues[0].items:
    time.sleep(0.001)
print(queue().items, queue().bytes, clearspan.status().accounts.dropped["export_queue_full"], flush=True)
go_on.set()
"""  # fmt: skip
    found = run(text, tmp_path)
    assert found.code == 0, found
    items, weight, dropped = map(int, found.out.split())
    assert items <= 11
    assert weight <= 1_048_576
    assert items + dropped == 101, "the first one, and all of these"


def test_F61_flushing_again_and_again_piles_nothing_up(tmp_path: Path) -> None:
    text = HEAD + STUCK + """
for _ in range(20_000):
    clearspan.flush(0)
from clearspan import runtime
workers = runtime.ends.workers(runtime._running.runtime.pipeline, runtime._running.runtime._providers)
print(max(len(each._queue) for each in workers), max(each._wake.qsize() for each in workers), flush=True)
go_on.set()
"""  # fmt: skip
    found = run(text, tmp_path)
    assert found.code == 0, found
    waiting, woken = map(int, found.out.split())
    assert waiting <= 20
    assert woken <= 20


@pytest.mark.parametrize("letter", ["a", "\u00e9", "\u6c49", "\U0001f600"])
def test_F26_batches_are_weighed_in_the_bytes_that_go_out(letter: str, tmp_path: Path) -> None:
    """gRPC takes 4 MiB: what looks like half of it in characters may be more in bytes."""
    text = HEAD + """
clearspan.init(**(settings | {"export_interval": 60, "protocol": "grpc", "content_limit": "512KB"}))
for number in range(30):
    work(os.environ["LETTER"] * 60_000)
assert clearspan.flush(60)
print(clearspan.status().accounts, flush=True)
"""  # fmt: skip
    with SINKS["grpc"]() as sink:
        # It is not told what was too large: nothing may be.
        found = run(text, tmp_path, SINK=sink.url, LETTER=letter, PYTHONIOENCODING="utf-8")
        assert found.code == 0, found
        assert "exported=30" in found.out, found
        assert len(sink.spans) == 30
        assert "larger than max" not in found.err
