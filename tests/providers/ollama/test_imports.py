"""Whatever comes first, clearspan or the library, and whatever stands under its name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SERVER = """
import os
from clearspan.testing import ModelServer
server = ModelServer()
os.environ["OLLAMA_HOST"] = server.origin
"""
START = """
import clearspan
from clearspan.testing import captured
capture = captured()
seen = capture.__enter__()
"""
CALLS = {
    "module": ("import ollama", "ask = lambda **given: ollama.chat(**given)"),
    "from": ("from ollama import chat", "ask = chat"),
    "from client module": ("from ollama._client import Client", "ask = Client().chat"),
    "made before": ("import ollama; client = ollama.Client()", "ask = client.chat"),
    "kept before": ("import ollama; kept = ollama.Client().chat", "ask = kept"),
    "made after": ("import ollama", "ask = ollama.Client().chat"),
    "derived before": (
        "import ollama\nclass Mine(ollama.Client):\n    pass\nclient = Mine()", "ask = client.chat",
    ),
    "asynchronous": (
        "import asyncio, ollama; client, loop = ollama.AsyncClient(), asyncio.new_event_loop()",
        "ask = lambda **given: loop.run_until_complete(client.chat(**given))",
    ),
}  # fmt: skip
ASK = """
answer = ask(model="llama3.2", messages=[{"role": "user", "content": "Rome?"}])
assert answer["message"]["content"] == "You said: Rome?", answer
(span,) = seen.spans
assert (span.name, seen.open_calls) == ("chat llama3.2", 0), span
capture.__exit__(None, None, None)
answer = ask(model="llama3.2", messages=[{"role": "user", "content": "Rome?"}])
assert answer["message"]["content"] == "You said: Rome?", answer
assert len(seen.spans) == 1
server.close()
print("done")
"""


def run(program: str, place: Path) -> str:
    """What a fresh interpreter says, run where `place` is the first place of its path."""
    script = place / "program.py"
    script.write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert not done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("late", [False, True], ids=["clearspan first", "library first"])
@pytest.mark.parametrize("way", CALLS)
def test_every_order_is_seen(way: str, late: bool, tmp_path: Path) -> None:
    imported, asked = CALLS[way]
    before = [imported, START] if late else [START, imported]
    assert run("\n".join([SERVER, *before, asked, ASK]), tmp_path) == "done"


STRANGERS = {
    "a file of the program's": {"ollama.py": "def chat(**given):\n    return 'mine'\n"},
    "a package without its client": {
        "ollama/__init__.py": "def chat(**given):\n    return 'mine'\n"
    },
    "a client that is none": {
        "ollama/__init__.py": "from ollama._client import chat\n",
        "ollama/_client.py": "Client = 3\nclass AsyncClient:\n    _request = 'x'\n"
        "def chat(**given):\n    return 'mine'\n",
    },
}


@pytest.mark.parametrize("late", [False, True], ids=["clearspan first", "library first"])
@pytest.mark.parametrize("stranger", STRANGERS)
def test_what_only_has_the_name_is_left_alone(stranger: str, late: bool, tmp_path: Path) -> None:
    for name, text in STRANGERS[stranger].items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    start = "import clearspan\nclearspan.init(exporters=[])"
    first, second = ("import ollama", start) if late else (start, "import ollama")
    program = [first, second, "print(ollama.chat(model='m'))", "clearspan.shutdown()"]
    assert run("\n".join(program), tmp_path) == "mine"


def test_a_library_that_breaks_when_imported(tmp_path: Path) -> None:
    (tmp_path / "ollama").mkdir()
    (tmp_path / "ollama/__init__.py").write_text("import ollama._client\n", encoding="utf-8")
    (tmp_path / "ollama/_client.py").write_text(
        "raise ImportError('half of it')\n", encoding="utf-8"
    )
    program = """
import clearspan
clearspan.init(exporters=[])
try:
    import ollama
except ImportError as error:
    print(error)
clearspan.shutdown()
"""
    assert run(program, tmp_path) == "half of it"
