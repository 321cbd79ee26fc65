"""NVIDIA GPUs without a GPU: the stand-in library, its script, and a process that reads it with the real pynvml."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).with_name("nvml_stand_in.c")
ROOT = Path(__file__).parents[2]
PATIENCE = 60.0

# What a test's process has at hand. `tell` is what it answers, `lines` sets the script.
PRELUDE = """
import json, logging, os, sys, threading
import clearspan.samplers
clearspan.samplers.sees_all = lambda: True  # as outside of containers
logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
def lines(*wanted):
    with open(os.environ["CLEARSPAN_TEST_NVML_SCRIPT"] + ".new", "w") as file:
        file.write("\\n".join([*base, *wanted]).replace("own", str(os.getpid())) + "\\n")
    os.replace(file.name, os.environ["CLEARSPAN_TEST_NVML_SCRIPT"])
def told(sampler):
    keys = ("hw.id", "hw.gpu.task", "hw.limit_type", "error.type", "hw.state")
    return {
        " ".join([r.name, *(r.attributes[k].removeprefix("GPU-") for k in keys if k in r.attributes)]): r.value
        for r in sampler.read()
    }
def library():
    import ctypes
    return ctypes.CDLL("libnvidia-ml.so.1")
def balance():
    return [library().standInStarts(), library().standInStops()]
class Clock:
    now = 1000.0
    def __call__(self):
        return self.now
"""
SERVER = """
import contextlib, io
for line in sys.stdin:
    asked = json.loads(line)
    space = {**globals(), "base": asked["base"]}
    exec(PRELUDE, space)
    space["lines"]()
    kept = dict(os.environ)
    os.environ.update(asked["environ"])
    try:
        exec(asked["code"], space)
        answer = {"told": space.get("tell")}
        if len(set(balance())) != 1:
            answer = {"error": f"started and ended: {balance()}"}
    except BaseException as error:
        import traceback
        answer = {"error": traceback.format_exc()}
    while balance()[0] > balance()[1]:
        library().nvmlShutdown()
    os.environ.clear()
    os.environ.update(kept)
    print(json.dumps(answer), flush=True)
"""


@functools.cache
def library() -> Path:
    """The folder of the library, compiled once per session; the test is skipped without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("the stand-in for NVML needs Linux and a C compiler")
    folder = Path(tempfile.mkdtemp(prefix="nvml-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = folder / "libnvidia-ml.so.1"
    flags = ["-shared", "-fPIC", "-Wl,-soname,libnvidia-ml.so.1", "-o", str(made)]
    subprocess.run([compiler, *flags, str(SOURCE)], check=True, timeout=PATIENCE)
    return folder


def gpu(unit: int = 0, **changes: Any) -> list[str]:
    """The lines of a GPU that tells everything; a change to `None` leaves a figure out."""
    figures: dict[str, Any] = {
        "uuid": f"GPU-{unit}", "name": "NVIDIA H100", "mig": 0, "util": 40, "encoder": 10, "decoder": 20,
        "memory_total": 80_000_000_000, "memory_used": 20_000_000_000,
        "power_mw": 120_000 + unit, "energy_mj": 5_000_000, "temperature": 55, "threshold_0": 95,
        "threshold_1": 90, "threshold_3": 85, "fans": 1, "fan_0": 30, "ecc_0_1": 7, "ecc_1_1": 2,
        "ecc_1_0": 0, "pids": "own", "drawing": "none",
    }  # fmt: skip
    figures.update(changes)
    return [f"gpu {unit} {key} {value}" for key, value in figures.items() if value is not None]


def sliced(unit: int, memory: list[int]) -> list[str]:
    """The lines of a GPU in MIG mode, with a slice for each size of its memory."""
    lines = gpu(unit, mig=1, slices=7, util=None, pids=None, drawing=None)
    for number, size in enumerate(memory):
        lines += [
            f"gpu {100 + 10 * unit + number} {line}"
            for line in (
                f"uuid MIG-{unit}{number}",
                f"name NVIDIA H100 MIG {number}",
                f"memory_total {size}",
                f"memory_used {size // 4}",
                "pids none",
                "drawing none",
            )
        ]
    return lines


def machine(*gpus: list[str]) -> list[str]:
    """The script of a machine with these GPUs."""
    return ["driver 550.54", f"count {len(gpus)}", *(line for lines in gpus for line in lines)]


class Bench:
    """A process that has the stand-in and runs what it is given, one piece after the other.

    After each, NVML must have been ended as often as it was started.
    """

    def __init__(self, folder: Path, errors: Path) -> None:
        self.script = folder / "script"
        self.errors = errors
        with errors.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", f"PRELUDE = {PRELUDE!r}\nbase = []\n{PRELUDE}{SERVER}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
                env=environment(self.script),
            )

    def run(self, base: list[str], code: str, **environ: str) -> Any:
        """What `code` puts into `tell`, on a machine whose script is `base`."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = {"base": base, "code": textwrap.dedent(code), "environ": environ}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline() or '{"error": "the process died"}')
        assert "error" not in answer, answer["error"]
        return answer["told"]

    def close(self) -> None:
        self.process.communicate(timeout=PATIENCE)


def environment(script: Path | None, **environ: str) -> dict[str, str]:
    """That of a process with the stand-in, or of one without any driver."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CUDA_")}
    if script is not None:
        kept |= {"LD_LIBRARY_PATH": str(library()), "CLEARSPAN_TEST_NVML_SCRIPT": str(script)}
    return kept | {"CLEARSPAN_STRICT": "1"} | environ


@contextmanager
def bench(folder: Path) -> Generator[Bench]:
    """A process with the stand-in. It must have logged nothing above debug when it ends."""
    pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    running = Bench(folder, folder / "errors")
    try:
        yield running
    finally:
        running.close()
    assert running.process.returncode == 0
    assert running.errors.read_text() == ""


def alone(
    folder: Path, base: list[str] | None, code: str, environ: Mapping[str, str] | None = None
) -> Any:
    """Like `Bench.run`, in a process of its own; without a script there is no library either."""
    pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    script = None if base is None else folder / "script"
    if script is not None and base is not None:
        script.write_text("\n".join(base) + "\n")
    start = "" if script is None else "lines()"
    lines = f"base = {base or []!r}\n{PRELUDE}\n{start}\n{textwrap.dedent(code)}\nprint(json.dumps(tell))"
    ended = subprocess.run(
        [sys.executable, "-c", lines],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=ROOT,
        env=environment(script, **(environ or {})),
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return json.loads(ended.stdout)
