"""Words that have no place in a finished tree."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.house.tree import ROOT, listed

if TYPE_CHECKING:
    from pathlib import Path

# One letter of each stands in brackets, so that this file does not hold what it looks for.
UNFINISHED = re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b")
ABSTRACT = re.compile(r"NotImplemented[E]rror")
MACHINE = re.compile(
    r"(?<![\w.~-])/(?:home|root|Users|work|workspace|mnt|data|opt)/\w|/tmp/w[s]\b|[A-Z]:\\Users"
)
REGISTRY = re.compile(
    r"https?://[\w.-]*(?:py[p]i|pythonh[o]sted|npm[j]s|deb[i]an)[\w.-]*", re.IGNORECASE
)
STRANGE = re.compile(r"\bsub[a]gents?\b", re.IGNORECASE)

RULES = {
    "unfinished work": UNFINISHED,
    "an unwritten body": ABSTRACT,
    "a path of one machine": MACHINE,
    "a package registry": REGISTRY,
    "a word of another trade": STRANGE,
}
BINARY = {".bin", ".png", ".ico", ".gz", ".db", ".woff2"}


@cache
def tracked() -> list[Path]:
    """The files of the repository, or of the unpacked source distribution."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        found = [ROOT / name for name in listed]
    except (OSError, subprocess.CalledProcessError):
        tops = ("src", "tests", "docs", "benchmarks")
        found = [*ROOT.glob("*.*"), *(p for top in tops for p in (ROOT / top).rglob("*.*"))]
    return [path for path in found if path.is_file() and path.suffix not in BINARY]


@pytest.mark.parametrize("rule", RULES)
def test_nothing_in_the_tree_has(rule: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number} {line.strip()[:80]}"
        for path in tracked()
        if path.name != "LICENSE"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if RULES[rule].search(line)
    ]
    assert not found, listed(found)


@pytest.mark.parametrize(
    ("rule", "sample"),
    [
        ("unfinished work", "# {}DO: later".format("TO")),
        ("an unwritten body", "raise {}Error".format("NotImplemented")),
        ("a path of one machine", "open('/{}/someone/x')".format("home")),
        ("a package registry", "https://{}i.org/simple".format("pyp")),
        ("a word of another trade", "a {}agent".format("sub")),
    ],
)
def test_the_rules_find_what_they_are_for(rule: str, sample: str) -> None:
    assert RULES[rule].search(sample)
