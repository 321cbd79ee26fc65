"""A Markdown page as a list of steps: what a reader would type, in order.

Run as a program (`python page.py STEPS.json`) it takes those steps: Python blocks share one
namespace, commands go to the shell, files are written to the working directory.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<info>[^`\n]*)$")
REASON = re.compile(r"<!--\s*notest:\s*\S.*-->")
# The programs that a page may run; `pip install` and other people's servers are the reader's.
PROGRAMS = ("clearspan", "python", "opentelemetry-instrument")


class PageError(Exception):
    """A page breaks the rules of this file."""


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, the words after it, the line of its first line of text."""

    language: str
    words: tuple[str, ...]
    line: int
    text: str
    reason: bool


@dataclass(frozen=True)
class Step:
    kind: str  # "python", "command", "export" or "file"
    line: int
    text: str
    name: str = ""


def blocks(markdown: str) -> list[Block]:
    """The fenced blocks of a page; `reason` tells whether a notest comment stands above one."""
    found: list[Block] = []
    lines = markdown.splitlines()
    at = 0
    while at < len(lines):
        opening = FENCE.match(lines[at])
        if not opening:
            at += 1
            continue
        start, indent, ticks = at, len(opening["indent"]), opening["ticks"]
        at += 1
        while at < len(lines) and lines[at].strip() != ticks:
            at += 1
        if at == len(lines):
            raise PageError(f"line {start + 1}: a block is never closed")
        language, *words = opening["info"].split() or [""]
        body = "".join(f"{line[indent:]}\n" for line in lines[start + 1 : at])
        above = next((line for line in reversed(lines[:start]) if line.strip()), "")
        found.append(Block(language, tuple(words), start + 2, body, bool(REASON.search(above))))
        at += 1
    return found


def steps(markdown: str) -> list[Step]:
    """What the page asks its reader to run. A block marked `notest` needs its reason above it."""
    found: list[Step] = []
    for block in blocks(markdown):
        file = next((word[5:] for word in block.words if word.startswith("file=")), None)
        if "notest" in block.words:
            if not block.reason:
                raise PageError(f"line {block.line}: notest without <!-- notest: reason -->")
        elif file:
            found.append(Step("file", block.line, block.text, file))
        elif block.language == "python":
            found.append(Step("python", block.line, block.text))
        elif block.language == "console":
            found += commands(block)
    return found


def commands(block: Block) -> list[Step]:
    """The lines after a `$ ` prompt that start one of our programs or set a variable."""
    found: list[Step] = []
    lines = iter(enumerate(block.text.splitlines(), block.line))
    for number, line in lines:
        if not line.startswith("$ "):
            continue
        command = line[2:].strip()
        while command.endswith("\\"):
            command = f"{command[:-1].rstrip()} {next(lines)[1].strip()}"
        words = shlex.split(command, comments=True)
        program = next((word for word in words if not re.match(r"[A-Z_]+=", word)), "")
        if program == "export":
            found.append(Step("export", number, words[1]))
        elif program in PROGRAMS and words[1:3] not in (["-m", "pip"], ["-m", "nox"]):
            found.append(Step("command", number, command))
    return found


def take(step: Step, namespace: dict[str, object]) -> None:
    """Do one step; raises what it raises."""
    if step.kind == "file":
        Path(step.name).parent.mkdir(parents=True, exist_ok=True)
        Path(step.name).write_text(step.text, encoding="utf-8")
    elif step.kind == "export":
        name, _, value = step.text.partition("=")
        os.environ[name] = value
    elif step.kind == "command":
        subprocess.run(step.text, shell=True, check=True)
    else:
        # Padded, so that a traceback names the line of the page.
        source = "\n" * (step.line - 1) + step.text
        exec(compile(source, "<page>", "exec"), namespace)


def write(markdown: str, path: Path) -> int:
    """Store the steps of a page for `main`; their number."""
    found = steps(markdown)
    path.write_text(json.dumps([asdict(step) for step in found]), encoding="utf-8")
    return len(found)


def main() -> None:
    namespace: dict[str, object] = {"__name__": "__main__"}
    for entry in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        step = Step(**entry)
        print(f"--- line {step.line}: {step.kind}", flush=True)
        take(step, namespace)


if __name__ == "__main__":
    main()
