"""Columns that other tools name otherwise: what they are called here, said once a source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from clearspan.offline.items import Item
from clearspan.record import Invocation

__all__ = ["Strangers", "renamed"]

_MEANT: Mapping[str, str] = MappingProxyType({
    "question": "input", "questions": "input", "prompt": "input", "query": "input", "user_input": "input",
    "instruction": "input", "inputs": "input",
    "answer": "output", "response": "output", "completion": "output", "prediction": "output", "generation": "output",
    "actual_output": "output", "outputs": "output",
    "contexts": "context", "documents": "context", "retrieved_contexts": "context", "retrieval_context": "context",
    "expected": "reference", "expected_output": "reference", "ground_truth": "reference", "ground_truths": "reference",
    "references": "reference",
    "conversation": "messages",
})  # fmt: skip
_HAS: Mapping[str, Callable[[Invocation], bool]] = MappingProxyType({
    "input": lambda call: bool(call.input),
    "output": lambda call: bool(call.output),
    "context": lambda call: bool(call.documents),
    "reference": lambda call: bool(call.references),
    "messages": lambda call: bool(call.input),
})  # fmt: skip


def renamed(columns: Iterable[str]) -> str:
    """What the columns of a row with nothing to judge may have been meant to be, as the end of a sentence."""
    found = [str(name) for name in columns]
    told = f"; it has the columns {', '.join(found[:_MOST])}" if found else "; it has no columns"
    meant = [f"{_MEANT[_folded(name)]} for {name}" for name in found if _folded(name) in _MEANT]
    return f"{told}: did you mean {', '.join(meant)}?" if meant else told


_MOST = 12


class Strangers:
    """Looks on as rows go by, and keeps which columns are called otherwise here, each once."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}

    def watching(self, items: Iterator[Item]) -> Iterator[Item]:
        """The items as they are."""
        for item in items:
            if item.whole and item.wrong is None:
                self._look(item.call)
            yield item

    def _look(self, call: Invocation) -> None:
        for name in call.context.metadata:
            meant = _MEANT.get(_folded(name))
            if meant is not None and name not in self._found and not _HAS[meant](call):
                self._found[name] = meant

    def notes(self) -> list[str]:
        """A sentence for each such column."""
        return [
            f"the column {name!r} is taken as metadata, and no {meant} is there: did you mean {meant!r}?"
            for name, meant in self._found.items()
        ]


def _folded(name: str) -> str:
    return name.strip().casefold().replace("-", "_").replace(" ", "_")
