from __future__ import annotations

import base64
import hashlib
import sys
import tempfile
import time
from pathlib import Path

import pytest

from clearspan.figures.tokens import files, vocabularies

RANKS = {bytes([i]): i for i in range(256)} | {b"he": 256}
CONTENTS = b"".join(base64.b64encode(token) + b" %d\n" % rank for token, rank in RANKS.items())
URL = "https://vocabularies.invalid/tiny.tiktoken"
SOURCE = files.Source(URL, hashlib.sha256(CONTENTS).hexdigest())

CONSTRUCTORS = f"""
from tiktoken.load import load_tiktoken_bpe

def tiny():
    ranks = load_tiktoken_bpe("{URL}", expected_hash="{SOURCE.sha256}")
    return {{"name": "tiny", "pat_str": r"\\\\w+|\\\\W", "mergeable_ranks": ranks, "special_tokens": {{}}}}

ENCODING_CONSTRUCTORS = {{"tiny": tiny}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of tiktoken's with one vocabulary, and constructors that know only that."""
    (tmp_path / "tiny_constructors.py").write_text(CONSTRUCTORS.replace("\\\\", "\\"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(files, "_CONSTRUCTORS", "tiny_constructors")
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / SOURCE.filename).write_bytes(CONTENTS)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(cache))
    monkeypatch.setattr(files, "folders", lambda: [cache])
    return cache


def test_tiktoken_tells_where_its_files_come_from() -> None:
    found = files.source("o200k_base")
    assert found is not None
    assert found.url.endswith("/o200k_base.tiktoken")
    assert len(found.sha256) == 64
    assert found.filename == "fb374d419588a4632f3f557e76b4b70aebbca790"
    assert files.source("o200k_harmony") == found
    assert files.source("no such encoding") is None
    assert files.source("gpt2") is None


def test_asking_leaves_tiktoken_as_it_was() -> None:
    import tiktoken.load

    before = tiktoken.load.load_tiktoken_bpe
    files.source("cl100k_base")
    assert tiktoken.load.load_tiktoken_bpe is before
    loaded = sys.modules.get("tiktoken_ext.openai_public")
    assert loaded is None or loaded.load_tiktoken_bpe is before


def test_an_encoding_is_made_of_the_file(folder: Path) -> None:
    vocabulary = vocabularies.load("tiny")
    assert vocabulary is not None
    assert vocabulary.count("hello") == 4
    assert files.present("tiny") == folder / SOURCE.filename


def test_a_file_with_other_contents_is_none_and_stays(folder: Path) -> None:
    path = folder / SOURCE.filename
    path.write_bytes(CONTENTS + b"eHg= 300\n")
    assert vocabularies.load("tiny") is None
    assert files.present("tiny") is None
    assert files.faults("tiny") == [f"{path} has other contents than tiktoken expects"]
    assert path.exists()


def test_a_good_file_is_found_behind_one_that_is_not(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = tmp_path / "others"
    others.mkdir()
    (others / SOURCE.filename).write_bytes(b"")
    monkeypatch.setattr(files, "folders", lambda: [others, tmp_path / "nowhere", folder, folder])
    assert files.paths_of(SOURCE) == [others / SOURCE.filename, folder / SOURCE.filename]
    assert files.present("tiny") == folder / SOURCE.filename
    assert files.read(SOURCE, time.monotonic() + 60) == RANKS
    assert vocabularies.load("tiny") is not None


def test_a_file_that_cannot_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files, "_contents", refused)
    path = folder / SOURCE.filename
    assert files.present("tiny") is None
    assert files.faults("tiny") == [f"{path} cannot be read: Permission denied"]
    with pytest.raises(PermissionError):
        files.read(SOURCE, time.monotonic() + 60)


def test_a_missing_file_is_not_fetched(folder: Path) -> None:
    (folder / SOURCE.filename).unlink()
    assert vocabularies.load("tiny") is None
    assert files.present("tiny") is None
    assert files.present("no such encoding") is None
    assert files.faults("tiny") == files.faults("no such encoding") == []
    with pytest.raises(LookupError):
        files.read(SOURCE, time.monotonic() + 60)


def test_reading_gives_up_in_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="too slowly"):
        files.read(SOURCE, time.monotonic() - 1)
    monkeypatch.setattr(files, "_LARGEST", 10)
    with pytest.raises(ValueError, match="too large"):
        files.read(SOURCE, time.monotonic() + 60)


@pytest.mark.parametrize("module", ["no_such_module_of_ours", "no_such_package.constructors"])
def test_without_tiktoken_there_is_no_vocabulary(
    monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setattr(files, "_CONSTRUCTORS", module)
    assert files.source("o200k_base") is None


def test_where_files_are_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "a"))
    monkeypatch.setenv("DATA_GYM_CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    usual = Path(tempfile.gettempdir()) / "data-gym-cache"
    assert files.folders() == [tmp_path / "a", usual, tmp_path / "b" / "clearspan" / "tokenizers"]


def test_the_own_folder_without_any_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert files.own_folder() == tmp_path / ".cache" / "clearspan" / "tokenizers"
