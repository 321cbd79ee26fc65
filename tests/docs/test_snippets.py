"""Every snippet of the README and the documentation runs as it stands."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from clearspan.testing import ModelServer
from tests.docs.page import PageError, Step, steps, write

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NEEDS = re.compile(r"<!--\s*needs: ([\w ]+?)\s*-->")
"""A page about a library that is too heavy for everybody's tests names it so."""
RUNNABLE = [
    page for page in PAGES if "_build" not in page.parts and steps(page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_page_runs(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    needed = NEEDS.search(text)
    for name in needed[1].split() if needed is not None else ():
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    script = tmp_path / "steps.json"
    write(text, script)
    work = tmp_path / "work"
    work.mkdir()
    with ModelServer() as server:
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("page.py")), str(script)],
            cwd=work,
            env=reader_environment(server.url, tmp_path) | small_model(text, tmp_path),
            capture_output=True,
            text=True,
            timeout=300,  # so that a page that waits for ever fails, not the suite
        )
    assert done.returncode == 0, f"{page.name}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def small_model(page: str, place: Path) -> dict[str, str]:
    """Where a page lets its reader choose a model of their own, a tiny one."""
    if "MODEL" not in page:
        return {}
    from tests.providers.transformers import tiny

    tiny.llama().save_pretrained(place / "tiny")
    tiny.tokenizer().save_pretrained(place / "tiny")
    return {"MODEL": str(place / "tiny")}


def reader_environment(url: str, place: Path) -> dict[str, str]:
    """A reader's shell with a key, our programs on its path, and a model server that answers."""
    programs = str(Path(sys.executable).parent)
    return os.environ | {
        "OPENAI_API_KEY": "sk-of-the-documentation",
        "OPENAI_BASE_URL": url,
        "OLLAMA_HOST": url.removesuffix("/v1"),
        "HF_HUB_DISABLE_TELEMETRY": "1",  # the client would ask the network who runs it
        "CLEARSPAN_STORE": str(place / "store.db"),
        "PATH": os.pathsep.join([programs, os.environ.get("PATH", os.defpath)]),
    }


PAGE = """
```python
x = 1
```

```console
$ pip install clearspan
$ export A_NAME=value
$ clearspan show \\
    --json
trace 1
$ OTHER=2 clearspan doctor
$ python -m pip install '.[demo]' && clearspan demo
$ python app.py
```

```python file=app.py
y = 2
```

<!-- notest: it waits for ever -->
```console notest
$ clearspan tail
```

```json
{}
```
"""


def test_a_page_is_read_as_its_reader_would_type_it() -> None:
    assert steps(PAGE) == [
        Step("python", 3, "x = 1\n"),
        Step("export", 8, "A_NAME=value"),
        Step("command", 9, "clearspan show --json"),
        Step("command", 12, "OTHER=2 clearspan doctor"),
        Step("command", 14, "python app.py"),
        Step("file", 18, "y = 2\n", "app.py"),
    ]


@pytest.mark.parametrize(
    "broken", ["```python notest\nx = 1\n```\n", "```python\nx = 1\n"], ids=["reason", "closing"]
)
def test_a_page_that_breaks_the_rules_is_refused(broken: str) -> None:
    with pytest.raises(PageError):
        steps(broken)


def test_a_failing_snippet_fails_with_its_line(tmp_path: Path) -> None:
    script = tmp_path / "steps.json"
    assert write("\n\n```python\nx = 1\nx / 0\n```\n", script) == 1
    page = str(Path(__file__).with_name("page.py"))
    done = subprocess.run(
        [sys.executable, page, str(script)], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert 'File "<page>", line 5' in done.stderr
