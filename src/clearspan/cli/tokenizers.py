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
    return (
        f"{said}; without {' and '.join(lacking)} tokens that no provider reports are estimated; "
        "`clearspan doctor --fetch-tokenizers` fetches what is missing"
    )


def fetch() -> None:
    """Fetch what is missing into `TIKTOKEN_CACHE_DIR`, else clearspan's own folder. Raises `Failure`."""
    named = os.environ.get("TIKTOKEN_CACHE_DIR")
    folder = Path(named) if named else files.own_folder()
    for name in files.FETCHED:
        path = files.present(name)
        if path is None:
            path = _fetched(name, folder)
        click.echo(f"{name}: {path}", err=True)


def _fetched(name: str, folder: Path) -> Path:
    wanted = files.source(name)
    if wanted is None:
        raise Failure(f"the installed tiktoken does not know {name}; upgrade tiktoken")
    contents = _download(name, wanted.url)
    if hashlib.sha256(contents).hexdigest() != wanted.sha256:
        raise Failure(f"{wanted.url} is not the file that tiktoken expects; nothing was kept")
    path = folder / wanted.filename
    # Beside its place and then moved there: no program ever sees half a file.
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(contents)
        partial.replace(path)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror or error}") from error
    return path


def _download(name: str, url: str) -> bytes:
    import requests

    click.echo(f"fetching {name} from {url}", err=True)
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
                    raise Failure(f"{url} takes too long, or is too large; nothing was kept")
    except requests.RequestException as error:
        raise Failure(f"{url} cannot be fetched: {type(error).__name__}") from error
    return bytes(held)


def progress(held: int, length: int) -> None:
    """How far it is, on one line of a terminal; in a pipe nobody watches."""
    if sys.stderr.isatty():
        share = f" ({held / length:.0%})" if length else ""
        ending = "\n" if held >= length > 0 else ""
        click.echo(f"\r  {held / 1e6:.1f} MB{share}{ending}", nl=False, err=True)
