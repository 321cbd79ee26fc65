"""The tokenizers that tokens are counted with: which are there, and fetching them."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from pathlib import Path

import click

from clearspan.cli.failure import Failure
from clearspan.figures.tokens import files

__all__ = ["fetch", "presence", "progress"]

_BLOCK = 1 << 16
_QUIET = 20.0  # seconds without a byte
_LIMIT = 300.0  # seconds for a file
_LARGEST = 64 << 20


def presence() -> str:
    """One line on the tokenizers of OpenAI's models."""
    found = {name: files.present(name) for name in files.FETCHED}
    there = [f"{name} ({path.parent})" for name, path in found.items() if path is not None]
    lacking = [name for name, path in found.items() if path is None]
    said = ", ".join(there) or "none"
    if not lacking:
        return said
    faults = dict.fromkeys(fault for name in lacking for fault in files.faults(name))
    return "; ".join([
        said, *faults,
        f"without {' and '.join(lacking)} tokens that no provider reports are estimated",
        "`clearspan doctor --fetch-tokenizers` fetches what is missing, or says how to bring it by hand",
    ])  # fmt: skip


def fetch() -> None:
    """Fetch what is missing into `TIKTOKEN_CACHE_DIR`, else clearspan's own folder.

    Raises `Failure` when all was tried, with how to bring by hand what did not come.
    """
    named = os.environ.get("TIKTOKEN_CACHE_DIR")
    folder = Path(named) if named else files.own_folder()
    lacking: list[str] = []
    for name in files.FETCHED:
        try:
            path = files.present(name) or _fetched(name, folder)
        except _Lacking as lack:
            _say(f"{name}: {lack}")
            _say(f"  by hand: {lack.remedy}")
            lacking.append(name)
        else:
            _say(f"{name}: {path}")
    if lacking:
        raise Failure(
            f"{' and '.join(lacking)} could not be fetched; until the files are there, tokens that no "
            "provider reports are estimated. TIKTOKEN_CACHE_DIR may name another folder for them"
        )


class _Lacking(Exception):
    """Why a file did not come, and how it may come otherwise."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.remedy = remedy


def _say(text: str) -> None:
    click.echo(text, err=True)


def _fetched(name: str, folder: Path) -> Path:
    wanted = files.source(name)
    if wanted is None:
        raise _Lacking(f"the installed tiktoken does not know {name}", "upgrade tiktoken")
    path = folder / wanted.filename
    try:
        contents = _download(name, wanted.url, wanted.sha256)
    except (OSError, ValueError) as error:  # what is wrong with a download is either
        remedy = f"download {wanted.url} where it can be had, and save it as {path}"
        raise _Lacking(str(error), remedy) from error
    _keep(contents, path)
    return path


def _keep(contents: bytes, path: Path) -> None:
    # Beside its place and then moved there: no program ever sees half a file.
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(contents)
        partial.replace(path)
    except OSError as error:
        raise _Lacking(
            f"{path} cannot be written: {error.strerror or error}",
            "name a folder that can be written to by TIKTOKEN_CACHE_DIR",
        ) from error


def _download(name: str, url: str, sha256: str) -> bytes:
    import requests

    _say(f"fetching {name} from {url}")
    deadline = time.monotonic() + _LIMIT
    held = bytearray()
    try:
        with requests.get(url, stream=True, timeout=_QUIET) as response:
            response.raise_for_status()
            length = response.headers.get("content-length", "")
            for block in response.iter_content(_BLOCK):
                held += block
                progress(len(held), int(length) if length.isdigit() else 0)
                if time.monotonic() > deadline or len(held) > _LARGEST:
                    raise ValueError(f"{url} takes too long, or is too large; nothing was kept")
    except requests.RequestException as error:
        raise OSError(f"{url} cannot be fetched: {type(error).__name__}") from error
    if hashlib.sha256(held).hexdigest() != sha256:
        raise ValueError(f"{url} is not the file that tiktoken expects; nothing was kept")
    return bytes(held)


def progress(held: int, length: int) -> None:
    """How far it is, on one line of a terminal; in a pipe nobody watches."""
    if sys.stderr.isatty():
        share = f" ({held / length:.0%})" if length else ""
        ending = "\n" if held >= length > 0 else ""
        click.echo(f"\r  {held / 1e6:.1f} MB{share}{ending}", nl=False, err=True)
