"""Everything the project checks about itself: `python -m pip install nox && python -m nox`."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from pathlib import Path

import nox

ROOT = Path(__file__).parent
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")

nox.needs_version = ">=2025.5"
# uv only where it was installed beside nox (`pip install 'nox[uv]'`): one that merely lies on the
# PATH may not know the package index that pip was told to use.
nox.options.default_venv_backend = "uv" if importlib.util.find_spec("uv") else "virtualenv"
# With the newest of everything. Older releases have sessions that are run by name: `openai-1`, `openai-2`,
# `ollama-oldest`, `hub-1`, `transformers-4`, `oldest`, and `versions`, which is a whole table of them.
nox.options.sessions = [
    "lint",
    "types",
    "tests",
    "faults",
    "transformers-5",
    "house",
    "docs",
    "build",
]
nox.options.error_on_external_run = True

# Pinned: an open range would take the newest build with all of CUDA.
TORCH = "torch==2.13.0"
# What the tests of models in the process need beside the library: templates, images, sound, films, tables
# (transformers 4 knows no pandas 3), the client of the demo. Tasks that need torchvision are tested where it
# fits the torch that is there: its wheels are made for one build of torch, which they do not name.
LOCAL = (TORCH, "jinja2", "pandas<3", "pillow", "scipy", "av", "openai")
# The tests of known faults, which take long and have a session of their own.
FAULTS = "tests/faults"
# Two processes share the tests out, each file to one of them: so that files keep what they set up for all
# their tests, and no more of them at once than the smallest machine has cores.
SHARED_OUT = ("--numprocesses=2", "--dist=loadfile")
# One more where much of the time is waiting: for programs that a test starts, for deadlines that pass.
WAITING = ("--numprocesses=3", "--dist=loadfile")
# Packages whose branches must all be shown by a test.
COVERED = ("core", "capture", "emit", "figures", "assess")
# Where those tests stand. Counting branches takes as long again as the tests: the others run without.
COUNTED = (
    *(f"tests/{name}" for name in (*COVERED, "formats", "runtime")),
    "tests/providers/openai/test_deprecations.py",
    *sorted(str(path) for path in Path("tests/providers").glob("*/test_guards*.py")),
    *sorted(str(path) for path in Path("tests").glob("test_*.py")),
)
# Sessions of their own.
APART = ("tests/house", "tests/live", FAULTS, "tests/differential")


def group(name: str) -> list[str]:
    """The requirements of one dependency group of pyproject.toml."""
    return list(nox.project.dependency_groups(PYPROJECT, name))


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and formatting."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy and pyright, strict, over the source and a program that uses it."""
    session.install("-e", ".[demo]", *group("types"))
    session.run("mypy")
    session.run("pyright", env={"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"})


def vocabularies(session: nox.Session) -> str:
    """The folder of tiktoken's vocabularies: the files come with litellm, of which nothing else is used."""
    folder = Path(session.virtualenv.location) / "vocabularies"
    found = folder / "litellm" / "litellm_core_utils" / "tokenizers"
    if not found.exists():
        session.install("--no-deps", "--target", str(folder), "litellm==1.109.1")
    return str(found)


@nox.session
def tests(session: nox.Session) -> None:
    """The whole suite, with full branch coverage of the packages on the host's path."""
    session.install("-e", ".[demo]", *group("test"))
    counted_with = {"CLEARSPAN_TEST_TOKENIZERS": vocabularies(session)}
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *WAITING, *(session.posargs or COUNTED), env=counted_with)  # fmt: skip
    session.run("coverage", "combine", "--quiet")
    if session.posargs:
        session.run("coverage", "report", "--skip-covered", "--show-missing")
        return
    rest = [f"--ignore={path}" for path in (*COUNTED, *APART)]
    session.run("python", "-m", "pytest", *WAITING, "tests", *rest, env=counted_with)
    paths = ",".join(f"src/clearspan/{name}/*" for name in COVERED)
    session.run("coverage", "report", f"--include={paths}", "--show-missing", "--skip-covered", "--fail-under=100")  # fmt: skip


@nox.session
def faults(session: nox.Session) -> None:
    """Every known fault of instrumentation libraries, and the same programs with clearspan and without."""
    session.install("-e", ".[demo]", *group("test"))
    # The one that takes longest comes first, so that the others are shared out beside it.
    chosen = session.posargs or (f"{FAULTS}/test_sweep.py", FAULTS, "tests/differential")
    session.run("python", "-m", "pytest", *WAITING, *chosen)


@nox.session(default=False)
def frameworks(session: nox.Session) -> None:
    """The known faults that need Celery, gevent, uWSGI, LangChain, a type checker or instrumented HTTP clients."""
    session.install("-e", ".[demo]", *group("frameworks"))
    chosen = [f"{FAULTS}/test_{name}.py" for name in ("forks", "patching", "decorators", "quiet")]
    session.run("python", "-m", "pytest", "-rs", *(session.posargs or chosen))


def about(library: str) -> list[str]:
    """The tests whose subject is one library: run again with each of its majors.

    Recordings are of the openai client where their tests are not named after another.
    """
    names = ("huggingface_hub", "ollama", "transformers")
    replays = sorted(Path("tests/recordings").glob("test_*.py"))
    whose = {path: next((n for n in names if n in path.name), "openai") for path in replays}
    places = (
        Path(f"tests/providers/{library}"),
        Path(f"tests/providers/test_{library}_contract.py"),
        *(path for path in replays if whose[path] == library),
    )
    return [str(path) for path in places if path.exists()]


def tell_versions(session: nox.Session, *names: str) -> None:
    """Print which releases are installed."""
    code = (
        "import sys; from importlib.metadata import version\n"
        "for name in sys.argv[1:]: print(name, version(name))"
    )
    session.run("python", "-c", code, *names)


def against(
    session: nox.Session, libraries: tuple[str, ...], *requirements: str, more: tuple[str, ...] = ()
) -> None:
    """Run the tests about some libraries, and `more` tests, with one choice of versions."""
    session.install("-e", ".", *requirements, *group("test"))
    names = [re.split(r"[^\w-]", requirement)[0] for requirement in requirements]
    tell_versions(session, *names)
    paths = [path for library in libraries for path in about(library)]
    if not paths:  # pytest would take that for all tests
        session.error(f"there are no tests about {libraries}")
    session.run("python", "-m", "pytest", *SHARED_OUT, *(session.posargs or (*paths, *more)))


@nox.session(name="openai-1")
def openai_1(session: nox.Session) -> None:
    """The client's tests with the newest openai 1.x."""
    against(session, ("openai",), "openai>=1.109,<2")


@nox.session(name="openai-2")
def openai_2(session: nox.Session) -> None:
    """The client's tests with the newest openai 2.x."""
    against(session, ("openai",), "openai>=2,<3")


@nox.session(name="openai-3", default=False)
def openai_3(session: nox.Session) -> None:
    """The client's tests with the newest openai 3.x."""
    against(session, ("openai",), "openai>=3,<4")


@nox.session
def oldest(session: nox.Session) -> None:
    """The client's tests with the oldest supported openai, OpenTelemetry and wrapt."""
    against(
        session,
        ("openai",),
        "openai==1.40.0",
        "httpx<0.28",  # openai 1.40 passes an argument that httpx 0.28 dropped
        "opentelemetry-api==1.39.0",
        "opentelemetry-sdk==1.39.0",
        "opentelemetry-exporter-otlp==1.39.0",
        "wrapt==1.16.0",
    )


# The choices of `nox -s versions`: what is installed beside the newest of everything, and in which environment.
PURE = {"WRAPT_DISABLE_EXTENSIONS": "1"}
VERSIONS: dict[str, tuple[tuple[str, ...], dict[str, str | None]]] = {
    "wrapt-1.16": (("wrapt==1.16.0",), {}),
    "wrapt-1.16-pure": (("wrapt==1.16.0",), {**PURE}),
    "wrapt-1.17": (("wrapt>=1.17,<2",), {}),
    "wrapt-1.17-pure": (("wrapt>=1.17,<2",), {**PURE}),
    "wrapt-2": (("wrapt>=2,<3",), {}),
    "wrapt-2-pure": (("wrapt>=2,<3",), {**PURE}),
    "otel-oldest": (
        tuple(f"opentelemetry-{part}==1.39.0" for part in ("api", "sdk", "exporter-otlp")),
        {},
    ),
    "otel-newest": (("opentelemetry-api", "opentelemetry-sdk", "opentelemetry-exporter-otlp"), {}),
    "openai-1": (("openai>=1.109,<2",), {}),
    "openai-2": (("openai>=2,<3",), {}),
    "openai-3": (("openai>=3,<4",), {}),
}


# The known faults that other releases below could bring back.
TOUCHED = tuple(
    f"{FAULTS}/test_{name}.py"
    for name in ("streams", "contexts", "decorators", "patching", "values", "limits", "accounts", "leaks")
)  # fmt: skip


@nox.session(default=False)
@nox.parametrize("choice", [nox.param(name, id=name) for name in VERSIONS])
def versions(session: nox.Session, choice: str) -> None:
    """Capture, the known faults and the openai client's tests with other releases below them."""
    requirements, env = VERSIONS[choice]
    session.install("-e", ".[demo]", *requirements, *group("test"))
    tell_versions(session, "openai", "wrapt", "opentelemetry-sdk")
    spans = "tests/runtime/test_promising.py"  # as the SDK makes them
    chosen = session.posargs or ("tests/capture", *TOUCHED, spans, "tests/providers/openai")
    session.run("python", "-m", "pytest", *SHARED_OUT, *chosen, env=env)


@nox.session(name="ollama-oldest")
def ollama_oldest(session: nox.Session) -> None:
    """The client's tests with the oldest supported ollama."""
    against(session, ("ollama",), "ollama==0.4.0", "openai")


@nox.session(name="ollama-newest", default=False)
def ollama_newest(session: nox.Session) -> None:
    """The client's tests with the newest ollama."""
    against(session, ("ollama",), "ollama", "openai")


@nox.session(name="hub-1")
def hub_1(session: nox.Session) -> None:
    """The client's tests with the newest huggingface_hub 1.x; the other majors go with transformers."""
    against(session, ("huggingface_hub",), "huggingface_hub>=1,<2", "openai")


@nox.session(name="transformers-4")
def transformers_4(session: nox.Session) -> None:
    """Local models with the newest transformers 4.x, and huggingface_hub 0.x."""
    against(
        session,
        ("transformers", "huggingface_hub"),
        "transformers>=4.45,<5",
        "huggingface_hub[inference]<1",  # the extra is what its asynchronous client speaks through
        *LOCAL,
        more=("tests/cli/test_demo_local.py",),
    )


@nox.session(name="transformers-5")
def transformers_5(session: nox.Session) -> None:
    """Local models with the newest transformers 5.x, its server too, and huggingface_hub 2.x."""
    against(
        session,
        ("transformers", "huggingface_hub"),
        "transformers[serving]>=5,<6",
        "huggingface_hub>=2,<3",
        *LOCAL,
        more=("tests/cli/test_demo_local.py",),
    )


@nox.session
def house(session: nox.Session) -> None:
    """Floors, ceilings and the other rules of the house."""
    session.install("-e", ".[demo]", *group("house"))
    session.run("lint-imports", "--no-logo")
    session.run("vulture")
    session.run("python", "-m", "pytest", "tests/house", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, every reference resolved and every warning an error."""
    session.install("-e", ".", *group("docs"))
    session.run("sphinx-build", "-W", "-n", "-q", "--keep-going", "docs", "docs/_build/html")


@nox.session
def build(session: nox.Session) -> None:
    """Wheel and sdist; then the wheel, alone, in an environment of its own."""
    session.install(*group("build"))
    out = Path(session.create_tmp()).resolve() / "dist"
    shutil.rmtree(out, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(out))
    wheel = next(out.glob("*.whl"))
    session.run("twine", "check", "--strict", *map(str, sorted(out.iterdir())))
    fresh = out.parent / "fresh"
    session.run("python", "-m", "venv", "--clear", str(fresh))
    programs = fresh / ("Scripts" if os.name == "nt" else "bin")
    python, clearspan = str(programs / "python"), str(programs / "clearspan")
    session.run(python, "-m", "pip", "install", "--quiet", f"{wheel}[demo]", external=True)
    with session.chdir(fresh):
        session.run(python, "-c", "import clearspan; clearspan.init", external=True)
        session.run(clearspan, "--help", external=True)
        session.run(clearspan, "demo", external=True)


# Real components for `nox -s live`: the variable that names the program, the program, and what to
# install for it. Each has an environment of its own, kept between runs: together they do not resolve.
COMPONENTS = {
    "CLEARSPAN_LIVE_PHOENIX": ("phoenix", ("arize-phoenix",)),
    "CLEARSPAN_LIVE_TRANSFORMERS": (
        "transformers",
        (TORCH, "transformers[serving]", "jinja2"),
    ),
}


# The components that are looked at from inside too.
RECORDED = ("transformers",)


@nox.session(default=False)
def live(session: nox.Session) -> None:
    """A real backend and a real model server; installs them first (minutes, gigabytes)."""
    session.install("-e", ".[demo]", *group("test"))
    env: dict[str, str | None] = {}
    for variable, (name, requirements) in COMPONENTS.items():
        env[variable] = os.environ.get(variable) or component(session, name, requirements)
    session.run(
        "python", "-m", "pytest", "-m", "live", *(session.posargs or ["tests/live"]), env=env
    )


def component(session: nox.Session, name: str, requirements: tuple[str, ...]) -> str:
    """The path of a component's program, installed when it is not there yet."""
    home = ROOT / ".nox" / f"component-{name}"
    program = home / ("Scripts" if os.name == "nt" else "bin") / name
    python = str(program.with_name("python"))
    if not program.exists():
        session.run("python", "-m", "venv", "--clear", str(home))
        for requirement in requirements:
            session.run(python, "-m", "pip", "install", "--quiet", requirement, external=True)
    if name in RECORDED:
        session.run(python, "-m", "pip", "install", "--quiet", "-e", ".", external=True)
    return str(program)


PEERS = sorted(name for name in PYPROJECT["dependency-groups"] if name.startswith("coexist-"))


@nox.session(default=False)
@nox.parametrize("peer", [nox.param(name, id=name.removeprefix("coexist-")) for name in PEERS])
def coexist(session: nox.Session, peer: str) -> None:
    """clearspan and another instrumentation in one process, in an environment for each other one."""
    others = group(peer)
    try:
        session.install("-e", ".", "openai", *others, "hypothesis", "pytest", "pytest-asyncio")
    except nox.command.CommandFailed:
        session.skip(f"{peer}: {others[0]} cannot be installed here")
    tell_versions(session, "openai", "wrapt", re.split(r"[^\w-]", others[0])[0])
    name = peer.removeprefix("coexist-")
    chosen = session.posargs or ("tests/coexist", "-k", name)
    # Deprecations of theirs are their own.
    session.run("python", "-m", "pytest", "-W", "default", *chosen)


@nox.session(default=False)
def soak(session: nox.Session) -> None:
    """Half an hour of mixed load (`-- 2m` for less): memory, threads and open files must stay level."""
    session.install("-e", ".[demo]", *group("test"))
    session.run("python", "-m", "tests.soak.run", *session.posargs)


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Ten minutes (`-- 2m` for less) of made-up bytes for everything that reads what others wrote."""
    session.install("-e", ".[demo]", *group("test"))
    try:
        session.install("--only-binary", ":all:", *group("fuzz"))
    except nox.command.CommandFailed:
        session.warn("atheris cannot be installed here: hypothesis has all of the time")
    session.run("python", "-m", "tests.fuzz.run", *session.posargs)


@nox.session(default=False)
def mutate(session: nox.Session) -> None:
    """Take every listed guard out in turn: its test must fall. `-- TEXT` for some of them."""
    session.install("-e", ".[demo]", *group("test"))
    session.run("python", "-m", "tests.mutate.runner", *session.posargs)


# Whom the overhead is compared with, by the names of `benchmarks/overhead/variants.py`, and what is installed for each.
BESIDE = {
    name: f"coexist-{name}"
    for name in ("official-genai", "official-v2", "openllmetry", "openinference", "langfuse", "logfire")
} | {"openlit": "bench-openlit"}  # fmt: skip


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """What clearspan costs, beside a span by hand and seven others, each in an environment of its own (an hour)."""
    session.install("-e", ".[demo]", TORCH, *group("bench"))
    peers = [f"--peer={name}={python}" for name in BESIDE if (python := neighbour(session, name))]
    session.run("python", "-m", "benchmarks.overhead", *peers, *session.posargs)


@nox.session(name="bench-evaluators", default=False)
def bench_evaluators(session: nox.Session) -> None:
    """What evaluators cost a call, and how well they judge: `-- FOLDER` with labelled samples."""
    session.install("-e", ".[demo]")
    session.run("python", "-m", "benchmarks.judging")
    session.run("python", "-m", "benchmarks.evaluators", *session.posargs)


def neighbour(session: nox.Session, name: str) -> str | None:
    """The interpreter of another instrumentation's environment, made when it is not there yet; `None` where it cannot be."""
    home = ROOT / ".nox" / f"bench-{name}"
    python = str(home / ("Scripts" if os.name == "nt" else "bin") / "python")
    if not Path(python).exists():
        session.run("python", "-m", "venv", "--clear", str(home))
        wanted = ("openai", "opentelemetry-sdk", "numpy", *group(BESIDE[name]))
        try:
            session.run(python, "-m", "pip", "install", "--quiet", *wanted, external=True)
        except nox.command.CommandFailed:
            shutil.rmtree(home)
            session.warn(f"{name} cannot be installed here: it is left out")
            return None
    return python


@nox.session(default=False)
def changelog(session: nox.Session) -> None:
    """Show the next section of the changelog, gathered from its fragments."""
    session.install(*group("changelog"))
    session.run("towncrier", "build", "--draft", *session.posargs)
