"""Report: what evaluators said of a source, as rows, as sums, and as a verdict against gates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import sqrt
from typing import Any

from clearspan.offline.keeping import row_of
from clearspan.score import Score

__all__ = ["Gate", "Report", "Summary", "wilson"]

_Z = 1.959963984540054  # the normal quantile of a 95 % interval


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927). `total` must be above 0."""
    share, square = hits / total, _Z * _Z
    middle = (share + square / (2 * total)) / (1 + square / total)
    half = _Z * sqrt(share * (1 - share) / total + square / (4 * total * total)) / (1 + square / total)  # fmt: skip
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Summary:
    """The sums of one evaluator.

    `n` results in all, of which `judged` have a value, label or verdict; `mean` is that of the values. `passed` of the
    `verdicts` passed. `errors` and `skipped` are counts by type and by reason. Absent (`None`) is what
    nothing was there for.
    """

    name: str
    n: int = 0
    judged: int = 0
    mean: float | None = None
    passed: int = 0
    verdicts: int = 0
    errors: Mapping[str, int] = field(default_factory=dict[str, int])
    skipped: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def pass_rate(self) -> float | None:
        """The share of the verdicts that passed, 0 to 1; errors and skipped rows are no verdicts."""
        return self.passed / self.verdicts if self.verdicts else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % Wilson interval of `pass_rate`."""
        return wilson(self.passed, self.verdicts) if self.verdicts else None

    @property
    def share(self) -> float | None:
        """What a gate looks at: passed of all that were not skipped; what failed to judge did not pass."""
        asked = self.n - sum(self.skipped.values())
        return self.passed / asked if asked else None

    @property
    def blind(self) -> bool:
        """Whether nothing at all was judged because of errors."""
        return not self.judged and bool(self.errors)

    def as_dict(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return {
            "name": self.name, "n": self.n, "judged": self.judged, "mean": self.mean, "passed": self.passed,
            "verdicts": self.verdicts, "pass_rate": self.pass_rate, "interval": self.interval,
            "errors": dict(self.errors), "skipped": dict(self.skipped),
        }  # fmt: skip


@dataclass(frozen=True)
class Gate:
    """What share of an evaluator's rows must pass (0 to 1), and what share did."""

    name: str
    wanted: float
    share: float | None
    errors: int = 0
    verdicts: int = 0

    @property
    def missed(self) -> bool:
        """Whether too few passed, or nothing could be said."""
        return not self.verdicts or self.share is None or self.share < self.wanted

    def __str__(self) -> str:
        """The verdict in one line."""
        if self.share is None:
            return f"{self.name}: missed, nothing was judged"
        if not self.verdicts and not self.errors:
            return f"{self.name}: missed, no row has a verdict: the evaluator needs a threshold"
        erred = (
            f"; {self.errors} with an error, which do not count as passed" if self.errors else ""
        )
        what = "missed" if self.missed else "held"
        return f"{self.name}: {what}, {self.share:.4g} passed, {self.wanted:.4g} had to{erred}"


class Report:
    """The results of an evaluation, in the order of the source.

    `scores` are the same as `rows` with all that is known, the evaluated call among it. `fail_under`
    are the shares that must pass, by evaluator, `notes` what is to be known of the source.
    """

    def __init__(
        self,
        names: Iterable[str],
        results: Iterable[tuple[str | int, Score]] = (),
        fail_under: Mapping[str, float] | None = None,
        notes: Iterable[str] = (),
    ) -> None:
        self._names = tuple(names)
        self._results = list(results)
        self._fail_under = dict(fail_under or {})
        self._notes = tuple(notes)

    @property
    def scores(self) -> list[Score]:
        """The results with everything; `target` says about which call."""
        return [score for _, score in self._results]

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The results: `id, name, value, label, passed, error, skipped, explanation, metadata`."""
        return [row_of(id_, score) for id_, score in self._results]

    @cached_property
    def summary(self) -> dict[str, Summary]:
        """The sums of each evaluator, by name, in the order given."""
        groups: dict[str, list[Score]] = {name: [] for name in self._names}
        for _, score in self._results:
            groups.setdefault(score.name, []).append(score)
        return {name: _summed(name, scores) for name, scores in groups.items()}

    def failing(self) -> list[dict[str, Any]]:
        """The rows that did not pass, and those with an error."""
        return [row for row in self.rows if row["passed"] is False or row["error"] is not None]

    def gates(self, fail_under: Mapping[str, float] | None = None) -> list[Gate]:
        """How each gate stands: those given here, else those that the evaluation was given.

        Raises `ValueError` for a name that is none of the evaluators'.
        """
        wanted = self._fail_under if fail_under is None else fail_under
        if unknown := sorted(set(wanted) - set(self.summary)):
            raise ValueError(f"clearspan: fail_under: there was no evaluator {', '.join(unknown)}, only {', '.join(self.summary)}")  # fmt: skip
        return [
            Gate(name, share, each.share, sum(each.errors.values()), each.verdicts)
            for name, share in wanted.items()
            for each in [self.summary[name]]
        ]

    def failed(self, fail_under: Mapping[str, float] | None = None) -> bool:
        """Whether a gate was missed."""
        return any(gate.missed for gate in self.gates(fail_under))

    def warnings(self) -> list[str]:
        """What must not be overlooked: evaluators that judged nothing at all and why, columns that were not understood."""
        silent = [each for each in self.summary.values() if not each.judged]
        return [*self._notes, *(self._silence(each) for each in silent)]

    def _silence(self, each: Summary) -> str:
        why = [_counted("errors", each.errors), _counted("skipped", each.skipped)]
        first = next(
            (score for score in self.scores if score.name == each.name and score.error), None
        )
        said = (
            f"; the first: {first.explanation}" if first is not None and first.explanation else ""
        )
        reasons = "; ".join(filter(None, why)) or "no call was of its kind"
        hint = "; name a judge by CLEARSPAN_JUDGE" if "no_judge" in each.skipped else ""
        return f"{each.name} judged nothing: {reasons}{said}{hint}"

    @property
    def exit_code(self) -> int:
        """What a program that is run for its verdict ends with.

        1 where a gate was missed, or an evaluator judged nothing at all because of errors; else 0. One that only
        skipped is a warning, and a missed gate where it has one.
        """
        return int(self.failed() or any(each.blind for each in self.summary.values()))

    def as_dict(self) -> dict[str, Any]:
        """Sums, gates and rows, as JSON can hold them."""
        return {
            "summary": [each.as_dict() for each in self.summary.values()],
            "gates": [
                {"name": gate.name, "wanted": gate.wanted, "share": gate.share, "missed": gate.missed}
                for gate in self.gates()
            ],
            "warnings": self.warnings(),
            "rows": self.rows,
        }  # fmt: skip

    def junit(self) -> str:
        """The results in the XML form that continuous integration servers read (JUnit's)."""
        from clearspan.offline.junit import document

        return document(self)

    def __str__(self) -> str:
        """The sums as a table."""
        from clearspan.offline.table import drawn

        return drawn(self)

    def __repr__(self) -> str:
        """How much there is."""
        return f"Report({len(self._results)} results of {', '.join(self._names)})"


def _counted(what: str, counts: Mapping[str, int]) -> str:
    told = ", ".join(f"{reason} ({count:,})" for reason, count in counts.items())
    return f"{what}: {told}" if told else ""


def _summed(name: str, scores: list[Score]) -> Summary:
    values = [score.value for score in scores if score.value is not None]
    verdicts = [score.passed for score in scores if score.passed is not None]
    errors = Counter(score.error for score in scores if score.error is not None)
    skipped = Counter(score.skipped for score in scores if score.skipped is not None)
    return Summary(
        name=name,
        n=len(scores),
        judged=len(scores) - sum(errors.values()) - sum(skipped.values()),
        mean=sum(values) / len(values) if values else None,
        passed=sum(verdicts),
        verdicts=len(verdicts),
        errors=dict(errors.most_common()),
        skipped=dict(skipped.most_common()),
    )
