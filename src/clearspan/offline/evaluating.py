"""`clearspan.evaluate`: the evaluators of a live program over what is there already."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal

from clearspan.assess.evaluator import Evaluator, is_evaluator, named_apart, seated
from clearspan.assess.registered import registered
from clearspan.offline.bar import Progress, progressing
from clearspan.offline.columns import Strangers
from clearspan.offline.errors import SourceError
from clearspan.offline.items import Source
from clearspan.offline.keeping import Keeping
from clearspan.offline.report import Report
from clearspan.offline.running import Result, Run
from clearspan.offline.sources import opened, paths_of
from clearspan.offline.spool import spooled
from clearspan.score import Score

__all__ = ["chosen", "evaluate"]


def evaluate(
    source: Any,
    evaluators: Any,
    *,
    out: str | os.PathLike[str] | None = None,
    resume: bool = True,
    fail_under: float | Mapping[str, float] | None = None,
    limit: int | None = None,
    concurrency: int | None = None,
    timeout: float | None = None,
    progress: Progress | Literal[False] | None = None,
    since: int | None = None,
    session: str | None = None,
) -> Report:
    """Judge calls that are over: a data set, a store, or recorded telemetry.

    Args:
        source: A path (JSONL rows, a JSON array of them, a store, or OTLP-JSON), a folder or list of paths of
            OTLP-JSON, a `StoreReader`, or an iterable of mappings (rows) or of `Invocation`; `-` is standard input.
            A row may have `id`, `input`, `output`, `context`, `reference`, `messages`, `tools`,
            `system` and `session`; what else it has is kept as metadata of its call.
        evaluators: One or several: names, `Evaluator` objects or classes, callables.
        out: A JSONL file that each result is appended to as soon as it is there.
        resume: Whether judgements that `out` holds for the same content, by the same evaluator in the same version
            and with the same threshold, are taken over; errors and skipped rows are tried again. Without it
            the file is begun anew.
        fail_under: The share (0 to 1) of rows that must pass, for all evaluators or by name; see
            `Report.failed`. Rows with an error do not count as passed, skipped rows do not count.
        limit: At most so many rows or calls.
        concurrency: How many an evaluator may judge at once, in place of what each says of itself.
        timeout: Seconds for one judgement, in place of what each evaluator says of itself.
        progress: Whom to tell (done, total); by default a bar on a terminal's standard error, with `False` nobody.
        since: Of recorded telemetry only traces that were going on then or later (Unix nanoseconds).
        session: Of a store only this session.

    Every row is judged, whatever the sampling rates. One that raises or is not done in time gives a row with an error;
    a row of a data set that cannot be read gives one with the error `invalid_row` for each evaluator.

    Raises:
        SourceError: the source, or none of its rows, can be read; says in which file and line.
        FileNotFoundError: there is no such file.
        LookupError: there is no evaluator of such a name.
        ValueError: another argument cannot be.
    """
    made = chosen(evaluators)
    gates = _gates(fail_under, made)
    _check_numbers(limit, concurrency, timeout)
    results: list[tuple[str | int, Score]] = []
    strangers, reading = Strangers(), _read(source, out, since, session)
    with reading as found, closing(Keeping(out, resume=resume)) as keeping:

        def take(result: Result) -> None:
            if result.score is not None:  # pragma: no branch -- only settled results come here
                keeping.write(result.id, result.key, result.score)
                results.append((result.id, result.score))

        run = Run(made, keeping, concurrency=concurrency, timeout=timeout)
        with closing(run), progressing(progress) as tell:
            _drive(run, found, strangers, limit, take, tell)
    return Report([each.name for each in made], results, gates, strangers.notes())


@contextmanager
def _read(
    source: Any, out: str | os.PathLike[str] | None, since: int | None, session: str | None
) -> Generator[Source]:
    """The source, for as long as it is read."""
    with spooled(source) as (given, name):
        _check_apart(given, out)
        yield opened(given, since=since, session=session, name=name)


def _most(total: int | None, limit: int | None) -> int | None:
    """How much is done at most; a trace counts one, however many calls it has."""
    return total if total is None or limit is None else min(total, limit)


def _drive(
    run: Run,
    found: Source,
    strangers: Strangers,
    limit: int | None,
    take: Callable[[Result], None],
    tell: Progress,
) -> None:
    total = _most(found.total(), limit)
    items = strangers.watching(found.items(by_session=run.by_session))
    tell(0, total)
    try:
        for result in run.results(items, limit):
            take(result)
            tell(result.position if total is None else min(result.position, total), total)
    except BaseException:  # Ctrl-C among them: what is done by then must not be lost
        for result in run.finished():
            take(result)
        raise
    if not run.seen:
        raise SourceError("source", "holds no call: there is nothing to evaluate")


def chosen(evaluators: Any) -> list[Evaluator]:
    """The evaluators that are meant, each with a name of its own.

    Raises `LookupError` for a name that is none, `ValueError` for what is no evaluator.
    """
    several = isinstance(evaluators, Iterable) and not isinstance(evaluators, (str, type))
    given: list[Any] = list(evaluators) if several and not is_evaluator(evaluators) else [evaluators]  # fmt: skip
    if not given:
        raise ValueError("clearspan: name at least one evaluator")
    made = [registered(each) if isinstance(each, str) else seated(each) for each in given]
    if twice := named_apart(made):
        raise ValueError(f"clearspan: several evaluators are called {', '.join(twice)}: give them names of their own by name=...")  # fmt: skip
    return made


def _gates(given: float | Mapping[str, float] | None, made: list[Evaluator]) -> dict[str, float]:
    names = [each.name for each in made]
    if given is None:
        return {}
    shares = given if isinstance(given, Mapping) else dict.fromkeys(names, given)
    wanted = {str(name): float(share) for name, share in shares.items()}
    if unknown := sorted(set(wanted) - set(names)):
        raise ValueError(f"clearspan: fail_under: there is no evaluator {', '.join(unknown)} here, only {', '.join(names)}")  # fmt: skip
    for name, share in wanted.items():
        if not 0 <= share <= 1:
            raise ValueError(f"clearspan: fail_under: the share of {name} must be 0 to 1, not {share!r}")  # fmt: skip
    return wanted


def _check_numbers(limit: int | None, concurrency: int | None, timeout: float | None) -> None:
    for name, number in (("limit", limit), ("concurrency", concurrency)):
        if number is not None and number < 1:
            raise ValueError(f"clearspan: {name} must be 1 or more, not {number!r}")
    if timeout is not None and not timeout > 0:
        raise ValueError(f"clearspan: timeout must be more than 0 seconds, not {timeout!r}")


def _check_apart(source: Any, out: str | os.PathLike[str] | None) -> None:
    """Results are never written into what is read."""
    if out is not None and Path(out).resolve() in [file.resolve() for file in paths_of(source)]:
        raise ValueError(f"clearspan: out: {os.fspath(out)!r} is the source itself")
