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
from dataclasses import replace
from typing import Any

from clearspan.assess import outcome, turn
from clearspan.assess.evaluator import Evaluator, Subject, missing
from clearspan.assess.gathering import Gathering, Going
from clearspan.assess.keeping import Keeping
from clearspan.assess.sampling import drawn
from clearspan.assess.seat import EvaluatorStatus, Seat
from clearspan.assess.subjects import concerns, first_of, lent, target_of, weight_of
from clearspan.assess.waiting import Item, Kept, Task
from clearspan.conversation import Conversation
from clearspan.core.crew import Crew, Job, started
from clearspan.core.fence import fenced
from clearspan.core.weight import weigh
from clearspan.record import Invocation
from clearspan.score import Level, Score

__all__ = ["Bench", "Told"]

Told = Callable[[Score, Evaluator], None]
"""Is told each score, with the evaluator whose it is."""

_log = logging.getLogger("clearspan")
_ITEMS = 1_000
_SETUP = 300.0
_WHOLE: tuple[Level, ...] = ("trace", "session")


class Bench:
    """Runs `evaluators` over the calls that it is given; `told` hears of each score.

    `max_items` and `max_bytes` bound what waits and, in bytes, what is gathered with it. After `idle` seconds of silence a session is taken to be over.
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
        levels = {seat.made.level for seat in self.seats}
        self._gathering = Gathering(
            [level for level in _WHOLE if level in levels],
            idle=idle,
            max_bytes=max_bytes,
            overflow=self._drop,
        )
        self._clear()
        self._crew = Crew("clearspan-assess", self._take, setup=setup, nap=self._nap)

    def _clear(self) -> None:
        self._lock = threading.RLock()
        self._items: deque[Item] = deque()
        self._kept = 0
        self._bytes = 0
        self._running = 0
        self._sweep: str | None = None
        self._ended: deque[str] = deque()
        self._still = threading.Event()
        self._still.set()
        self._closed = False

    def follow(self, calls: Callable[[], Iterable[Going]]) -> None:
        """Who is asked which calls have begun and not been taken yet: a trace with one of them is not over."""
        self._gathering.follow(calls)

    @property
    def raw(self) -> bool:
        """Whether some evaluator wants to see calls as they were."""
        return any(seat.made.raw for seat in self.seats)

    def take(self, clean: Invocation, raw: Invocation | None = None) -> None:
        """Judge a call, later and elsewhere. `raw` is the call as it was, where that is wanted."""
        kept = Kept(weight_of(clean) + (0 if raw is None else weight_of(raw)))
        with self._lock:
            if self._closed:
                self._refuse("shutdown", clean)
                return
            while self._too_much(1, kept.weight):
                if not self._make_room():
                    self._refuse("queue_full", clean)
                    return
            self._keep_alive(kept)
            self._items.append(Item(clean, clean if raw is None else raw, kept))
        self._crew.rouse()

    def _too_much(self, items: int = 0, weight: int = 0) -> bool:
        """Whether so much more would be too much."""
        held = self._bytes + self._gathering.held
        return self._kept + items > self._max_items or held + weight > self._max_bytes

    def _keep_alive(self, kept: Kept) -> None:
        with self._lock:
            kept.left = 1  # until it has been handed on
            self._kept += 1
            self._bytes += kept.weight
            self._still.clear()

    def _make_room(self) -> bool:
        """Drop the oldest of what waits; `False` when nothing does."""
        fullest = max(self.seats, key=lambda seat: len(seat.waiting))
        if fullest.waiting:
            fullest.drop("queue_full")
            self._done_with(fullest.waiting.popleft().kept)
            return True
        if not self._items:
            return False
        item = self._items.popleft()
        self._refuse("queue_full", item.clean)
        self._done_with(item.kept)
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
                fenced("bench.spread", self._spread, item)
                self._handed_on(item.kept)
            elif not self._gather():
                return None

    def _spread(self, item: Item) -> None:
        """Hand a call to those that judge such calls, and gather it for those that judge the whole."""
        clean, raw = self._gathering.ground(item.clean, item.raw)
        grown = weigh(lent(clean)) + (0 if raw is clean else weigh(lent(raw)))
        with self._lock:
            item.kept.weight += grown
            self._bytes += grown
        self._hand_on(self._gathering.add(clean))
        for seat in self.seats:
            if seat.made.level == "call" and concerns(seat.made, clean):
                self._enqueue(seat, raw if seat.made.raw else clean, item.kept)

    def _gather(self) -> bool:
        """Hand on what is over by now; answers whether there is more to look at."""
        going_on = self._gathering.going_on()
        with self._lock:
            if self._items:
                return True  # taken since it was looked: they are neither going on nor gathered yet
            asked, self._sweep = self._sweep, None
            ended = [self._ended.popleft() for _ in range(len(self._ended))]
        over = fenced("bench.gather", self._gathering.over, going_on, ended, asked) or []
        self._hand_on(over)
        if asked is not None:
            self._done_with(None)
        return bool(over)

    def _hand_on(self, over: Iterable[Conversation]) -> None:
        for conversation in over:
            kept = Kept(weight_of(conversation))
            self._keep_alive(kept)
            for seat in self.seats:
                if seat.made.level == conversation.level:
                    self._enqueue(seat, conversation, kept)
            self._handed_on(kept)

    def _handed_on(self, kept: Kept) -> None:
        self._done_with(kept)
        with self._lock:
            while self._too_much() and self._make_room():
                pass  # of what waits, the oldest goes

    def _enqueue(self, seat: Seat, subject: Subject, kept: Kept) -> None:
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
            kept.left += 1
            seat.waiting.append(Task(subject, kept))

    def _job(self, seat: Seat, task: Task) -> Job:
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

    def _finish(self, seat: Seat, task: Task, score: Score, seconds: float) -> None:
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
            self._done_with(task.kept)
            if waiting:
                self._crew.rouse()

    def _keep(self, seat: Seat, *, now: bool = False) -> None:
        if self._keeping is not None:
            fenced("evaluator.state", self._keeping.save, seat.made, now=now)

    def _tell(self, seat: Seat, score: Score) -> None:
        fenced("bench.told", self._told, score, seat.made)

    def _done_with(self, kept: Kept | None) -> None:
        with self._lock:
            if kept is None:
                self._running -= 1
            else:
                kept.left -= 1
                if kept.left == 0:
                    self._kept -= 1
                    self._bytes -= kept.weight
            if self._kept == 0 and self._running == 0:
                self._still.set()

    def _nap(self) -> float | None:
        return self._gathering.next_over

    def _drop(self, level: Level, reason: str, calls: int) -> None:
        for seat in self.seats:
            if seat.made.level == level:
                seat.drop(reason, calls)

    # -- from outside ----------------------------------------------------------------------------

    def start(self) -> None:
        """Have a thread at hand."""
        self._crew.start()

    def end(self, session: str) -> None:
        """Say that a session is over: it is judged now."""
        if "session" in self._gathering.levels:
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
            target=fenced,
            args=("bench.close", self._close_all),
            name="clearspan-assess-close",
            daemon=True,
        )
        apart = started(
            closing
        )  # at the end of a program there may be no other thread than the crew's
        if apart:
            closing.join(max(0.0, deadline - time.monotonic()))
        self._crew.close(max(0.0, deadline - time.monotonic()), None if apart else self._close_all)
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
            if self._gathering.levels and self._sweep is None:
                self._running += 1
                self._still.clear()
            if self._gathering.levels:
                self._sweep = asked
        self._crew.rouse()
        return self._still.wait(timeout)

    def renew(self) -> None:
        """In a forked child: what waited and was gathered is the parent's."""
        self._clear()
        for seat in self.seats:
            seat.renew()
        self._gathering.forget()

    def status(self) -> tuple[EvaluatorStatus, ...]:
        """How each evaluator has fared."""
        return tuple(seat.status() for seat in self.seats)
