"""The bench: evaluators judge sealed calls, on threads of their own, off every caller's way.

Whoever completes a call pays for one append. What waits is bounded in calls and in bytes: of too many, the
oldest are dropped and counted, those of the evaluator with the longest queue first.
"""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from clearspan.assess import outcome, turn
from clearspan.assess.evaluator import Evaluator, Subject, missing
from clearspan.assess.grounding import Grounding
from clearspan.assess.keeping import Keeping
from clearspan.assess.sampling import drawn
from clearspan.assess.seat import EvaluatorStatus, Seat
from clearspan.assess.subjects import concerns, first_of, grounded, target_of, weight_of
from clearspan.assess.whole import Gatherer
from clearspan.core.crew import Crew, Job
from clearspan.core.fence import fenced
from clearspan.record import Invocation, TraceRef
from clearspan.score import Level, Score

__all__ = ["Bench", "Told"]

Told = Callable[[Score, Evaluator], None]
"""Is told each score, with the evaluator whose it is."""

_log = logging.getLogger("clearspan")
_ITEMS = 1_000
_SETUP = 300.0
_WHOLE: tuple[Level, ...] = ("trace", "session")


class _Going(Protocol):
    """A call that has begun and not ended."""

    @property
    def trace(self) -> TraceRef | None: ...


@dataclass(slots=True, eq=False)
class _Item:
    """A call as telemetry tells it, and as it was; `left` is how many evaluators have still to judge it."""

    clean: Invocation
    raw: Invocation
    weight: int
    left: int = 0


class _Task(NamedTuple):
    """One thing to judge. `item` is the call that has to be kept for it."""

    subject: Subject
    item: _Item | None


class Bench:
    """Runs `evaluators` over the calls that it is given; `told` hears of each score.

    `max_items` and `max_bytes` bound what waits. After `idle` seconds of silence a session is taken to be over.
    `setup` runs on each thread that judges. With `keeping`, evaluators go on from what they had learned.
    """

    def __init__(
        self,
        evaluators: Sequence[Evaluator],
        told: Told,
        *,
        max_bytes: int,
        max_items: int = _ITEMS,
        idle: float = 300.0,
        setup: Callable[[], object] | None = None,
        keeping: Keeping | None = None,
    ) -> None:
        self.seats = [Seat(made) for made in evaluators]
        self._keeping = keeping
        self._told = told
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._gatherers = {
            level: Gatherer(level, idle=idle, overflow=functools.partial(self._drop, level))
            for level in _WHOLE
            if any(seat.made.level == level for seat in self.seats)
        }
        self._clear()
        self._crew = Crew("clearspan-assess", self._take, setup=setup, nap=self._nap)

    def _clear(self) -> None:
        self._lock = threading.RLock()
        self._items: deque[_Item] = deque()
        self._kept = 0
        self._bytes = 0
        self._running = 0
        self._sweep: str | None = None
        self._ended: deque[str] = deque()
        self._still = threading.Event()
        self._still.set()
        self._closed = False
        self._groundings = (Grounding(), Grounding())

    def follow(self, calls: Callable[[], Iterable[_Going]]) -> None:
        """Who is asked which calls go on: a trace with one of them is not over."""
        for gatherer in self._gatherers.values():
            gatherer.follow(
                lambda: {call.trace.trace_id for call in calls() if call.trace is not None}
            )

    @property
    def raw(self) -> bool:
        """Whether some evaluator wants to see calls as they were."""
        return any(seat.made.raw for seat in self.seats)

    def take(self, clean: Invocation, raw: Invocation | None = None) -> None:
        """Judge a call, later and elsewhere. `raw` is the call as it was, where that is wanted."""
        item = _Item(clean, clean if raw is None else raw, weight_of(clean if raw is None else raw))
        with self._lock:
            if self._closed:
                self._refuse("shutdown", clean)
                return
            while self._kept >= self._max_items or self._bytes + item.weight > self._max_bytes:
                if not self._make_room():
                    self._refuse("queue_full", clean)
                    return
            self._kept += 1
            self._bytes += item.weight
            self._still.clear()
            self._items.append(item)
        self._crew.rouse()

    def _make_room(self) -> bool:
        """Drop the oldest of what waits; `False` when nothing does."""
        fullest = max(self.seats, key=lambda seat: len(seat.waiting))
        if fullest.waiting:
            fullest.drop("queue_full")
            self._done_with(fullest.waiting.popleft().item)
            return True
        if not self._items:
            return False
        item = self._items.popleft()
        self._refuse("queue_full", item.clean)
        item.left = 1
        self._done_with(item)
        return True

    def _refuse(self, reason: str, call: Invocation) -> None:
        for seat in self.seats:
            if seat.made.level != "call" or concerns(seat.made, call):
                seat.drop(reason)

    # -- on the bench's own threads --------------------------------------------------------------

    def _take(self) -> Job | None:
        while True:
            with self._lock:
                for seat in self.seats:
                    if seat.waiting and seat.state == "waiting":
                        return self._setup(seat)
                    if seat.waiting and seat.free:
                        return self._job(seat, seat.waiting.popleft())
                item = self._items.popleft() if self._items else None
                if item is not None:
                    item.left = 1  # kept while it is looked at
            if item is not None:
                fenced("bench.spread", self._spread, item)
                self._done_with(item)
            elif not self._gather():
                return None

    def _spread(self, item: _Item) -> None:
        """Hand a call to those that judge such calls, and gather it for those that judge the whole."""
        clean = raw = grounded(self._groundings[0], item.clean)
        if item.raw is not item.clean:
            raw = grounded(self._groundings[1], item.raw)
        for gatherer in self._gatherers.values():
            gatherer.add(clean)
        for seat in self.seats:
            if seat.made.level == "call" and concerns(seat.made, clean):
                self._enqueue(seat, raw if seat.made.raw else clean, item)

    def _gather(self) -> bool:
        """Hand on what is over by now; answers whether there was anything."""
        with self._lock:
            asked, self._sweep = self._sweep, None
        while self._ended:
            self._gatherers["session"].end(self._ended.popleft())
        over = [
            conversation
            for gatherer in self._gatherers.values()
            for conversation in (
                gatherer.rest() if asked == "rest" else gatherer.due(settled=asked is not None)
            )
        ]
        for conversation in over:
            for seat in self.seats:
                if seat.made.level == conversation.level:
                    self._enqueue(seat, conversation, None)
        if asked is not None:
            self._done_with(None)
        return bool(over)

    def _enqueue(self, seat: Seat, subject: Subject, item: _Item | None) -> None:
        lacking = missing(seat.made, subject)
        reason = f"missing:{lacking}" if lacking is not None else None
        if reason is None and not callable(seat.made.sample_rate):
            drawn_by = first_of(subject)
            if drawn_by is not None and not drawn(seat.made.sample_rate, drawn_by):
                reason = "not_sampled"
        if reason is not None:
            self._tell(seat, seat.skip(reason, target_of(subject)))
            return
        with self._lock:
            if item is not None:
                item.left += 1
            else:
                self._running += 1
                self._still.clear()
            seat.waiting.append(_Task(subject, item))

    def _job(self, seat: Seat, task: _Task) -> Job:
        """What is to be done for one task. Runs under the lock."""
        seat.busy += 1
        returned: list[bool] = []

        def work() -> Any:
            try:
                hindrance = seat.hindrance
                if hindrance is not None:
                    return outcome.skipped(seat.made, hindrance, target_of(task.subject))
                score = turn.take(seat.made, task.subject)
                self._keep(seat)
                return score
            finally:
                with self._lock:
                    seat.given_up -= bool(returned)
                    returned.append(True)

        def failed(error: BaseException, seconds: float) -> None:
            with self._lock:
                if isinstance(error, TimeoutError) and not returned:
                    seat.given_up += 1
                    returned.append(False)
            self._finish(seat, task, turn.failure(seat.made, task.subject, error), seconds)

        done = functools.partial(self._finish, seat, task)
        return Job(work, done, failed, seat.made.timeout)

    def _setup(self, seat: Seat) -> Job:
        """Let an evaluator get ready: a job of its own, which may take longer than a judgement."""
        seat.begin()

        def work() -> None:
            seat.made.setup()
            if self._keeping is not None:
                fenced("evaluator.load_state", self._keeping.load, seat.made)

        def ready(answer: object, seconds: float) -> None:
            seat.ready()
            self._crew.rouse()

        def broken(error: BaseException, seconds: float) -> None:
            seat.ready(f"setup failed: {type(error).__name__}")
            self._crew.rouse()

        return Job(work, ready, broken, _SETUP)

    def _finish(self, seat: Seat, task: _Task, score: Score, seconds: float) -> None:
        try:
            if score.error is not None:
                seat.breaker.failed()
                seat.complain(score.error)
            elif score.skipped is None:
                seat.breaker.succeeded()
            seat.note(score)
            told = score if score.skipped is not None else replace(score, duration=seconds)
            self._tell(seat, told)
        finally:
            with self._lock:
                seat.busy -= 1
                waiting = bool(seat.waiting)
            self._done_with(task.item)
            if waiting:
                self._crew.rouse()

    def _keep(self, seat: Seat, *, now: bool = False) -> None:
        if self._keeping is not None:
            fenced("evaluator.state", self._keeping.save, seat.made, now=now)

    def _tell(self, seat: Seat, score: Score) -> None:
        fenced("bench.told", self._told, score, seat.made)

    def _done_with(self, item: _Item | None) -> None:
        with self._lock:
            if item is None:
                self._running -= 1
            else:
                item.left -= 1
                if item.left == 0:
                    self._kept -= 1
                    self._bytes -= item.weight
            if self._kept == 0 and self._running == 0:
                self._still.set()

    def _nap(self) -> float | None:
        due = [gatherer.next_due for gatherer in self._gatherers.values()]
        return min((seconds for seconds in due if seconds is not None), default=None)

    def _drop(self, level: Level, reason: str, calls: int) -> None:
        for seat in self.seats:
            if seat.made.level == level:
                seat.drop(reason, calls)

    # -- from outside ----------------------------------------------------------------------------

    def end(self, session: str) -> None:
        """Say that a session is over: it is judged now."""
        if "session" in self._gatherers:
            self._ended.append(session)
            self._crew.rouse()

    def flush(self, timeout: float) -> bool:
        """Wait until everything taken so far is judged, traces that are over too; `False` after `timeout` seconds."""
        return self._swept("settled", timeout)

    def close(self, timeout: float) -> bool:
        """Judge what is left, what is not over as well, within `timeout` seconds; drop the rest, and stop."""
        deadline = time.monotonic() + timeout
        done = self._swept("rest", timeout)
        with self._lock:
            left = {seat: len(seat.waiting) + seat.busy + len(self._items) for seat in self.seats}
            for seat in self.seats:
                seat.waiting.clear()
            self._items.clear()
            self._closed = True
            self._still.set()
        self._give_up(left)
        closing = threading.Thread(
            target=self._close_all, name="clearspan-assess-close", daemon=True
        )
        closing.start()
        closing.join(max(0.0, deadline - time.monotonic()))
        self._crew.close(max(0.0, deadline - time.monotonic()))
        return done

    def _give_up(self, left: Mapping[Seat, int]) -> None:
        """Count what nobody will judge any more, and say so: it would be missed without a trace."""
        for seat, calls in left.items():
            seat.drop("shutdown", calls)
            for _ in range(calls):
                self._tell(seat, outcome.skipped(seat.made, "shutdown"))
        told = ", ".join(f"{seat.made.name} ({calls})" for seat, calls in left.items() if calls)
        if told:
            _log.warning(
                "clearspan: the program ended before everything was judged: %s; "
                "call clearspan.flush(timeout) before the end to wait longer", told,
            )  # fmt: skip

    def _close_all(self) -> None:
        for seat in self.seats:
            if seat.prepared:
                self._keep(seat, now=True)
                fenced("evaluator.close", seat.made.close)

    def _swept(self, asked: str, timeout: float) -> bool:
        if self._crew.mine or self._closed:
            return True
        with self._lock:
            if self._gatherers and self._sweep is None:
                self._running += 1
                self._still.clear()
            if self._gatherers:
                self._sweep = asked
        self._crew.rouse()
        return self._still.wait(timeout)

    def renew(self) -> None:
        """In a forked child: what waited and was gathered is the parent's."""
        self._clear()
        for seat in self.seats:
            seat.renew()
        for gatherer in self._gatherers.values():
            gatherer.forget()

    def status(self) -> tuple[EvaluatorStatus, ...]:
        """How each evaluator has fared."""
        return tuple(seat.status() for seat in self.seats)
