"""The list of guards fits the tree: what it takes away is there, and so are the tests that are to fail."""

from __future__ import annotations

import pytest

from tests.mutate.guards import ROOT, Guard, guards
from tests.mutate.runner import Copy, verdict

ALL = guards()
EVERY_GUARD = pytest.mark.parametrize("guard", ALL, ids=lambda guard: f"{guard.source}:{guard.row}")


@EVERY_GUARD
def test_what_is_taken_away_is_there_once(guard: Guard) -> None:
    text = (ROOT / guard.file).read_text("utf-8")
    without = guard.without(text)
    assert without != text
    compile(without, guard.file, "exec")  # a file that cannot be imported fails any test


@EVERY_GUARD
def test_the_test_that_is_to_fail_is_there(guard: Guard) -> None:
    path, _, name = guard.test.partition("::")
    text = (ROOT / path).read_text("utf-8")
    for part in name.partition("[")[0].split("::"):
        assert f"def {part}(" in text or f"class {part}" in text, f"{path} has no {part}"


def test_every_known_fault_has_one() -> None:
    rows = {row.strip() for guard in ALL for row in guard.row.split(",")}
    assert {f"F{number}" for number in range(1, 81)} <= rows


def test_a_guard_that_is_not_there_or_not_alone_is_refused() -> None:
    guard = Guard("F0", "a.py", "b", "c", "t.py::t", "guards_x.toml")
    assert guard.without("abd") == "acd"
    for text in ("ad", "abbd"):
        with pytest.raises(ValueError, match=r"occurs [02] times"):
            guard.without(text)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("passed", "failed", "caught"),
        ("passed", "hung", "caught"),
        ("passed", "passed", "SURVIVED"),
        ("passed", "broken", "BROKEN"),
        ("failed", "failed", "UNSOUND"),
        ("skipped", "skipped", "UNSOUND"),
    ],
)
def test_only_a_test_that_falls_by_itself_keeps_a_guard(
    before: str, after: str, expected: str
) -> None:
    assert verdict(before, after) == expected


def test_a_copy_is_what_its_tests_import() -> None:
    asked = "import clearspan.semconv as module; print(module.__doc__)"
    file = "src/clearspan/semconv.py"
    with Copy() as copy:
        copy.write(file, '"""Changed."""')
        assert copy.python("-c", asked).stdout == "Changed.\n"
        copy.restore(file)
        assert copy.python("-c", asked).stdout not in ("Changed.\n", "")
