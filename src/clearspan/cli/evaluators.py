"""How evaluators have fared, for `clearspan doctor`: those set here, and what the store tells of all that ran."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from clearspan import semconv as sc
from clearspan.assess.seat import EvaluatorStatus
from clearspan.exporters.store import StoredPoint, StoreError, StoreNotFound, StoreReader

__all__ = ["Fared", "Stood", "fared", "stood"]


@dataclass(slots=True)
class Fared:
    """One evaluator: how it stands here (`set`, `broken`, or `seen` in the store only), and what it did.

    `judged` are calls with a score, `pass_rate` (0 to 1) is of those that passed or did not; `errors` and
    `skipped` are calls without, by type and by reason.
    """

    name: str
    state: str
    judged: int = 0
    pass_rate: float | None = None
    errors: dict[str, int] = field(default_factory=dict[str, int])
    skipped: dict[str, int] = field(default_factory=dict[str, int])
    note: str | None = None

    @property
    def ailing(self) -> bool:
        """Whether there were errors, or no judge to ask."""
        return bool(self.errors) or "no_judge" in self.skipped


@dataclass(slots=True)
class Stood:
    """One guard: `set` here, or `seen` in the store only, and how often the store says that it stepped in.

    `actions` are counts of `blocked`, `redacted`, `warned` and `errors`, those that there are.
    """

    name: str
    state: str
    actions: dict[str, int] = field(default_factory=dict[str, int])


def stood(here: Iterable[str], reader: StoreReader) -> list[Stood]:
    """What is known of each guard; a store that is not there, or broken, tells nothing."""
    known = {name: Stood(name, "set") for name in here}
    try:
        lines = reader.guard_summary()
    except (StoreNotFound, StoreError):  # said where the store itself is looked at
        return list(known.values())
    for line in lines:
        counts = {"blocked": line.blocked, "redacted": line.redacted, "warned": line.warned, "errors": line.errors}  # fmt: skip
        found = known.setdefault(line.name, Stood(line.name, "seen"))
        found.actions = {did: count for did, count in counts.items() if count}
    return list(known.values())


def fared(here: Iterable[EvaluatorStatus], reader: StoreReader) -> list[Fared]:
    """What is known of each evaluator; a store that is not there, or broken, tells nothing."""
    known = {
        each.name: Fared(each.name, "broken" if each.state == "broken" else "set", note=each.note)
        for each in here
    }
    try:
        for line in reader.score_summary():
            found = known.setdefault(line.name, Fared(line.name, "seen"))
            found.judged, found.pass_rate = line.count, line.pass_rate
        for metric, label, place in (
            (sc.METRIC_EVALUATION_ERRORS, sc.ERROR_TYPE, "errors"),
            (sc.METRIC_EVALUATION_SKIPPED, sc.EVALUATION_SKIPPED, "skipped"),
        ):
            for name, counts in _counts(reader.metric_points(metric), label).items():
                found = known.setdefault(name, Fared(name, "seen"))
                getattr(found, place).update(counts)
    except (StoreNotFound, StoreError):  # said where the store itself is looked at
        return list(known.values())
    return list(known.values())


def _counts(points: Iterable[StoredPoint], label: str) -> dict[str, Counter[str]]:
    """By evaluator and label: cumulative series are as large as their last point, and each process has its own."""
    last: dict[tuple[object, ...], StoredPoint] = {}
    for point in points:
        if sc.GUARD_ACTION in point.attributes:
            continue  # a guard's, which may have the name of an evaluator
        series = tuple(sorted((name, str(value)) for name, value in point.attributes.items()))
        last[point.service, point.start_ns, series] = point
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for point in last.values():
        name = str(point.attributes.get(sc.EVALUATION_NAME))
        counts[name][str(point.attributes.get(label))] += int(point.value or 0)
    return counts
