"""Judging: every item by every evaluator that it concerns, several at once, results in order."""

from __future__ import annotations

import dataclasses
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

from clearspan.assess import outcome
from clearspan.assess.evaluator import INFERENCE, Evaluator, Subject, missing
from clearspan.assess.subjects import target_of
from clearspan.capture.context import suppressed
from clearspan.conversation import Conversation
from clearspan.core.crew import Crew, Job
from clearspan.core.fence import fenced
from clearspan.offline.gathering import Gathering
from clearspan.offline.items import Item, sound
from clearspan.offline.keeping import Keeping, key_of
from clearspan.score import Score

__all__ = ["Result", "Run"]

_AHEAD = 64
_SETUP = 600.0
_PATIENCE = 0.05
_LONGEST_WAIT = 1.0
_LEVELS: tuple[Literal["trace"], Literal["session"]] = ("trace", "session")
_GIVE_UP = 5
"""After so many time limits in a row nobody asks an evaluator again: each may have left a thread behind."""


class Result:
    """What one evaluator said of one item, as soon as it has said it."""

    __slots__ = ("id", "key", "position", "score")

    def __init__(self, id_: str | int, key: str, position: int) -> None:
        self.id = id_
        self.key = key
        self.position = position
        self.score: Score | None = None


class _Broken(Exception):
    """The evaluator is not asked any more: of which type the error was, and why."""

    def __init__(self, type_: str, why: str) -> None:
        super().__init__(why)
        self.type = type_


class _Seat:
    """One evaluator at work: what waits for it, how many it is at, and whether it answers at all."""

    def __init__(self, made: Evaluator, places: int, timeout: float) -> None:
        self.made = made
        self.places = places
        self.timeout = timeout
        self.waiting: deque[Job] = deque()
        self.busy = 0
        self.late = 0
        self.broken: _Broken | None = None
        self._setup: Job | None = Job(made.setup, self._is_ready, self._is_broken, _SETUP)
        self._ready = False
        self.readied: Callable[[], object] = int

    def concerns(self, level: str, operation: str | None) -> bool:
        """Whether it judges such a thing; `None` stands for any operation."""
        wanted = self.made.operations
        known = operation is None or wanted is None or operation in wanted
        return self.made.level == level and known

    def next(self) -> Job | None:
        """What it can do now: get ready first of all."""
        if self._setup is not None:
            job, self._setup = self._setup, None
            return job
        if not self._ready or not self.waiting or self.busy >= self.places:
            return None
        self.busy += 1
        return self.waiting.popleft()

    def ask(self, subject: Subject) -> Any:
        """The evaluator's answer. Raises what it raises."""
        if self.broken is not None:
            raise _Broken(self.broken.type, str(self.broken))
        return self.made.evaluate(subject)

    def failure(self, error: BaseException, took: float) -> tuple[str, str | None]:
        """The type of an error, and a sentence; many time limits in a row break the evaluator."""
        if isinstance(error, _Broken):
            return error.type, str(error)
        late = isinstance(error, TimeoutError)
        self.late = self.late + 1 if late and took >= self.timeout else 0
        if self.late >= _GIVE_UP:
            self.broken = _Broken("timeout", f"not asked: {_GIVE_UP} time limits in a row before")
        return "timeout" if late else type(error).__qualname__, str(error) or None

    def _is_ready(self, answer: object, took: float) -> None:
        self._ready = True
        self.readied()

    def _is_broken(self, error: BaseException, took: float) -> None:
        self.broken = _Broken(type(error).__qualname__, str(error) or "its setup failed")
        self._is_ready(None, took)


class Run:
    """Runs evaluators over items. Use it once, and `close` it.

    `concurrency` and `timeout` (seconds) replace what each evaluator says of itself.
    """

    def __init__(
        self,
        evaluators: Sequence[Evaluator],
        keeping: Keeping,
        *,
        concurrency: int | None = None,
        timeout: float | None = None,
    ) -> None:
        self._seats = [
            _Seat(made, concurrency or made.concurrency, timeout or made.timeout)
            for made in evaluators
        ]
        self._keeping = keeping
        self._lock = threading.Lock()
        self._idle = True
        self._answered: queue.SimpleQueue[None] = queue.SimpleQueue()
        # What an evaluator asks models is no traffic of the program that evaluates.
        quiet = suppressed().enter
        self._crew = Crew("clearspan-evaluate", self._take, setup=quiet, patience=_PATIENCE)
        self._window: deque[Result] = deque()
        self._ahead = max(_AHEAD, 4 * sum(seat.places for seat in self._seats))
        self._line = list(self._seats)
        levels = {seat.made.level for seat in self._seats}
        self._gatherings = [Gathering(level) for level in _LEVELS if level in levels]
        self.seen = False
        """Whether there was any item at all."""
        for seat in self._seats:
            seat.readied = self._rouse

    @property
    def by_session(self) -> bool:
        """Whether the calls of a session must come one after another."""
        return any(gathering.level == "session" for gathering in self._gatherings)

    def results(self, items: Iterator[Item], limit: int | None) -> Iterator[Result]:
        """The results in the order of the items, of the first `limit` of those that are judged."""
        judged = position = 0
        for item in sound(items):
            reached = limit is not None and judged >= limit
            if reached and not any(gathering.goes_on(item) for gathering in self._gatherings):
                break  # a conversation that has begun is read to its end
            position, self.seen = item.position, True
            if item.wrong is not None:
                judged += self._reject(item, item.wrong.problem_at)
            else:
                if not reached:
                    judged += self._judge(item)
                for gathering in self._gatherings:
                    self._converse(gathering.add(item), position)
            yield from self._settled(self._ahead)
        for gathering in self._gatherings:
            self._converse(gathering.close(), position)
        yield from self._settled(0)

    def _judge(self, item: Item) -> int:
        """Hand out one call; answers how many more are judged by that: calls, else conversations."""
        if not any(seat.made.level == "call" for seat in self._seats):
            return int(any(gathering.begins(item) for gathering in self._gatherings))
        if item.call.inference_calls and item.call.operation in INFERENCE:
            return 0  # it was done by calls below it, which are judged themselves
        operation = None if item.whole else str(item.call.operation)
        return self._feed(item.id, "call", item.call, item.position, operation)

    def _reject(self, item: Item, why: str) -> int:
        """A row that cannot be read is an error of every evaluator; answers 1: it is one row."""
        for seat in self._seats:
            result = Result(item.id, key_of(seat.made, ""), item.position)
            result.score = outcome.failed(seat.made, "invalid_row", why)
            self._window.append(result)
        return 1

    def finished(self) -> Iterator[Result]:
        """What is done of what was not told yet: after a break."""
        return (result for result in self._window if result.score is not None)

    def close(self) -> None:
        """Let the evaluators go; what still runs is left behind."""
        self._crew.close(1.0)
        for seat in self._seats:
            fenced("evaluator.close", seat.made.close)

    # -- handing out --------------------------------------------------------------------------

    def _converse(self, done: Conversation | None, position: int) -> None:
        if done is not None:
            self._feed(done.id, done.level, done, position, None)

    def _feed(
        self, id_: str | int, level: str, subject: Subject, position: int, operation: str | None
    ) -> int:
        """Hand a subject to the evaluators of its level; answers 1 if it concerns one of them."""
        concerned = [seat for seat in self._seats if seat.concerns(level, operation)]
        content = self._keeping.content_of(subject) if concerned else ""
        for seat in concerned:
            result = Result(id_, key_of(seat.made, content), position)
            self._window.append(result)
            self._ask(seat, subject, result)
        return min(1, len(concerned))

    def _ask(self, seat: _Seat, subject: Subject, result: Result) -> None:
        made, target = seat.made, target_of(subject)
        lacking = missing(made, subject)
        if lacking is not None:
            result.score = outcome.skipped(made, f"missing:{lacking}", target)
            return
        result.score = self._keeping.known(result.id, result.key, made, target)
        if result.score is not None:
            return

        def done(answer: Any, took: float) -> None:
            seat.late = 0
            score = outcome.scored(answer, made, target)
            self._settle(seat, result, dataclasses.replace(score, duration=took))

        def failed(error: BaseException, took: float) -> None:
            kind, why = seat.failure(error, took)
            score = outcome.failed(made, kind, why, target)
            self._settle(seat, result, dataclasses.replace(score, duration=took))

        job = Job(lambda: seat.ask(subject), done, failed, seat.timeout)
        with self._lock:
            seat.waiting.append(job)
        self._rouse()

    def _settle(self, seat: _Seat, result: Result, score: Score) -> None:
        with self._lock:
            seat.busy -= 1
            result.score = score
        self._answered.put(None)
        self._rouse()

    def _rouse(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, False
        if idle:
            self._crew.rouse()

    def _take(self) -> Job | None:
        """The next job, of each evaluator in turn; `None` when all that waits must wait."""
        with self._lock:
            for seat in self._line:
                job = seat.next()
                if job is not None:
                    # Whoever was served stands last in the line.
                    self._line.remove(seat)
                    self._line.append(seat)
                    return job
            self._idle = True
            return None

    # -- taking in ----------------------------------------------------------------------------

    def _settled(self, ahead: int) -> Iterator[Result]:
        """The results at the head that are there; waits while more than `ahead` are under way."""
        while self._window:
            if self._window[0].score is not None:
                yield self._window.popleft()
            elif len(self._window) > ahead:
                self._wait()
            else:
                return

    def _wait(self) -> None:
        try:
            self._answered.get(timeout=_LONGEST_WAIT)
        except queue.Empty:
            # A thread that could not be started then may be to be had now.
            self._crew.rouse()
