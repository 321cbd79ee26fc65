"""How a program ends: by one deadline, with its own exit code and words, and with what it recorded delivered."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.faults.endings import (
    BOUND,
    SLOW,
    Ended,
    bad_sink,
    begun,
    counted,
    outputs,
    run,
)
from tests.support.otlp_sink import SINKS, Answer, http_sink

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

ROUNDS_WANTED = int(os.environ.get("CLEARSPAN_TEST_ROUNDS", "40"))
"""How often a signal is sent at another moment; more find more."""
HEAD = """
import atexit, os, signal, sys, threading, time
import clearspan

def start(**more):
    where = {"endpoint": os.environ["SINK"]} if "SINK" in os.environ else {"store": "runs.db"}
    return clearspan.init(**(where | {"providers": (), "hardware": "off", "export_interval": 60} | more))

@clearspan.task
def work(name="work"):
    return name

start()
work()
"""

# How it ends, the exit code, and the last line of its words.
ENDS = {
    "end": ("", 0, ""),
    "sys.exit": ("sys.exit(3)", 3, ""),
    "words": ("sys.exit('the end')", 1, "the end"),
    "exception": ("raise LookupError('out')", 1, "LookupError: out"),
    "interrupt": ("raise KeyboardInterrupt", -signal.SIGINT, "KeyboardInterrupt"),
    "sigterm": ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)", -signal.SIGTERM, ""),
    "sighup": ("os.kill(os.getpid(), signal.SIGHUP); time.sleep(60)", -signal.SIGHUP, ""),
    "open": ("with clearspan.span('open'): sys.exit(4)", 4, ""),
    "thread": ("threading.Thread(target=lambda: (time.sleep(0.05), work('late'))).start()", 0, ""),
    "daemon": ("threading.Thread(target=time.sleep, args=(600,), daemon=True).start()", 0, ""),
    "at exit": ("atexit.register(work, 'late')", 0, ""),
}  # fmt: skip


def ended_all(
    folder: Path, names: tuple[str, ...] = tuple(ENDS), **variables: str
) -> dict[str, Ended]:
    """Every end there is, all at once."""
    with ExitStack() as stack:
        running = {
            name: stack.enter_context(begun(HEAD + ENDS[name][0], folder / name, **variables))
            for name in names
        }
        return {name: process.end() for name, process in running.items()}


def as_it_would(ended: dict[str, Ended]) -> None:
    """Each has its own exit code, and no words but its own."""
    for name, found in ended.items():
        _, code, last = ENDS[name]
        assert found.code == code, (name, found)
        assert found.out == "", (name, found)
        assert found.err.rstrip().rpartition("\n")[2] == last, (name, found)
        assert found.err.count("Traceback") == (name in ("exception", "interrupt")), (name, found)
        assert "clearspan/" not in found.err, (name, found)


def test_F41_F43_every_end_keeps_its_code_and_all_spans_arrive(tmp_path: Path) -> None:
    ended = ended_all(tmp_path)
    as_it_would(ended)
    for name in ENDS:
        expected = ["work", *["late"] * (name in ("thread", "at exit")), *["open"] * (name == "open")]  # fmt: skip
        assert sorted(outputs(tmp_path / name / "runs.db").elements()) == sorted(expected), name


@pytest.mark.parametrize("protocol", SINKS)
def test_F41_F43_a_receiver_gets_all_of_it_once(protocol: str, tmp_path: Path) -> None:
    with SINKS[protocol]() as sink:
        variables = {"SINK": sink.url, "CLEARSPAN_PROTOCOL": protocol}
        ended = ended_all(tmp_path, **variables)
        as_it_would(ended)
        assert counted(sink) == {"work": len(ENDS), "late": 2, "open": 1}


@pytest.mark.parametrize("mode", SLOW)
def test_F42_no_receiver_keeps_a_program_from_ending(mode: str, tmp_path: Path) -> None:
    with bad_sink(mode) as sink:
        # Without the deadline each would go on for ten minutes, and be found to hang.
        variables = {"SINK": sink.url, "OTEL_EXPORTER_OTLP_TIMEOUT": "600"}
        ended = ended_all(tmp_path, ("end", "exception", "sigterm", "open", "thread"), **variables)
    for found in ended.values():
        # Its exporters say by their own loggers that they could not send, and only once or twice.
        lines = [line for line in found.err.splitlines() if not line.startswith(("Transient", "Failed"))]  # fmt: skip
        found.err = "\n".join(lines)
    as_it_would(ended)


def test_F42_one_deadline_for_everything_at_once(tmp_path: Path) -> None:
    """Hanging exporters of each signal, an evaluator that hangs, and calls that are open: one deadline, not many."""
    text = """
import sys, threading, time
import clearspan
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.trace.export import SpanExporter

class Hangs(SpanExporter):
    def export(self, batch): time.sleep(600)
    def shutdown(self): time.sleep(600)

class Meters(MetricExporter):
    def export(self, data, timeout_millis=0, **more): time.sleep(600)
    def shutdown(self, timeout_millis=0, **more): time.sleep(600)
    def force_flush(self, timeout_millis=0): time.sleep(600)

class Logs:
    def export(self, batch): time.sleep(600)
    def shutdown(self): time.sleep(600)

def judge(call):
    time.sleep(600)

clearspan.init(exporters=[Hangs(), Hangs(), Hangs(), Meters(), Meters(), Logs(), Logs()], evaluators=[judge],
               providers=(), hardware="off", content_target="both", export_interval=0.01)
for _ in range(20):
    with clearspan.invocation("chat", provider="acme", model="m") as draft:
        draft.text("x")
open_one = clearspan.span("open"); open_one.__enter__()
time.sleep(0.1)
began = time.monotonic()
done = clearspan.flush(0.5)
print(done, time.monotonic() - began, flush=True)
began = time.monotonic()
import atexit
atexit._clear()
done = clearspan.shutdown()
print(done, time.monotonic() - began, flush=True)
"""
    found = run(text, tmp_path)
    assert found.code == 0, found
    flushed, shut = (line.split() for line in found.out.splitlines())
    assert (flushed[0], shut[0]) == ("False", "False")
    # A tenth of what each of them alone would take; the deadlines are 0.5 and 2 seconds.
    assert float(flushed[1]) < 5
    assert float(shut[1]) < 10


# -- Ctrl-C ----------------------------------------------------------------------------------------

# Forks children that end as programs do: what Python takes to start is paid once.
ROUNDS = """
import os, random, signal, sys, time
import clearspan

clearspan.init(store="runs.db", providers=(), hardware="off", export_interval=0.01)

@clearspan.task
def work():
    return 1

def child():
    until = time.monotonic() + 0.03
    while time.monotonic() < until:
        with clearspan.span("around"):
            work()

rng = random.Random(7)
for number in range(WANTED):
    ready, told = os.pipe()
    errors = os.open(f"{number}.err", os.O_CREAT | os.O_WRONLY)
    pid = os.fork()
    if pid == 0:
        os.dup2(errors, 2)
        os.write(told, b"x")
        child()
        break  # and on to the end of this program, as any program's
    os.read(ready, 1)
    began = time.monotonic()
    for each in (ready, told, errors):
        os.close(each)
    if number:  # the first one shows how long it takes
        time.sleep(rng.random() * 1.2 * takes)
        os.kill(pid, SENT)
    until = time.monotonic() + 60
    done = 0
    while not done and time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        time.sleep(0.001)
    if not done:
        print("hangs", number)
        os.kill(pid, signal.SIGABRT)
        _, status = os.waitpid(pid, 0)
    takes = takes if number else time.monotonic() - began
    print(number, os.waitstatus_to_exitcode(status), flush=True)
"""


def rounds(sent: signal.Signals, number: int, folder: Path) -> list[tuple[int, str]]:
    """The exit codes and words of so many programs, each of which got a signal at another moment."""
    text = ROUNDS.replace("WANTED", str(number)).replace("SENT", str(int(sent)))
    found = run(text, folder)
    assert found.code == 0, found
    lines = [line.split() for line in found.out.splitlines()]
    assert "hangs" not in found.out, (folder / f"{lines[-1][-1]}.err").read_text()
    assert len(lines) == number
    return [(int(code), (folder / f"{name}.err").read_text()) for name, code in lines]


def test_F41_ctrl_c_at_any_moment_ends_it_once_and_quietly(tmp_path: Path) -> None:
    ends = rounds(signal.SIGINT, ROUNDS_WANTED, tmp_path)
    for code, words in ends:
        own, *ignored = words.split("Exception ignored in")
        assert code in (0, -signal.SIGINT), (code, words)
        # One that comes when Python has put its own standard error away ends it without a word.
        assert not own or (code != 0 and own.rstrip().endswith("KeyboardInterrupt")), (code, words)
        # Python itself says so where it comes as threads are joined; none of it may be ours.
        assert not [text for text in ignored if "clearspan/" in text or "atexit" in text], words
    assert -signal.SIGINT in {code for code, _ in ends}


def test_F41_sigterm_at_any_moment_ends_it_quietly(tmp_path: Path) -> None:
    ends = rounds(signal.SIGTERM, ROUNDS_WANTED // 2, tmp_path)
    assert {code for code, _ in ends} == {0, -signal.SIGTERM}
    assert [words for _, words in ends if words] == []


NEEDED_LATE = (
    HEAD.replace("start()\n", "")
    + """
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

class Late(SpanExporter):
    def export(self, spans):
        exec("from collections import namedtuple; namedtuple('First', 'needed now')")
        return SpanExportResult.SUCCESS

clearspan.init(exporters=[Late()], providers=(), hardware="off", export_interval=60)
work()
"""
)
# As shells do that run programs inside of themselves.
SHOWN = """
def shell():
    try:
        exec("raise KeyboardInterrupt")
    except KeyboardInterrupt:
        sys.last_type, sys.last_value, sys.last_traceback = sys.exc_info()
shell()
"""
INTERRUPTED = {
    "unheld": ("raise KeyboardInterrupt", -signal.SIGINT),
    "below": ("def inner(): raise KeyboardInterrupt\ninner()", -signal.SIGINT),
    "held back": ("try:\n    raise KeyboardInterrupt\nexcept KeyboardInterrupt: sys.exit(5)", 5),
    "shown": (SHOWN, 0),
    "another": ("raise LookupError", 1),
}


def test_F43_ctrl_c_ends_it_by_the_signal_whatever_is_first_needed_then(tmp_path: Path) -> None:
    """What libraries run from text as they are imported makes Python forget how it is to end."""
    with ExitStack() as stack:
        running = {
            name: stack.enter_context(begun(NEEDED_LATE + end, tmp_path / name))
            for name, (end, _) in INTERRUPTED.items()
        }
        codes = {name: process.end().code for name, process in running.items()}
    assert codes == {name: code for name, (_, code) in INTERRUPTED.items()}


LEAVING = (
    HEAD
    + """
from clearspan import runtime
runtime.shutdown.__defaults__ = (600,)
runtime._EXIT_DEADLINE = 600
import clearspan.runtime.signals as signals
signals._handler.seconds = 600
print("ready", flush=True)
sys.stdin.readline()
"""
)


@pytest.mark.parametrize("mode", ["black hole", "drip"])
def test_F41_one_ctrl_c_ends_the_waiting(mode: str, tmp_path: Path) -> None:
    """The deadline is made so long that nothing else can end it."""
    with bad_sink(mode) as sink, begun(LEAVING, tmp_path, SINK=sink.url) as running:
        assert running.line() == "ready"
        running.say("go on")
        assert sink.reached.wait(
            BOUND
        )  # from here on it waits for an answer, and does nothing else
        time.sleep(0.2)
        running.send(signal.SIGINT)
        found = running.end()
    assert (found.code, found.out) == (0, "")
    assert "Traceback" not in found.err
    assert "clearspan/" not in found.err


# -- SIGTERM ---------------------------------------------------------------------------------------

WAITING = """
with clearspan.span("open"):
    print("ready", flush=True)
    {wait}
"""

# What the main thread is at when the signal comes.
AT = {
    "asleep": "time.sleep(60)",
    "a lock": "lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "busy": "work('busy'); print('busy', flush=True)\n    while True: work('busy')",
    "reading": "sys.stdin.readline()",
    "joining": "thread = threading.Thread(target=time.sleep, args=(60,), daemon=True); thread.start(); thread.join()",
    "asyncio": "import asyncio; asyncio.run(asyncio.sleep(60))",
    "a child": "import subprocess; subprocess.run(['sleep', '60'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)",
}  # fmt: skip


@pytest.mark.parametrize("wait", AT)
def test_F41_sigterm_loses_nothing_whatever_the_program_is_at(wait: str, tmp_path: Path) -> None:
    text = HEAD + WAITING.format(wait=AT[wait])
    with begun(text, tmp_path) as running:
        assert running.line() == "ready"
        assert wait != "busy" or running.line() == "busy"
        running.send(signal.SIGTERM)
        found = running.end()
    assert (found.code, found.out, found.err) == (-signal.SIGTERM, "", "")
    assert found.seconds < BOUND
    recorded = outputs(tmp_path / "runs.db")
    assert recorded["open"] == 1
    if wait == "busy":
        # The signal may have come in the middle of one more, which has no answer to be told by.
        assert recorded["work"] in (1, 2)
        assert recorded["busy"] > 0
    else:
        assert recorded["work"] == 1


# Locks that the main thread may hold when the signal comes.
HELD = {
    "ours": "with runtime._running.lock: time.sleep(60)",
    "logging": "import logging; logging._acquireLock() if hasattr(logging, '_acquireLock') else logging._lock.acquire(); time.sleep(60)",
    "threads": "threading._active_limbo_lock.acquire(); time.sleep(60)",
    "imports": "import slow",
    "queue": "worker = running.pipeline.worker; worker._lock.acquire(); time.sleep(60)",
}  # fmt: skip


@pytest.mark.parametrize("held", HELD)
def test_F41_sigterm_ends_it_in_time_whatever_the_program_holds(held: str, tmp_path: Path) -> None:
    tmp_path.joinpath("slow.py").write_text("import time\ntime.sleep(60)\n")
    text = HEAD + "from clearspan import runtime\nrunning = start()\n" + WAITING.format(wait=HELD[held])  # fmt: skip
    with begun(text, tmp_path) as running:
        assert running.line() == "ready"
        time.sleep(0.2)
        running.send(signal.SIGTERM)
        found = running.end()
    assert (found.code, found.out, found.err) == (-signal.SIGTERM, "", "")
    assert found.seconds < BOUND
    if held in ("ours", "logging", "imports"):
        assert outputs(tmp_path / "runs.db") == {"work": 1, "open": 1}


# Locks that are held for a moment, by whom the signal finds holding them: the module, and the lock that the saving needs.
MOMENTS = {
    "ours": ("clearspan.core.worker", "running.pipeline.worker._lock"),
    "opentelemetry": ("opentelemetry.sdk.metrics", "running.pipeline.worker._lock"),
    "threads": ("threading", "threading._active_limbo_lock"),
}
MOMENT = """
import types
from clearspan.runtime import signals

def start(lock, handler=signals._handler, say=print, sleep=time.sleep):
    with lock:
        say("ready", flush=True)
        while handler.heard is None:
            sleep(0.001)

moment = types.FunctionType(start.__code__, {{"__name__": {0!r}}}, "start", start.__defaults__)
with clearspan.span("open"):
    moment({1})
    time.sleep(60)
"""


@pytest.mark.parametrize("held", MOMENTS)
def test_F41_sigterm_waits_for_a_lock_that_is_held_for_a_moment(held: str, tmp_path: Path) -> None:
    """Who holds it goes on until it does not: held up in that moment it would have kept back what is to be saved."""
    text = HEAD + "running = start()\n" + MOMENT.format(*MOMENTS[held])
    with begun(text, tmp_path) as running:
        assert running.line() == "ready"
        running.send(signal.SIGTERM)
        found = running.end()
    assert (found.code, found.out, found.err) == (-signal.SIGTERM, "", "")
    assert outputs(tmp_path / "runs.db") == {"work": 1, "open": 1}


def test_F41_a_second_sigterm_ends_it_at_once(tmp_path: Path) -> None:
    with bad_sink("black hole") as sink, begun(LEAVING, tmp_path, SINK=sink.url) as running:
        assert running.line() == "ready"
        running.send(signal.SIGTERM)
        assert sink.reached.wait(BOUND)  # the handler waits now
        running.send(signal.SIGTERM)
        found = running.end()
    assert (found.code, found.err) == (-signal.SIGTERM, "")


def test_F41_sigterm_while_the_end_waits_goes_on_waiting(tmp_path: Path) -> None:
    """The receiver answers only after the signal has come; what it was sent then counts."""
    with http_sink() as sink:
        take = sink.take

        def slowly(*request: Any) -> Answer:
            answer = take(*request)
            sink.released.wait(BOUND)
            return answer

        sink.take = slowly  # type: ignore[method-assign]
        with begun(HEAD, tmp_path, SINK=sink.url) as running:
            assert sink.reached.wait(BOUND)
            running.send(signal.SIGTERM)
            time.sleep(0.2)
            sink.released.set()
            found = running.end()
    assert found.code in (-signal.SIGTERM, 0)  # it was at its end when the signal came
    assert found.err == ""
    assert counted(sink) == {"work": 1}
    assert {item.signal for item in sink.arrived} == {"traces", "metrics"}


# What a program does about the signal itself: statements before and after `start()`, and the exit code that it has
# without clearspan.
HANDLERS = {
    "set before": ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))", "", 7),
    "set after": ("", "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))", 7),
    "ignored": ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", "", 9),
    "put back": ("", """
old = signal.signal(signal.SIGTERM, lambda *_: None)
signal.signal(signal.SIGTERM, old)
work()  # from here on ours stands again
""", -signal.SIGTERM),
    "put back by a loop": ("", """
import asyncio
async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print)
asyncio.run(main())
work()
""", -signal.SIGTERM),
    "sent on": ("", """
old = signal.getsignal(signal.SIGTERM)
def handle(number, frame):
    if callable(old): old(number, frame)
    sys.exit(7)
signal.signal(signal.SIGTERM, handle)
""", 7),
    "restored and raised": ("", """
old = signal.getsignal(signal.SIGTERM)
def handle(number, frame):
    signal.signal(number, old)
    os.kill(os.getpid(), number)
signal.signal(signal.SIGTERM, handle)
""", -signal.SIGTERM),
    "only where there is none": ("", """
if signal.getsignal(signal.SIGTERM) in (None, signal.SIG_DFL):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
""", 7),
    "of the loop": ("", """
import asyncio
async def main():
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    os.kill(os.getpid(), signal.SIGTERM)
    await over.wait()
    sys.exit(7)
asyncio.run(main())
""", 7),
    "by uvicorn": ("", """
import uvicorn
async def app(scope, receive, send): pass
class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        os.kill(os.getpid(), signal.SIGTERM)
Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off")).run()
""", -signal.SIGTERM),
    "switched off": ("os.environ['CLEARSPAN_EXIT_SIGNALS'] = '0'", "", -signal.SIGTERM),
}  # fmt: skip


UNHEARD = ("switched off", "restored and raised", "by uvicorn")
"""The program puts the default back itself, and ends itself by it at once: nobody is asked before."""


@pytest.mark.parametrize("handler", HANDLERS)
def test_F41_handlers_of_the_program_have_the_say(handler: str, tmp_path: Path) -> None:
    before, after, code = HANDLERS[handler]
    text = HEAD.replace("\nstart()\n", f"\n{before}\nstart()\n")
    text += after + "\nos.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(0.1)\nsys.exit(9)\n"
    found = run(text, tmp_path)
    assert (found.code, found.out, found.err) == (code, "", "")
    times = 0 if handler in UNHEARD else after.count("work()") + 1
    assert outputs(tmp_path / "runs.db")["work"] == times


# What libraries do where they find that nobody handles a signal: with clearspan they must do the same.
ASKING = {
    "where it is the default": """
if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
    signal.signal(signal.SIGTERM, lambda *_: (print("cleaned up", flush=True), sys.exit(6)))
""",
    "on top of what there is": """
old = signal.getsignal(signal.SIGTERM)
def handle(number, frame):
    print("mine", callable(old), flush=True)
    if callable(old):
        old(number, frame)
    else:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
signal.signal(signal.SIGTERM, handle)
""",
    "what was there before": """
old = signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(old is signal.SIG_DFL, repr(old), type(old).__name__, isinstance(old, signal.Handlers), flush=True)
signal.signal(signal.SIGTERM, old)
""",
    "by name": """
print([signal.getsignal(n).name for n in (signal.SIGTERM, signal.SIGHUP)], flush=True)
print({signal.SIG_DFL: "nobody"}.get(signal.getsignal(signal.SIGTERM)), flush=True)
""",
}  # fmt: skip


@pytest.mark.parametrize("asking", ASKING)
def test_F41_to_a_program_that_asks_nobody_handles_the_signal(asking: str, tmp_path: Path) -> None:
    end = "\nos.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(0.1)\nsys.exit(9)\n"
    bare = run("import os, signal, sys, time\n" + ASKING[asking] + end, tmp_path)
    ours = run(HEAD + ASKING[asking] + end, tmp_path)
    assert (ours.code, ours.out, ours.err) == (bare.code, bare.out, bare.err)
    assert bare.code in (6, -signal.SIGTERM)


def test_F41_nothing_of_it_is_left_after_shutdown(tmp_path: Path) -> None:
    text = HEAD + """
from clearspan.runtime import signals
def kinds():
    return [signals._stands_for(number) is not signals._handler for number in (signal.SIGTERM, signal.SIGHUP)]
print(kinds())
clearspan.shutdown()
print(kinds())
thread = threading.Thread(target=start); thread.start(); thread.join()
print(kinds())       # signals are the main thread's affair
start()
print(kinds())
thread = threading.Thread(target=clearspan.shutdown); thread.start(); thread.join()
print(kinds())       # cannot be put back from there
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(60)
"""  # fmt: skip
    found = run(text, tmp_path)
    assert found.out.split("\n")[:-1] == [
        "[False, False]", "[True, True]", "[True, True]", "[False, False]", "[False, False]",
    ]  # fmt: skip
    assert (found.code, found.err) == (-signal.SIGTERM, "")


def test_F41_the_first_process_of_a_container_goes_on(tmp_path: Path) -> None:
    """There the system ignores a signal of default effect; what there is then is exported all the same."""
    text = "import os; os.getpid = lambda: 1\n" + HEAD + """
signal.raise_signal(signal.SIGTERM)
work("after")
until = time.monotonic() + 60
while clearspan.status().accounts.stored < 1 and time.monotonic() < until:
    time.sleep(0.01)
signal.raise_signal(signal.SIGTERM)
while clearspan.status().accounts.stored < 2 and time.monotonic() < until:
    time.sleep(0.01)
print(clearspan.status().accounts.stored, flush=True)
os._exit(0)
"""  # fmt: skip
    found = run(text, tmp_path)
    assert (found.code, found.out, found.err) == (0, "2\n", "")


def test_F41_children_keep_it(tmp_path: Path) -> None:
    text = (
        HEAD
        + """
import multiprocessing
def run(ready):
    work("child")
    ready.set()
    time.sleep(60)
context = multiprocessing.get_context("fork")
ready = context.Event()
process = context.Process(target=run, args=(ready,))
process.start()
ready.wait()
process.terminate()
process.join()
print(process.exitcode)
process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
process.start(); process.kill(); process.join()
print(process.exitcode)
"""
    )
    found = run(text, tmp_path)
    assert (found.code, found.out, found.err) == (0, "-15\n-9\n", "")
    assert outputs(tmp_path / "runs.db") == {"work": 1, "child": 1}


@pytest.mark.parametrize(
    ("end", "code"),
    [("os._exit(5)", 5), ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL), ("os.abort()", -signal.SIGABRT)],
)  # fmt: skip
def test_F41_ends_that_nobody_hears_of_are_as_they_were(
    end: str, code: int, tmp_path: Path
) -> None:
    """What had been exported is there; the rest is lost, at most an export interval's."""
    text = HEAD + f"clearspan.flush()\nwork('lost')\n{end}\n"
    found = run(text, tmp_path)
    assert (found.code, found.out) == (code, "")
    assert outputs(tmp_path / "runs.db") == {"work": 1}


# -- no thread is to be had ------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["store", "black hole"])
def test_F43_no_thread_is_needed_at_the_end(where: str, tmp_path: Path) -> None:
    """From Python 3.12 on none can be started any more when `atexit` is reached; here that is so in any."""
    text = HEAD.replace("start()\nwork()", """
import _thread
def no_more():
    def none(*args, **more):
        raise RuntimeError("can't create new thread at interpreter shutdown")
    _thread.start_new_thread = threading._start_new_thread = none
    if hasattr(threading, "_start_joinable_thread"):
        threading._start_joinable_thread = none
start(evaluators=[lambda call: 1.0, "length"], content_target="both")
atexit.register(no_more)
work()
""")  # fmt: skip
    with bad_sink("black hole") as sink:
        found = run(text, tmp_path, **({} if where == "store" else {"SINK": sink.url}))
    assert (found.code, found.out) == (0, ""), found
    assert "Traceback" not in found.err, found
    assert found.seconds < BOUND
    if where == "store":
        assert found.err == ""
        assert outputs(tmp_path / "runs.db") == {"work": 1}


WITHOUT_THREADS = """
import threading
begin = threading.Thread.start
def start(self):
    if self.name.startswith("clearspan"):
        raise RuntimeError("can't start new thread")
    begin(self)
threading.Thread.start = start
"""


@pytest.mark.parametrize("where", ["direct", "spool"])
@pytest.mark.parametrize("mode", ["black hole", "drip"])
def test_F42_deadlines_hold_where_no_thread_can_be_started(
    mode: str, where: str, tmp_path: Path
) -> None:
    """As in a container that is out of processes: whoever flushes does the work, until his time is over."""
    more = {"CLEARSPAN_SPOOL": str(tmp_path / "spool.db")} if where == "spool" else {}
    text = WITHOUT_THREADS + HEAD + """
for seconds in (0, 0.3):
    began = time.monotonic()
    clearspan.flush(seconds)
    print(time.monotonic() - began, flush=True)
began = time.monotonic()
atexit.register(lambda: print(time.monotonic() - began, flush=True))
atexit.register(clearspan.shutdown)
"""  # fmt: skip
    with bad_sink(mode) as sink:
        # Without the deadline each of them would take ten minutes.
        found = run(text, tmp_path, SINK=sink.url, OTEL_EXPORTER_OTLP_TIMEOUT="600", **more)
    assert (found.code, len(found.out.split())) == (0, 3), found
    assert all(float(seconds) < BOUND for seconds in found.out.split())
    assert "Traceback" not in found.err


TIMEOUTS = ("None", "float('nan')", "'3'", "-1", "0", "1e12", "float('inf')", "10**400", "object()", "True")  # fmt: skip


def test_F42_whatever_is_given_as_a_timeout(tmp_path: Path) -> None:
    """What is no number of seconds counts as the default; the end of the program is none the worse."""
    text = """
import sys
import clearspan
for number, given in enumerate((TIMEOUTS)):
    runtime = clearspan.init(store=f"{number}.db", providers=(), hardware="off", export_interval=60)
    with clearspan.span("a"):
        pass
    flushed = clearspan.flush(given)
    with clearspan.span("b"):
        pass
    shut = clearspan.shutdown(given)
    print(flushed, shut, runtime.running, dict(runtime.status().internal_errors), flush=True)
""".replace("TIMEOUTS", ", ".join(TIMEOUTS))
    found = run(text, tmp_path)
    assert (found.code, found.err) == (0, ""), found
    for number, (given, line) in enumerate(zip(TIMEOUTS, found.out.splitlines(), strict=True)):
        assert line.endswith("False {}"), (given, line)
        if given not in ("-1", "0", "True"):
            assert line == "True True False {}", (given, line)
            assert outputs(tmp_path / f"{number}.db") == {"a": 1, "b": 1}, given
