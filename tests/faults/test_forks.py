"""Forked and spawned children: each starts clean, ends, and delivers its own once; and what comes and goes leaves nothing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import sys
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.faults.endings import begun, counted, outputs, run, spans_of
from tests.faults.kit import eventually
from tests.support.otlp_sink import SINKS, Sink, http_sink, plain

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

PROGRAMS = str(Path(sys.executable).parent)
HEAD = """
import multiprocessing, os, random, signal, sys, threading, time
import clearspan
where = {"endpoint": os.environ["SINK"]} if "SINK" in os.environ else {"store": "runs.db"}
settings = {**where, "providers": (), "hardware": "off", "export_interval": 60}

@clearspan.task
def work(name):
    return name

def call(model):
    with clearspan.invocation("chat", provider="acme", model=model) as draft:
        draft.text("x")
        draft.usage(input=1, output=1)

def child(run, *given):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            run(*given)
            code = 0 if clearspan.flush(30) else 3
        finally:
            os._exit(code)
    return pid

def wait(pids):
    until = time.monotonic() + 60
    for pid in pids:
        done = 0
        while not done:
            done, status = os.waitpid(pid, os.WNOHANG)
            if not done and time.monotonic() > until:
                os.kill(pid, signal.SIGABRT)
                raise SystemExit(f"child {pid} hangs")
            time.sleep(0.001)
        assert status == 0, (pid, os.waitstatus_to_exitcode(status))
"""
STARTED = HEAD + "clearspan.init(**settings)\n"


# -- ids, and nothing twice ------------------------------------------------------------------------


def test_F45_no_id_repeats_although_the_program_seeds_its_children_alike(tmp_path: Path) -> None:
    text = STARTED + """
random.seed(0)
work("before")
def run(number):
    random.seed(0)
    for _ in range(3):
        work(f"child {number}")
wait([child(run, number) for number in range(50)])
random.seed(0)
work("after")
"""  # fmt: skip
    found = run(text, tmp_path)
    assert (found.code, found.out, found.err) == (0, "", "")
    spans = spans_of(tmp_path / "runs.db")
    assert len({span.span_id for span in spans}) == len({span.trace_id for span in spans}) == 152
    assert outputs(tmp_path / "runs.db") == {
        "before": 1, "after": 1, **{f"child {number}": 3 for number in range(50)},
    }  # fmt: skip


def summed(sink: Sink, name: str) -> Counter[str]:
    """What a receiver adds up of a histogram or a counter, by model: the last word of each process and start."""
    last: dict[tuple[Any, ...], dict[str, int]] = {}
    for item in sink.metrics:
        if item.item.name == name:
            for point in (*item.item.histogram.data_points, *item.item.sum.data_points):
                named = plain(point.attributes)
                stream = (item.resource.get("service.instance.id"), named.get("gen_ai.token.type"))
                model = named["gen_ai.request.model"]
                start = (point.start_time_unix_nano, model)
                told = point.as_int if hasattr(point, "as_int") else point.sum
                last[stream + start] = {model: int(told)}
    found: Counter[str] = Counter()
    for counts in last.values():
        found.update(counts)
    return found


@pytest.mark.parametrize("protocol", [*SINKS, "kept connections"])
def test_F45_children_deliver_their_own_and_nothing_of_the_parents(
    protocol: str, tmp_path: Path
) -> None:
    """Over a connection that the parent has used before, and metrics that it has summed up before."""
    text = STARTED + """
for _ in range(5):
    call("parent")
assert clearspan.flush(30)
def run(number):
    for _ in range(3):
        call(f"child {number}")
wait([child(run, number) for number in range(8)])
call("parent")
"""  # fmt: skip
    make = SINKS.get(protocol, lambda: http_sink("HTTP/1.1"))
    with make() as sink:
        spoken = protocol if protocol in SINKS else "http/protobuf"
        found = run(text, tmp_path, SINK=sink.url, CLEARSPAN_PROTOCOL=spoken)
        assert (found.code, found.out) == (0, ""), found
        children = {f"child {number}": 6 for number in range(8)}
        names = Counter(item.item.name for item in sink.spans)
        assert len({item.item.span_id for item in sink.spans}) == sum(names.values())
        assert names == {"chat parent": 6, **{f"chat {name}": 3 for name in children}}
        assert summed(sink, "gen_ai.client.token.usage") == {"parent": 12, **children}
        counted = summed(sink, "clearspan.client.operation.count")
        assert counted == {"parent": 6, **dict.fromkeys(children, 3)}


def test_F45_a_span_that_is_open_at_the_fork_is_the_parents(tmp_path: Path) -> None:
    text = STARTED + """
with clearspan.span("around"):
    wait([child(work, "inside")])
    pid = os.fork()
    if pid == 0:
        sys.exit(5)  # through the block, which is not its own
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
"""  # fmt: skip
    found = run(text, tmp_path)
    assert (found.code, found.out, found.err) == (0, "", "")
    assert outputs(tmp_path / "runs.db") == {"around": 1, "inside": 1}
    spans = {span.name: span for span in spans_of(tmp_path / "runs.db")}
    assert spans["work"].parent_id == spans["around"].span_id


# -- locks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["store", "http/protobuf", "grpc"])
def test_F44_every_child_of_a_busy_parent_ends_and_delivers(where: str, tmp_path: Path) -> None:
    """Eight threads emit, another one flushes, an evaluator judges, a stream is read: any lock may be held."""
    text = HEAD + """
clearspan.init(**(settings | {"export_interval": 0.005, "evaluators": ["length"], "content_target": "both"}))
stop = threading.Event()
def busy():
    while not stop.is_set():
        call("parent")
        time.sleep(0.002)
def flushing():
    while not stop.is_set():
        clearspan.flush(1)
        clearspan.status()
threads = [threading.Thread(target=busy) for _ in range(8)] + [threading.Thread(target=flushing)]
for thread in threads:
    thread.start()
def run(number):
    call("child")
    assert clearspan.init(**settings) is not None
    work(f"child {number}")
pids = []
for number in range(20):
    pids.append(child(run, number))
    time.sleep(0.003)
stop.set()
wait(pids)
for thread in threads:
    thread.join()
clearspan.shutdown(60)
"""  # fmt: skip
    variables = {"PYTHONWARNINGS": "ignore", "CLEARSPAN_QUEUE_BYTES": "200MB"}
    if where == "store":
        found = run(text, tmp_path, **variables)
        names = outputs(tmp_path / "runs.db")
    else:
        with SINKS[where]() as sink:
            found = run(text, tmp_path, SINK=sink.url, CLEARSPAN_PROTOCOL=where, **variables)
            names = counted(sink, retried=where == "grpc")
    assert (found.code, found.out) == (0, ""), found
    assert "Traceback" not in found.err, found
    children = {name: names[name] for name in names if name.startswith("child ")}
    if where == "grpc" and "amid a call of gRPC" in found.err:
        assert set(children.values()) <= {1}  # in those children it cannot be used any more
        return
    assert children == {f"child {number}": 1 for number in range(20)}
    assert names["chat child"] == 20


def test_F44_a_fork_while_an_export_is_stuck(tmp_path: Path) -> None:
    text = HEAD + """
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
reached, go_on, parent = threading.Event(), threading.Event(), os.getpid()
class Slow(SpanExporter):
    def export(self, spans):
        if os.getpid() == parent:
            reached.set()
            go_on.wait(60)
        with open("exported", "a") as file:
            for span in spans:
                print(span.attributes["clearspan.output"], file=file)
        return SpanExportResult.SUCCESS
    def shutdown(self): ...
clearspan.init(exporters=[Slow()], providers=(), hardware="off", export_interval=0.01)
work("parent")
reached.wait(60)
work("waits behind it")
wait([child(work, f"child {number}") for number in range(5)])
go_on.set()
"""  # fmt: skip
    found = run(text, tmp_path)
    assert (found.code, found.out, found.err) == (0, "", "")
    assert sorted((tmp_path / "exported").read_text().splitlines()) == sorted(
        ["parent", "waits behind it", *[f"child {number}" for number in range(5)]]
    )


# -- ways to have children -------------------------------------------------------------------------

WAYS = {
    "Process": """
    processes = [context.Process(target=run, args=(f"child {number}",)) for number in range(4)]
    for process in processes: process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
""",
    "Pool": """
    with context.Pool(2) as pool:
        pool.map(run, [f"child {number}" for number in range(4)])
        pool.close()
        pool.join()
""",
    "ProcessPoolExecutor": """
    import concurrent.futures
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        list(pool.map(run, [f"child {number}" for number in range(4)]))
""",
    "terminated pool": """
    with context.Pool(2) as pool:
        pool.map(run, [f"child {number}" for number in range(4)])
""",
}
METHODS = ("fork", "spawn", "forkserver")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", METHODS)
def test_F45_children_of_multiprocessing_lose_nothing(
    method: str, way: str, tmp_path: Path
) -> None:
    """Also where their pool ends them by a signal, as leaving a `with` block does."""
    text = HEAD + f"""
def run(name):
    if {method!r} != "fork":
        clearspan.init(**settings)
    return work(name)

if __name__ == "__main__":
    clearspan.init(**settings)
    work("parent")
    context = multiprocessing.get_context({method!r})
{WAYS[way]}
"""  # fmt: skip
    found = run(text, tmp_path)
    assert (found.code, found.out, found.err) == (0, "", "")
    assert outputs(tmp_path / "runs.db") == {"parent": 1, **{f"child {number}": 1 for number in range(4)}}  # fmt: skip


GUNICORN_APP = """
import os
import clearspan
clearspan.init(endpoint=os.environ["SINK"], providers=(), hardware="off", export_interval=60)

@clearspan.task
def work(name):
    return name

work("loaded")

def app(environ, start_response):
    work(environ["PATH_INFO"])
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.mark.skipif(
    importlib.util.find_spec("gunicorn") is None, reason="gunicorn is not installed"
)
@pytest.mark.parametrize("preload", [True, False], ids=["preload", "each"])
def test_F44_F45_gunicorn_workers_lose_nothing(preload: bool, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(GUNICORN_APP)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = f"""
import sys
from gunicorn.app.wsgiapp import run
sys.argv = ["gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "2", "--log-level", "critical",
            "--no-control-socket", {"'--preload'," if preload else ""} "shop:app"]
import gunicorn.config
if "control_socket" not in str(gunicorn.config.KNOWN_SETTINGS) and not any(
        "--no-control-socket" in (item.cli or ()) for item in gunicorn.config.KNOWN_SETTINGS):
    sys.argv.remove("--no-control-socket")
sys.path.insert(0, ".")
run()
"""
    asked = [f"/{number}" for number in range(20)]
    pids: set[bytes] = set()

    def answered(path: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                pids.add(answer.read())
        except OSError:
            return False
        return True

    with http_sink() as sink:
        with begun(text, tmp_path, SINK=sink.url) as running:
            assert eventually(lambda: answered("/up") or running.process.poll() is not None)
            assert all(answered(path) for path in asked), running.process.poll()
            running.send(signal.SIGTERM)
            found = running.end()
        assert (found.code, found.err) == (0, ""), found
        names = counted(sink)
    loaded = names.pop("loaded")
    assert loaded == (1 if preload else 2)
    assert names == {"/up": 1, **dict.fromkeys(asked, 1)}


# -- evaluators ------------------------------------------------------------------------------------


def scores(folder: Path) -> Counter[str]:
    return Counter((folder / "scores").read_text().splitlines())


def test_F80_forked_workers_judge_each_call_once(tmp_path: Path) -> None:
    text = HEAD + """
parent = os.getpid()
def judge(call):
    with open("scores", "a") as file:
        print(call.model, "parent" if os.getpid() == parent else "child", file=file)
    return 1.0
clearspan.init(**settings, evaluators=[judge])
call("parent")
clearspan.flush(30)
def run(number):
    for _ in range(3):
        call(f"child{number}")
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        pool.map(run, range(4))
        pool.close()
        pool.join()
    processes = [context.Process(target=run, args=(number,)) for number in range(4, 8)]
    for process in processes: process.start()
    for process in processes: process.join()
    call("parent")
"""  # fmt: skip
    found = run(text, tmp_path)
    assert (found.code, found.out, found.err) == (0, "", "")
    assert scores(tmp_path) == {
        "parent parent": 2, **{f"child{number} child": 3 for number in range(8)},
    }  # fmt: skip


@pytest.mark.skipif(importlib.util.find_spec("celery") is None, reason="celery is not installed")
@pytest.mark.parametrize("started", ["in the parent", "in each worker"])
def test_F80_celery_workers_judge_and_deliver_all(started: str, tmp_path: Path) -> None:
    start = "clearspan.init(**settings, evaluators=[judge])"
    text = HEAD + f"""
from celery import Celery, signals
app = Celery("shop", broker="memory://", backend="cache+memory://")
app.conf.worker_hijack_root_logger = False
def judge(call):
    with open("scores", "a") as file:
        print(call.model, file=file)
    return 1.0
@app.task
def task(number):
    call(f"m{{number}}")
    with open("done", "a") as file:
        print(number, file=file)
if {started!r} == "in the parent":
    {start}
else:
    @signals.worker_process_init.connect
    def begin(**_):
        {start}
def done():
    try:
        return len(open("done").readlines())
    except OSError:
        return 0
if __name__ == "__main__":
    import logging
    logging.disable(logging.CRITICAL)
    worker = app.Worker(pool="prefork", concurrency=2, loglevel="CRITICAL", quiet=True)
    def ask():
        for number in range(10):
            task.delay(number)
        until = time.monotonic() + 60
        while done() < 10 and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)  # a warm shutdown
    threading.Thread(target=ask, daemon=True).start()
    worker.start()
    sys.exit(0)
"""  # fmt: skip
    found = run(text, tmp_path, PYTHONWARNINGS="ignore")
    assert found.code == 0, found
    assert scores(tmp_path) == {f"m{number}": 1 for number in range(10)}
    assert outputs(tmp_path / "runs.db") == {f"chat m{number}": 1 for number in range(10)}


# -- gevent ----------------------------------------------------------------------------------------


@pytest.mark.skipif(importlib.util.find_spec("gevent") is None, reason="gevent is not installed")
@pytest.mark.parametrize("end", ["end", "sigterm", "fork"])
def test_F44_gevent(end: str, tmp_path: Path) -> None:
    text = "from gevent import monkey; monkey.patch_all()\nimport gevent\n" + STARTED + f"""
jobs = [gevent.spawn(work, f"greenlet {{number}}") for number in range(10)]
gevent.joinall(jobs)
if {end!r} == "sigterm":
    os.kill(os.getpid(), signal.SIGTERM)
    gevent.sleep(60)
if {end!r} == "fork":
    wait([child(work, f"child {{number}}") for number in range(3)])
"""  # fmt: skip
    found = run(text, tmp_path)
    assert (found.code, found.err) == (-signal.SIGTERM if end == "sigterm" else 0, ""), found
    children = {f"child {number}": 1 for number in range(3)} if end == "fork" else {}
    assert outputs(tmp_path / "runs.db") == {f"greenlet {number}": 1 for number in range(10)} | children  # fmt: skip


# -- frozen, and embedded --------------------------------------------------------------------------


def test_F51_a_process_that_is_frozen_between_calls_loses_nothing(tmp_path: Path) -> None:
    """As a function service does: it freezes the process as soon as an answer is given. Here, with a stop."""
    text = STARTED + """
def handle(event):
    work(event)
    clearspan.flush(10)
    return event
for line in sys.stdin:
    print(handle(line.strip()), flush=True)
"""  # fmt: skip
    with http_sink() as sink, begun(text, tmp_path, SINK=sink.url) as running:
        for number in range(5):
            running.say(f"event {number}")
            assert running.line() == f"event {number}"
            running.process.send_signal(signal.SIGSTOP)
            # All of it has arrived before the answer was given.
            assert counted(sink) == {f"event {each}": 1 for each in range(number + 1)}
            running.process.send_signal(signal.SIGCONT)
        assert running.process.stdin is not None
        running.process.stdin.close()
        running.process.stdin = None
        found = running.end()
        assert (found.code, found.err) == (0, "")
        assert counted(sink) == {f"event {number}": 1 for number in range(5)}


def test_F51_no_primitive_of_multiprocessing_is_used(tmp_path: Path) -> None:
    text = STARTED + """
def none(*args, **more): raise OSError(38, "Function not implemented")
import _multiprocessing
_multiprocessing.SemLock = none
work("x")
clearspan.flush(30)
print(sorted(name for name in sys.modules if name.startswith("multiprocessing.sync")))
"""  # fmt: skip
    found = run(text.replace("import multiprocessing, os", "import os"), tmp_path)
    assert (found.code, found.out, found.err) == (0, "[]\n", "")


def test_F52_where_exit_hooks_are_skipped_a_flush_is_enough(tmp_path: Path) -> None:
    """As uWSGI with `skip-atexit`, and without threads: nothing may hang, and `flush` in a hook delivers."""
    text = STARTED + """
work("flushed")
clearspan.flush(30)
work("lost")
os._exit(0)
"""  # fmt: skip
    found = run(text, tmp_path)
    assert (found.code, found.out, found.err) == (0, "", "")
    assert outputs(tmp_path / "runs.db") == {"flushed": 1}


def test_F52_a_fork_that_python_is_not_told_of(tmp_path: Path) -> None:
    """As uWSGI forks its workers: by the C library, so that none of Python's hooks is run."""
    text = STARTED + """
import ctypes
work("before")
clearspan.flush(30)
time.sleep(0.3)  # its threads have nothing to do: one that ran just then would leave Python's own lock taken
fork = ctypes.PyDLL(None).fork
pids = []
for number in range(5):
    pid = fork()
    if pid == 0:
        random.seed(0)
        for _ in range(number):
            work(f"child {number}")
        clearspan.shutdown(30)
        os._exit(0)
    pids.append(pid)
wait(pids)
"""  # fmt: skip
    with http_sink() as sink:
        found = run(text, tmp_path, SINK=sink.url)
        assert (found.code, found.out, found.err) == (0, "", "")
        assert counted(sink) == {
            "before": 1, **{f"child {number}": number for number in range(1, 5)},
        }  # fmt: skip


@pytest.mark.skipif(shutil.which("uwsgi", path=PROGRAMS) is None, reason="uwsgi is not installed")
@pytest.mark.parametrize("how", [[], ["--enable-threads"], ["--enable-threads", "--skip-atexit"]])
def test_F52_uwsgi(how: list[str], tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(GUNICORN_APP)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
    words = [
        str(shutil.which("uwsgi", path=PROGRAMS)), "--http-socket", place, "--master", "--processes", "2",
        "--wsgi-file", "shop.py", "--callable", "app", "--die-on-term", "--venv", sys.prefix, *how,
    ]  # fmt: skip
    asked = [f"/{number}" for number in range(10)]

    def answered(path: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://{place}{path}", timeout=10) as answer:
                return bool(answer.read())
        except OSError:
            return False

    text = f"import os\nos.execv({words[0]!r}, {words!r})\n"
    with http_sink() as sink, begun(text, tmp_path, SINK=sink.url) as running:
        assert eventually(lambda: answered("/up"))
        assert all(answered(path) for path in asked)
        running.send(signal.SIGTERM)
        found = running.end()
        assert found.code == 0, found
        names = counted(sink)
    names.pop("loaded", None)
    if how == ["--enable-threads"]:
        assert names == {"/up": 1, **dict.fromkeys(asked, 1)}
    else:  # what comes is right; nothing hangs
        assert set(names.values()) <= {1}


def test_F52_without_threads_nothing_hangs(tmp_path: Path) -> None:
    """Where none can be started from the beginning, what was recorded is delivered by whoever flushes."""
    text = HEAD + """
import clearspan.runtime  # OpenTelemetry starts some when it is imported
def none(*args, **more): raise RuntimeError("can't start new thread")
import _thread
_thread.start_new_thread = threading._start_new_thread = none
if hasattr(threading, "_start_joinable_thread"): threading._start_joinable_thread = none
clearspan.init(**settings)
for number in range(100):
    work("x")
print(clearspan.flush(30))
"""  # fmt: skip
    found = run(text, tmp_path)
    assert (found.code, found.out) == (0, "True\n"), found
    assert "Traceback" not in found.err
    assert outputs(tmp_path / "runs.db") == {"x": 100}


# -- files that cannot be let go of ----------------------------------------------------------------

WAITING = HEAD + """
import sqlite3, subprocess
clearspan.init(**(settings | {"export_interval": 0.01}))
work("first")
assert clearspan.flush(30)
def holding(code):
    '''Another process that does this, and holds what it has until `go_on()`.'''
    other = subprocess.Popen([sys.executable, "-c", code + "; print('held', flush=True); sys.stdin.readline()"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "held\\n"
    return other
"""  # fmt: skip

# What keeps the worker's hands on the file when the program forks.
HELD_UP = {
    "another process writes": """
held = holding("import sqlite3, sys; db = sqlite3.connect('runs.db', isolation_level=None); db.execute('BEGIN IMMEDIATE')")
go_on = lambda: held.communicate("go on\\n")
work("second")
""",
    "another process has the folder": """
held = holding("import fcntl, os, sys; fcntl.flock(os.open('.', os.O_RDONLY), fcntl.LOCK_EX)")
go_on = lambda: held.communicate("go on\\n")
work("second")
""",
    "a question without end": """
from clearspan.exporters.store import retention
begun = threading.Event()
def keep(self, connection):
    begun.set()
    connection.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n").fetchone()
real, retention.Retention.keep = retention.Retention.keep, keep
def go_on(): ...
work("second")
assert begun.wait(60)
retention.Retention.keep = real
""",
    "what cannot be interrupted": """
from clearspan.exporters.store import retention
begun, over = threading.Event(), threading.Event()
def keep(self, connection):
    begun.set()
    over.wait(60)
real, retention.Retention.keep = retention.Retention.keep, keep
go_on = over.set
work("second")
assert begun.wait(60)
retention.Retention.keep = real
""",
}  # fmt: skip


@pytest.mark.parametrize("held", HELD_UP)
def test_F44_a_fork_amid_a_write_costs_no_child_what_it_records(held: str, tmp_path: Path) -> None:
    """What holds it up lasts until all are forked. They record nevertheless, and it ends in the one file."""
    text = WAITING + HELD_UP[held] + """
def run(number):
    for _ in range(3):
        work(f"child {number}")
time.sleep(0.1)  # whatever it does, it is at it
pids = [child(run, number) for number in range(3)]
go_on()
wait(pids)
work("after")
assert clearspan.shutdown(60)
"""  # fmt: skip
    found = run(text, tmp_path, PYTHONWARNINGS="ignore")
    assert (found.code, found.out) == (0, ""), found
    assert outputs(tmp_path / "runs.db") == {
        "first": 1, "second": 1, "after": 1, **{f"child {number}": 3 for number in range(3)},
    }  # fmt: skip
    assert not [each.name for each in tmp_path.iterdir() if ".fork-" in each.name]
    if held == "what cannot be interrupted":
        assert found.err.count("forked in the middle of a write") == 3


def test_F44_what_a_child_left_beside_is_taken_in_by_the_next_program(tmp_path: Path) -> None:
    text = WAITING + HELD_UP["what cannot be interrupted"] + """
def run():
    work("child")
    call("m")
    clearspan.flush(30)
    os.kill(os.getpid(), signal.SIGKILL)
pid = child(run)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
os.kill(os.getpid(), signal.SIGKILL)
"""  # fmt: skip
    found = run(text, tmp_path, PYTHONWARNINGS="ignore")
    assert found.code == -signal.SIGKILL, found
    assert [each.suffix for each in tmp_path.iterdir() if ".fork-" in each.name].count(".db") == 1
    assert run(STARTED + "work('next')", tmp_path).code == 0
    found_all = outputs(tmp_path / "runs.db")
    assert (found_all["child"], found_all["next"]) == (1, 1)
    assert len([span for span in spans_of(tmp_path / "runs.db") if span.name == "chat m"]) == 1
    assert not [each.name for each in tmp_path.iterdir() if ".fork-" in each.name]


def test_F44_a_child_of_a_child_that_went_on_beside_has_a_file_of_its_own(tmp_path: Path) -> None:
    """It writes still when its parent is gone, and what that one left was taken in and deleted."""
    text = WAITING + HELD_UP["what cannot be interrupted"] + """
ready, go = os.pipe(), os.pipe()
def grandchild():
    work("grandchild")
    assert clearspan.flush(30)
    print(f"fork-{os.getpid()}", flush=True)
    os.write(ready[1], b"x")
    os.read(go[0], 1)
    work("grandchild")
def run():
    work("child")
    assert clearspan.flush(30)
    child(grandchild)
    os.read(ready[0], 1)
pids = [child(run)]
go_on()
wait(pids)
os.close(ready[1])
assert clearspan.shutdown(60)
print(*[name for name in os.listdir() if ".fork-" in name and name.endswith(".db")])
os.write(go[1], b"x")
assert os.read(ready[0], 1) == b""  # it has ended
"""  # fmt: skip
    found = run(text, tmp_path, PYTHONWARNINGS="ignore")
    assert found.code == 0, found
    own, left = found.out.splitlines()
    assert left.startswith("runs.fork-")
    assert left.endswith(f"-{own.removeprefix('fork-')}.db"), "its own, and no other"
    assert run(STARTED + "work('next')", tmp_path).code == 0
    assert outputs(tmp_path / "runs.db") == {
        "first": 1, "second": 1, "child": 1, "grandchild": 2, "next": 1,
    }  # fmt: skip
    assert not [each.name for each in tmp_path.iterdir() if ".fork-" in each.name]
