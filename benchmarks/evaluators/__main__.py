"""Measure the evaluators on labelled samples: `python -m benchmarks.evaluators [FOLDER] [FAMILY ...]`.

Prints one table, beside what each figure must reach, and ends with 1 where one does not.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
FOLDER = ROOT.parent / "shared" / "evaldata"


def families() -> list[str]:
    """The modules beside this one that have figures to tell."""
    beside = Path(__file__).parent.glob("*.py")
    return sorted(path.stem for path in beside if path.stem.startswith("of_"))


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0]) if arguments else FOLDER
    if not folder.is_dir():
        print(f"no labelled samples in {folder}")
        return 0
    missed = 0
    print("| evaluator | measure | value | must be |")
    print("| --- | --- | --- | --- |")
    for family in arguments[1:] or families():
        for figure in import_module(f"benchmarks.evaluators.{family}").figures(folder):
            missed += not figure.reached
            print(
                f"| {figure.evaluator} | {figure.what} | {figure.value:.3f} | {_wanted(figure)} |"
            )
    return 1 if missed else 0


def _wanted(figure: object) -> str:
    floor, ceiling = getattr(figure, "floor", None), getattr(figure, "ceiling", None)
    wanted = [f">= {floor}"] if floor is not None else []
    return ", ".join([*wanted, *([f"<= {ceiling}"] if ceiling is not None else [])])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
