"""How well context relevance tells the documents of a question from those of another one."""

from __future__ import annotations

from pathlib import Path

from benchmarks.evaluators.figure import Figure, auroc, call, milliseconds, rows
from clearspan.evaluators.retrieval import ContextRelevance

NAME = "context_relevance"


def figures(folder: Path) -> list[Figure]:
    """Each question with its own passage, and with the passage of a question of another group."""
    pairs = {
        (row["group"], row["question"]): row["context"] for row in rows(folder, "faithfulness_qa")
    }
    groups = [group for group, _ in pairs]
    passages = list(pairs.values())
    shift = next(
        shift
        for shift in range(1, len(groups))
        if all(one != other for one, other in zip(groups, groups[shift:] + groups[:shift], strict=True))
    )  # fmt: skip
    texts = [*passages, *passages[shift:], *passages[:shift]]
    asked = [question for _, question in pairs] * 2
    calls = [call(question, documents=(text,)) for question, text in zip(asked, texts, strict=True)]
    true = [True] * len(passages) + [False] * len(passages)
    made = ContextRelevance()
    values = [made.evaluate(each).value or 0.0 for each in calls]
    return [
        Figure(NAME, "AUROC, own or another passage", auroc(values, true), 0.95),
        Figure(NAME, "baseline, length: AUROC", auroc([float(len(text)) for text in texts], true)),
        Figure(NAME, "median ms", milliseconds(made.evaluate, calls)),
    ]
