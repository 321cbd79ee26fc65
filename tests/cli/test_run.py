from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import INTERRUPTIBLE, PATIENCE, Command, Process, names, traces

Follow = Callable[..., "subprocess.Popen[str]"]

SPAN = "import clearspan\nwith clearspan.span({!r}): pass\n"
# What a program can tell of how it was started.
MIRROR = """
import json, os, sys
print(json.dumps({
    "argv": sys.argv, "name": __name__, "path": sys.path, "stdin": sys.stdin.read(),
    "orig": sys.orig_argv[1:], "main": "__main__" in sys.modules, "spec": __spec__ and __spec__.name,
    "cwd": os.getcwd(), "flags": str(sys.flags),
}))
"""


def program(name: str, text: str) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return name


def python(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    """The same without clearspan."""
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, timeout=PATIENCE, **options
    )  # type: ignore[call-overload,no-any-return]  # options of the tests


@pytest.mark.parametrize(
    "words", [["tell.py", "a", "--store", "x", "--", "-m"], ["-m", "package.tell", "--json", "-"]]
)
def test_a_program_starts_as_python_starts_it(
    start: Process, place: Path, words: list[str]
) -> None:
    program("tell.py", MIRROR)
    program("package/tell.py", MIRROR)
    plain = python(*words, input="typed")
    recorded = start("run", *words, input="typed")
    assert (recorded.returncode, recorded.stderr) == (0, "")
    assert json.loads(recorded.stdout) == json.loads(plain.stdout)


def test_a_program_from_standard_input(start: Process) -> None:
    done = start("run", "-", "word", input="import sys; print(sys.argv)")
    assert done.stdout == "['-', 'word']\n"


@pytest.mark.parametrize(
    "text",
    [
        "raise SystemExit(7)",
        "raise SystemExit('sorry')",
        "1 / 0",
        "import os; os._exit(3)",
        "def broken(",
    ],
    ids=["exit code", "exit text", "exception", "hard exit", "syntax"],
)
def test_it_ends_as_python_ends_it(start: Process, place: Path, text: str) -> None:
    plain, recorded = python(program("app.py", text)), start("run", "app.py")
    assert (recorded.returncode, recorded.stdout, recorded.stderr) == (
        plain.returncode, plain.stdout, plain.stderr,
    )  # fmt: skip


def test_a_program_that_is_not_there_is_pythons_to_tell(start: Process, place: Path) -> None:
    plain, recorded = python("missing.py"), start("run", "missing.py")
    assert (recorded.returncode, recorded.stderr) == (plain.returncode, plain.stderr)


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_reach_the_program_itself(
    follow: Follow, place: Path, number: signal.Signals
) -> None:
    program(
        "app.py", "import os, time\nprint(os.getpid(), flush=True)\nwhile True: time.sleep(0.05)"
    )
    process = follow("run", "app.py", before=INTERRUPTIBLE)
    assert process.stdout is not None
    assert process.stdout.readline() == f"{process.pid}\n"
    process.send_signal(number)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -number


def test_what_the_program_does_is_recorded(start: Process, call: Command, place: Path) -> None:
    program("app.py", SPAN.format("of the program"))
    assert start("run", "app.py").returncode == 0
    assert names(call) == ["of the program"]


def test_programs_that_it_starts_are_recorded_into_the_same_store(
    start: Process, call: Command, place: Path
) -> None:
    program("child.py", SPAN.format("of the child"))
    program("app.py", f"""
import os, pathlib, subprocess, sys
child = pathlib.Path("child.py").resolve()
os.chdir({str(place.parent)!r})
subprocess.run([sys.executable, child], check=True)
""")  # fmt: skip
    for words in ([], ["--store", "own.db"]):
        assert start("run", *words, "app.py").returncode == 0
        assert names(call, *words) == ["of the child"]


@pytest.mark.parametrize(
    ("words", "spool"), [(["true"], ".clearspan/spool.db"), (["own.db"], "own.db")], ids=["default", "named"]
)  # fmt: skip
def test_its_spool_stays_where_it_is_wherever_the_program_goes(
    start: Process, place: Path, words: list[str], spool: str
) -> None:
    program("app.py", """
import os
print(os.environ["CLEARSPAN_SPOOL"])
""")  # fmt: skip
    done = start("run", "--endpoint", "http://127.0.0.1:9", "--spool", *words, "app.py")
    assert (done.returncode, done.stdout.strip()) == (0, str(place / spool))


def test_a_spawned_worker_is_recorded(start: Process, call: Command, place: Path) -> None:
    program("app.py", """
import multiprocessing
import clearspan

def work():
    with clearspan.span("of the worker"):
        pass

if __name__ == "__main__":
    worker = multiprocessing.get_context("spawn").Process(target=work)
    worker.start()
    worker.join()
    raise SystemExit(worker.exitcode)
""")  # fmt: skip
    done = start("run", "app.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert names(call) == ["of the worker"]


def test_options_become_settings_of_the_program(start: Process, place: Path) -> None:
    program("app.py", """
import clearspan
settings = clearspan.init().settings
print(settings.content, settings.service_name, settings.sample_rate, settings.tool_schemas, list(settings.providers))
print(settings.origins["content"])
""")  # fmt: skip
    options = [
        "--content",
        "metadata",
        "--service-name",
        "shop",
        "--sample-rate",
        "0.5",
        "--tool-schemas",
        "yes",
    ]
    done = start("run", *options, "--providers", "openai", "app.py")
    assert done.stdout == "metadata shop 0.5 True ['openai']\nCLEARSPAN_CONTENT\n"


def test_every_setting_has_its_option_but_secret_ones(call: Command) -> None:
    from clearspan.settings import SETTINGS

    shown = call("run", "--help").stdout
    offered = {
        item.name
        for item in SETTINGS
        if item.variable and f"--{item.name.replace('_', '-')} " in shown
    }
    assert {item.name for item in SETTINGS if item.variable} - offered == {"headers", "disabled"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--content", "loud"], "--content = 'loud': use one of off, metadata, redacted, full"),
        (["--providers", "opnai"], "no provider named 'opnai'; known are "),
        (["--exporters", "csv"], "no exporter named 'csv'; known are "),
        (["--endpoint", "localhost"], "--endpoint = 'localhost': use an address such as"),
        (["--store", "no/such/folder/s.db"], "folder"),
        (["--redact", "names"], "redact: no rule named 'names'"),
        (["--redact", "emails"], "did you mean 'email'?"),
    ],
)
def test_a_bad_setting_is_said_before_the_program_starts(
    start: Process, place: Path, options: list[str], said: str
) -> None:
    program("app.py", "print('started')")
    done = start("run", *options, "app.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("clearspan: ")
    assert said in done.stderr


def test_a_bad_variable_is_said_too(start: Process, place: Path) -> None:
    done = start("run", program("app.py", ""), env={**os.environ, "CLEARSPAN_CONTENT": "loud"})
    assert done.returncode == 2
    assert "CLEARSPAN_CONTENT = 'loud'" in done.stderr


@pytest.mark.parametrize(
    ("option", "takes"), [("--spool", "true|FILE"), ("--exit-signals", "true|false")]
)
def test_an_option_that_took_the_program_for_its_value(
    call: Command, option: str, takes: str
) -> None:
    done = call("run", "--content", "off", option, "app.py")
    assert done.exit_code == 2
    assert f"{option} takes a value, here 'app.py': write {option} true PROGRAM" in done.stderr
    assert f"{option} {takes}" in call("run", "--help").stdout
    assert "takes a value" not in call("run", "--content", "off").stderr


@pytest.mark.parametrize("words", [[], ["-m"], ["--no-such-option", "app.py"]])
def test_wrong_usage(start: Process, words: list[str]) -> None:
    done = start("run", *words)
    assert done.returncode == 2
    assert "Usage:" in done.stderr


def hidden(text: str) -> dict[str, str]:
    """An environment whose Python finds a `sitecustomize` of its own."""
    program("site/sitecustomize.py", text)
    before = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path("site").resolve()), *before])}


def test_a_sitecustomize_that_was_there_before_still_runs(
    start: Process, call: Command, place: Path
) -> None:
    environment = hidden("import sys\nsys.was_here = __name__, __file__\n")
    program(
        "app.py",
        f"{SPAN.format('of the program')}import sitecustomize, sys\nprint(sys.was_here[0], sitecustomize.__file__ == sys.was_here[1])",
    )
    done = start("run", "app.py", env=environment)
    assert (done.stdout, done.stderr) == ("sitecustomize True\n", "")
    assert names(call) == ["of the program"]


def test_one_that_fails_fails_as_ever(start: Process, call: Command, place: Path) -> None:
    environment = hidden("raise ValueError('not mine')")
    program("app.py", SPAN.format("of the program"))
    plain, recorded = python("-c", "", env=environment), start("run", "app.py", env=environment)
    assert "ValueError: not mine" in plain.stderr
    assert recorded.stderr == plain.stderr * 2  # the command is a Python program as well
    assert recorded.returncode == 0
    assert names(call) == ["of the program"]


def test_a_python_without_clearspan_is_left_alone(start: Process, place: Path) -> None:
    program(
        "site/sitecustomize.py",
        "import sys\nif '__main__' not in sys.argv[0]: sys.modules['clearspan'] = None\n",
    )
    from clearspan.cli.run import BOOTSTRAP

    entries = [str(BOOTSTRAP), str(Path("site").resolve())]
    done = python("-c", "print('ran')", env={**os.environ, "PYTHONPATH": os.pathsep.join(entries)})
    assert (done.stdout, done.stderr) == ("ran\n", "")


def test_a_setting_that_only_a_child_finds_wrong_does_not_stop_it(
    start: Process, place: Path
) -> None:
    program("app.py", """
import os, subprocess, sys
subprocess.run([sys.executable, "-c", "print('ran')"], env={**os.environ, "CLEARSPAN_CONTENT": "loud"}, check=True)
""")  # fmt: skip
    done = start("run", "app.py")
    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert len(done.stderr.splitlines()) == 1
    assert "CLEARSPAN_CONTENT = 'loud'" in done.stderr
    assert "unrecorded" in done.stderr


def test_switched_off_it_only_runs_the_program(start: Process, place: Path) -> None:
    program("app.py", SPAN.format("of the program") + "print('ran')")
    done = start("run", "app.py", env={**os.environ, "CLEARSPAN_DISABLED": "1"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "ran\n", "")
    assert not (place / ".clearspan").exists()


def test_where_a_process_cannot_be_replaced_it_is_supervised(place: Path) -> None:
    from clearspan.cli.run import _supervised

    assert _supervised([sys.executable, "-c", "raise SystemExit(5)"], dict(os.environ)) == 5


def test_the_openai_client_is_recorded_without_a_change(
    start: Process, call: Command, place: Path
) -> None:
    from clearspan.testing import ModelServer

    program("app.py", """
import openai
client = openai.OpenAI(api_key="none", http_client=openai.DefaultHttpxClient(trust_env=False))
client.chat.completions.create(model="m-1", messages=[{"role": "user", "content": "Hello"}])
""")  # fmt: skip
    with ModelServer() as server:
        done = start("run", "app.py", env={**os.environ, "OPENAI_BASE_URL": server.url})
    assert (done.returncode, done.stderr) == (0, "")
    [trace] = traces(call)
    assert (trace["name"], trace["models"]) == ("chat m-1", ["m-1"])
