"""Libraries are waited for, never fetched: installed, absent, half there or only of the same name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runtime.support import program

LIBRARIES = ("openai", "ollama", "huggingface_hub", "transformers", "torch", "httpx", "numpy")

SHADOWS = {
    "empty": "",
    "a module with other things in it": "Client = 5\nclass AsyncClient: chat = None\n_client = None\n",
    "one that cannot be imported": "raise RuntimeError('half installed')\n",
    "one that answers to everything": "def __getattr__(name): return 5\n",
}
MODULES = {
    "ollama": "ollama/_client.py",
    "huggingface_hub": "huggingface_hub/inference/_client.py",
    "transformers": "transformers/generation/utils.py",
    "transformers pipelines": "transformers/pipelines/base.py",
    "transformers models": "transformers/modeling_utils.py",
    "openai": "openai/resources/chat/completions/completions.py",
}


def test_nothing_is_imported_to_be_patched(tmp_path: Path) -> None:
    result = program(f"""
import sys
import clearspan
with clearspan.init(store="runs.db"):
    loaded = [name for name in {LIBRARIES!r} if name in sys.modules]
    assert not loaded, loaded
    states = {{item.name: set(item.targets.values()) for item in clearspan.status().providers}}
    assert set(states) == {{"openai", "ollama", "huggingface_hub", "transformers"}}, states
    assert all(found == {{"waiting"}} for found in states.values()), states
""", tmp_path)  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("shadow", SHADOWS)
@pytest.mark.parametrize("library", MODULES)
def test_a_module_that_only_has_the_name_is_survived(
    library: str, shadow: str, tmp_path: Path
) -> None:
    path = tmp_path / MODULES[library]
    for folder in [path.parent, *path.parent.parents]:
        if folder == tmp_path:
            break
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
    path.write_text(SHADOWS[shadow])
    name = MODULES[library].removesuffix(".py").replace("/", ".")
    result = program(f"""
import importlib
import clearspan

def attempt():
    try:
        importlib.import_module({name!r})
    except RuntimeError as error:
        assert str(error) == "half installed", error

with clearspan.init(store="runs.db"):
    attempt()
    with clearspan.span("work"):
        pass
    assert clearspan.status().internal_errors == {{}}, clearspan.status().internal_errors
attempt()
with clearspan.init(store="runs.db"):
    assert clearspan.status().internal_errors == {{}}, clearspan.status().internal_errors
""", tmp_path)  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")


def test_a_library_asked_for_by_name_and_nowhere_to_be_found(tmp_path: Path) -> None:
    result = program("""
import importlib.util
from clearspan.core import installed
real = installed.version
installed.version = lambda name: None if name == "openai" else real(name)
finder = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name == "openai" else finder(name)
import clearspan
with clearspan.init(store="runs.db", providers=["openai"]):
    pass
""", tmp_path)  # fmt: skip
    assert (result.returncode, result.stderr) == (
        0, "clearspan: openai is asked for and not installed: pip install openai\n",
    )  # fmt: skip
