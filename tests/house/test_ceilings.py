"""How long a file and a function may be."""

from __future__ import annotations

from statistics import median

from tests.house.tree import functions, modules

FILE, FUNCTION, MEDIAN = 400, 60, 12


def test_no_file_is_too_long() -> None:
    lengths = {name: module.text.count("\n") for name, module in modules().items()}
    assert {name: lines for name, lines in lengths.items() if lines > FILE} == {}


def test_no_function_is_too_long() -> None:
    long = {
        f"{module.name}.{node.name}": lines
        for module, node, lines in functions()
        if lines > FUNCTION
    }
    assert long == {}


def test_the_median_function_is_short() -> None:
    assert median(lines for _, _, lines in functions()) <= MEDIAN
