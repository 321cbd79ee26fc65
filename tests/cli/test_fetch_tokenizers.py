"""`clearspan doctor --fetch-tokenizers`, against a server of the test's own."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click
import pytest

from clearspan.cli import tokenizers
from clearspan.figures.tokens import files
from tests.cli.conftest import Command

CONTENTS = b"".join(base64.b64encode(bytes([i])) + b" %d\n" % i for i in range(256))
SHA256 = hashlib.sha256(CONTENTS).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = (404, b"") if "missing" in self.path else (200, CONTENTS)
        self.send_response(status)
        if "unmeasured" not in self.path:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for the files, and no other to look in."""
    folder = tmp_path / "vocabularies"
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(folder))
    monkeypatch.setattr(files, "folders", lambda: [folder])
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return folder


def known(monkeypatch: pytest.MonkeyPatch, url: str, sha256: str = SHA256) -> None:
    """Have every encoding come from there."""
    monkeypatch.setattr(
        files, "source", lambda name: files.Source(f"{url}/{name}.tiktoken", sha256)
    )


@pytest.mark.parametrize("path", ["", "/unmeasured"])
def test_missing_files_are_fetched_once(
    call: Command, cache: Path, server: str, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    known(monkeypatch, server + path)
    result = call("doctor", "--fetch-tokenizers", "--no-send", "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("fetching") == 2
    kept = sorted(cache.iterdir())
    assert [each.read_bytes() for each in kept] == [CONTENTS, CONTENTS]
    found = json.loads(result.stdout)["versions"]["tokenizers"]
    assert found == f"o200k_base ({cache}), cl100k_base ({cache})"
    again = call("doctor", "--fetch-tokenizers", "--no-send", "--json")
    assert again.exit_code == 0
    assert "fetching" not in again.stderr
    assert sorted(cache.iterdir()) == kept


def test_into_the_own_folder_without_the_variable(
    call: Command, cache: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, server)
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR")
    monkeypatch.setattr(files, "own_folder", lambda: cache)
    assert call("doctor", "--fetch-tokenizers", "--no-send").exit_code == 0
    assert len(list(cache.iterdir())) == 2


def failed(call: Command, cache: Path) -> str:
    result = call("doctor", "--fetch-tokenizers")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert not cache.is_dir() or list(cache.iterdir()) == []
    return result.stderr


def test_contents_that_tiktoken_does_not_expect_are_not_kept(
    call: Command, cache: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, server, "0" * 64)
    assert "is not the file that tiktoken expects; nothing was kept" in failed(call, cache)


def test_a_server_without_the_file(
    call: Command, cache: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, f"{server}/missing")
    assert "o200k_base.tiktoken cannot be fetched: HTTPError" in failed(call, cache)


def test_no_server_at_all(call: Command, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, "http://127.0.0.1:9")
    said = failed(call, cache)
    assert "cannot be fetched: ConnectionError" in said
    # Both are tried, and of both it is said how to bring them and where to.
    for name in files.FETCHED:
        wanted = files.source(name)
        assert wanted is not None
        assert (
            f"  by hand: download {wanted.url} where it can be had, "
            f"and save it as {cache / wanted.filename}\n"
        ) in said
    assert said.endswith(
        "clearspan: o200k_base and cl100k_base could not be fetched; until the files are there, "
        "tokens that no provider reports are estimated. TIKTOKEN_CACHE_DIR may name another folder "
        "for them\n"
    )


def test_what_can_be_fetched_is_though_another_cannot(
    call: Command, cache: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def source(name: str) -> files.Source:
        missing = "/missing" if name == "o200k_base" else ""
        return files.Source(f"{server}{missing}/{name}.tiktoken", SHA256)

    monkeypatch.setattr(files, "source", source)
    result = call("doctor", "--fetch-tokenizers")
    assert result.exit_code == 1
    (kept,) = cache.iterdir()
    assert f"cl100k_base: {kept}\n" in result.stderr
    assert "clearspan: o200k_base could not be fetched; " in result.stderr


def test_a_file_with_other_contents_is_told_and_replaced(
    call: Command, cache: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, server)
    wanted = files.source("o200k_base")
    assert wanted is not None
    cache.mkdir()
    (cache / wanted.filename).write_bytes(b"<html>no entrance</html>")
    versions = json.loads(call("doctor", "--no-send", "--json").stdout)["versions"]
    assert (
        f"none; {cache / wanted.filename} has other contents than tiktoken expects; without o200k_base"
    ) in versions["tokenizers"]
    assert call("doctor", "--fetch-tokenizers", "--no-send").exit_code == 0
    assert (cache / wanted.filename).read_bytes() == CONTENTS


@pytest.mark.parametrize(("limit", "value"), [("_LIMIT", -1.0), ("_LARGEST", 10)])
def test_files_have_a_limit(
    call: Command,
    cache: Path,
    server: str,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    value: float,
) -> None:
    known(monkeypatch, server)
    monkeypatch.setattr(tokenizers, limit, value)
    assert "takes too long, or is too large" in failed(call, cache)


def test_a_folder_that_cannot_be_made(
    call: Command, cache: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, server)
    cache.write_text("a file")
    result = call("doctor", "--fetch-tokenizers")
    assert result.exit_code == 1
    assert "cannot be written: " in result.stderr
    assert (
        "  by hand: name a folder that can be written to by TIKTOKEN_CACHE_DIR\n" in result.stderr
    )


def test_a_tiktoken_that_does_not_know_the_encoding(
    call: Command, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "source", lambda name: None)
    assert "the installed tiktoken does not know o200k_base" in failed(call, cache)


def test_the_doctor_says_what_is_missing_and_fetches_nothing_by_itself(
    call: Command, cache: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, server)
    result = call("doctor", "--no-send", "--json")
    found = json.loads(result.stdout)["versions"]["tokenizers"]
    assert found.startswith("none; without o200k_base and cl100k_base tokens that")
    assert not cache.exists()


class Terminal:
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("held", "length", "shown"),
    [
        (500_000, 1_000_000, "\r  0.5 MB (50%)"),
        (1_000_000, 1_000_000, "\r  1.0 MB (100%)\n"),
        (700_000, 0, "\r  0.7 MB"),
    ],
)
def test_progress_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, held: int, length: int, shown: str
) -> None:
    said: list[str] = []
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(click, "echo", lambda text, **_: said.append(text))
    tokenizers.progress(held, length)
    assert said == [shown]
