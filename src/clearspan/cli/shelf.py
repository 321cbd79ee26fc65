"""The evaluators that there are, for `clearspan evaluate --list`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from clearspan import registry
from clearspan.assess.evaluator import Evaluator, seated
from clearspan.cli import screen

__all__ = ["Known", "known", "show"]

_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Known:
    """A registered evaluator: what it requires of a call, in words, and what it tells.

    `kind` is that of its scores (`code`, `llm`), `None` where it cannot be loaded.
    """

    name: str
    kind: str | None
    requires: str
    tells: str


def known() -> list[Known]:
    """All of them, by name; one that cannot be loaded tells why instead."""
    return [_known(name) for name in registry.names(registry.EVALUATORS)]


def show(*, as_json: bool) -> None:
    """Print them."""
    found = known()
    if as_json:
        screen.document({"evaluators": [asdict(each) for each in found]})
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("evaluator", "kind", "requires"):
        table.add_column(heading, no_wrap=heading == "evaluator")
    table.add_column("tells", ratio=1)
    for each in found:
        table.add_row(each.name, each.kind or "", each.requires, each.tells)
    screen.console().print(table)


def _known(name: str) -> Known:
    try:
        made = _class_or_object(registry.load(registry.EVALUATORS, name))
        required = sorted(made.requires)
        said = _first(made)
    except Exception as error:  # noqa: BLE001 -- a plug-in is anybody's code and may fail in any way
        return Known(
            name, None, "", f"cannot be loaded: {type(error).__name__}: {error}"[:_LONGEST]
        )
    return Known(name, made.kind, ", ".join(each.replace("|", " or ") for each in required), said)


def _class_or_object(given: Any) -> type[Evaluator] | Evaluator:
    """A class says what is asked here without its options, which some cannot be made without."""
    return given if isinstance(given, type) and issubclass(given, Evaluator) else seated(given)


def _first(made: Any) -> str:
    """The first line of what it says of itself."""
    text = str(getattr(made, "__doc__", None) or "").strip()
    return screen.printable(text.partition("\n")[0].strip())[:_LONGEST]
