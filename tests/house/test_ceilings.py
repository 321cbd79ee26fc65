"""How long a file and a function may be."""

from __future__ import annotations

from statistics import median

from tests.house.tree import functions, listed, modules

FILE, FUNCTION, MEDIAN = 400, 60, 12


def test_no_file_is_too_long() -> None:
    lengths = {name: module.text.count("\n") for name, module in modules().items()}
    long = [f"{name}: {lines} lines" for name, lines in lengths.items() if lines > FILE]
    assert not long, listed(long)


def test_no_function_is_too_long() -> None:
    long = [
        f"{module.name}:{node.lineno} {node.name}: {lines} lines"
        for module, node, lines in functions()
        if lines > FUNCTION
    ]
    assert not long, listed(long)


def test_the_median_function_is_short() -> None:
    assert median(lines for _, _, lines in functions()) <= MEDIAN
