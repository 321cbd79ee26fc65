"""PII and secrets: what is found of the kinds whose form can be checked, and what clean texts are flagged."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.evaluators.figure import Figure, Verdicts, of_counts, rows
from clearspan.evaluators.pii import PII
from clearspan.evaluators.secrets import Secrets

_Found = Iterable[tuple[str, int, int]]

# The labels call the address of a page by its domain.
_SAME = {"DOMAIN_NAME": "URL"}
_CLEAN = ("relevance", "faithfulness_qa", "hallucination_open", "answer_correctness", "bias_bbq")
_EMAIL_LIKE = re.compile(r"\S+@\S+")
_DIGITS_LIKE = re.compile(r"\+?\d[\d ().\-]{5,}\d")


def figures(folder: Path) -> list[Figure]:
    labelled = rows(folder, "pii_spans")
    told: list[Figure] = []
    for name, finder, floor, pace in _finders():
        told += _scored(name, finder, labelled, floor, pace)
    told += _of_secrets(folder)
    return told


def _finders() -> Iterator[tuple[str, Callable[[str], _Found], float | None, float | None]]:
    yield "baseline: @ and digits", _trivial, None, None
    yield "pii", PII().find, 0.92, 0.1
    if find_spec("phonenumbers"):
        yield "pii, phonenumbers", PII(engine="phonenumbers").find, 0.94, None
    if find_spec("presidio_analyzer"):
        yield "pii, presidio", PII(engine="presidio").find, 0.94, None


def _trivial(text: str) -> _Found:
    """Everything with an @ is an address of mail, every long row of digits a telephone number."""
    yield from (("EMAIL_ADDRESS", *match.span()) for match in _EMAIL_LIKE.finditer(text))
    yield from (("PHONE_NUMBER", *match.span()) for match in _DIGITS_LIKE.finditer(text))


def _scored(
    name: str,
    finder: Callable[[str], _Found],
    labelled: Sequence[dict[str, Any]],
    floor: float | None,
    pace: float | None,
) -> list[Figure]:
    list(finder("warm 1"))
    hits, said, true = Counter[str](), Counter[str](), Counter[str]()
    took: list[float] = []
    for row in labelled:
        start = perf_counter()
        found = list(finder(row["text"]))
        took.append((perf_counter() - start) * 1e3)
        gold = [span for span in map(_span, row["spans"]) if span[0] in PII.TYPES]
        said.update(one[0] for one in found)
        true.update(one[0] for one in gold)
        hits.update(one[0] for one in found if any(_meet(one, span) for span in gold))
    took.sort()
    micro = of_counts(hits.total(), said.total(), true.total())
    phones = _of_type("PHONE_NUMBER", hits, said, true)
    figures = [
        Figure(name, "precision, 7 types", micro.precision),
        Figure(name, "recall, 7 types", micro.recall),
        Figure(name, "F1, 7 types", micro.f1, floor),
        Figure(name, "telephone numbers: precision", phones.precision, 0.8 if floor else None),
        Figure(name, "telephone numbers: recall", phones.recall),
        Figure(name, "ms a text, median", took[len(took) // 2], ceiling=pace),
        Figure(name, "ms a text, 99th percentile", took[len(took) * 99 // 100]),
    ]
    kinds = [type_ for type_ in PII.TYPES if floor and type_ != "PHONE_NUMBER"]
    return figures + [Figure(name, f"{type_}: F1", _of_type(type_, hits, said, true).f1) for type_ in kinds]  # fmt: skip


def _span(label: dict[str, Any]) -> tuple[str, int, int]:
    type_ = str(label["type"])
    return _SAME.get(type_, type_), label["start"], label["end"]


def _meet(one: tuple[str, int, int], other: tuple[str, int, int]) -> bool:
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]


def _of_type(type_: str, hits: Counter[str], said: Counter[str], true: Counter[str]) -> Verdicts:
    return of_counts(hits[type_], said[type_], true[type_])


def _of_secrets(folder: Path) -> list[Figure]:
    """No labelled text holds a secret: whatever is flagged is flagged wrongly. So it is with telephones in most."""
    texts = sorted({text for name in ("injection", "toxicity", "pii_spans", *_CLEAN) for row in rows(folder, name) for text in _texts(row)})  # fmt: skip
    secrets, pii = Secrets(), PII(types=["PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "IP_ADDRESS"])  # fmt: skip
    clean = sorted({text for name in _CLEAN for row in rows(folder, name) for text in _texts(row)})
    took: list[float] = []
    flagged = 0
    for text in texts:
        start = perf_counter()
        flagged += bool(secrets.find(text))
        took.append((perf_counter() - start) * 1e3)
    took.sort()
    return [
        Figure("pii", f"numbers flagged in {len(clean)} clean texts", sum(bool(pii.find(text)) for text in clean), ceiling=5),
        Figure("secrets", f"flagged of {len(texts)} clean texts", flagged, ceiling=0),
        Figure("secrets", "ms a text, median", took[len(took) // 2]),
        Figure("secrets", "ms a text, 99th percentile", took[len(took) * 99 // 100]),
    ]  # fmt: skip


def _texts(row: dict[str, Any]) -> Iterator[str]:
    for name, value in row.items():
        if name not in ("id", "group"):
            yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str))  # fmt: skip
