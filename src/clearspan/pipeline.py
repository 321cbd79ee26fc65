"""Pipeline: what happens to a Draft between its opening and the record's emission.

`complete(draft)` runs in one of two places: on our worker where the pipeline is ours, or inline
where the application's own providers are used, so that its processors see what they would see.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from clearspan.core.dropped import unheld
from clearspan.core.fence import caught, fenced, ours
from clearspan.core.going_on import GoingOn
from clearspan.core.ledger import Ledger
from clearspan.core.loading import load
from clearspan.core.pieces import LONGEST
from clearspan.core.worker import Worker
from clearspan.draft import Draft
from clearspan.emit.telemetry import Telemetry
from clearspan.formats.bulk import batches, lighten, most, sampled, weight
from clearspan.formats.reading import read_chunks, take_in
from clearspan.policy import Policy
from clearspan.record import Invocation, Outcome, TraceRef
from clearspan.response import hint
from clearspan.stages import Chunks, Due, Figure, Over, Read, Told, Watch, Work

if TYPE_CHECKING:
    from clearspan.assess.handover import Assess
    from clearspan.assess.seat import EvaluatorStatus
    from clearspan.score import Score

__all__ = ["Pipeline"]

# More of each text is kept than the policy looks at, so that what is cut here it knows to be cut.
_BEYOND = 16_384


class _Policy(Policy, Protocol):
    @property
    def limit(self) -> int: ...

    @property
    def wanted(self) -> bool: ...

    @property
    def slow(self) -> bool: ...

    def close(self) -> None: ...


class Pipeline:
    """Joins capture to emission. Fulfils the `Inlet` that capture speaks to."""

    def __init__(
        self,
        telemetry: Telemetry,
        policy: _Policy,
        ledger: Ledger,
        *,
        worker: Callable[[Callable[[list[Work]], None]], Worker[Work]] | None = None,
        inline: bool = False,
        consumers: Sequence[Callable[[Invocation], None]] = (),
        figures: Sequence[Figure] = (),
        watch: Watch | None = None,
        keeps: bool = False,
        wants: frozenset[str] = frozenset(),
        handed_over: bool = False,
        assess: Assess | None = None,
        tell: Callable[[Score, bool], None] | None = None,
    ) -> None:
        self._telemetry = telemetry
        self._policy = policy
        self._wanted = policy.wanted
        self._ledger = ledger
        self._consumers = tuple(consumers)
        self._figures = tuple(figures)
        self._slow = [(each, each.slow) for each in self._figures if each.slow is not None]
        self._watch = watch
        self._keeps = keeps
        self._wants = wants
        self._longest = max(LONGEST, policy.limit + _BEYOND)
        self._inline = inline or worker is None
        self._handed_over = handed_over
        self._assess = assess
        self._tell = tell
        self._open: GoingOn[Draft] = GoingOn(self._lose)
        self._unjudged: dict[int, Draft] = {}
        self._worker = worker(self._handle) if worker is not None else None
        telemetry.watch(self.calls)
        self.attach = telemetry.attach
        self.detach = telemetry.detach

    @property
    def worker(self) -> Worker[Work] | None:
        """The worker that completes, or does what takes long where completion is inline."""
        return self._worker

    def complete_all(self, timeout: float) -> bool:
        """Complete everything so far; `False` after `timeout` seconds."""
        done = self._worker is None or self._worker.flush(timeout)
        fenced("pipeline.settle", self._telemetry.settle)
        return done

    def judge_all(self, timeout: float) -> bool:
        """Have everything that is complete judged; `False` after `timeout` seconds."""
        return self._assess is None or self._assess.flush(timeout)

    def flush(self, timeout: float) -> bool:
        """Both, one after the other."""
        deadline = time.monotonic() + timeout
        done = self.complete_all(timeout)
        return self.judge_all(max(0.0, deadline - time.monotonic())) and done

    def stop(self, timeout: float) -> bool:
        """The same, once and for all."""
        deadline = time.monotonic() + timeout
        done = self._worker is None or self._worker.close(timeout)
        fenced("pipeline.settle", self._telemetry.settle)
        fenced("pipeline.policy", self._policy.close)
        left = max(0.0, deadline - time.monotonic())
        return (self._assess is None or self._assess.close(left)) and done

    def judges(self) -> tuple[EvaluatorStatus, ...]:
        """How each evaluator has fared."""
        return () if self._assess is None else self._assess.status()

    def end_session(self, session: str) -> None:
        """Have a session judged now, as one that is over."""
        if self._assess is None:
            return
        if self._worker is None or not self._worker.offer(Over(self._assess, session)):
            self._assess.end(session)

    @property
    def open_calls(self) -> int:
        """Operations that have begun and not ended."""
        return len(self._open)

    def calls(self) -> list[Draft]:
        """Those operations, as they are at this moment."""
        return list(self._open.values())

    def unjudged(self) -> list[Draft]:
        """Those, and those that have ended and were not handed on to be judged yet."""
        return list(self._unjudged.values())

    @property
    def telemetry(self) -> Telemetry:
        """The emitting end."""
        return self._telemetry

    def open(self, draft: Draft) -> bool:
        """Begin an operation; `False` when the current context asks for silence."""
        around = self._telemetry.around()
        if around is None:
            return False
        draft.content = self._wanted or (self._assess is not None and self._assess.raw)
        draft.start_ns = time.time_ns()
        draft.started_at = time.perf_counter()
        draft.wants, draft.longest = self._wants, self._longest
        if around:
            draft.received = fenced("telemetry.received", self._telemetry.received, around)
        self._telemetry.open(draft, around)
        draft.keeps = draft.content or (self._keeps and draft.recording)
        self._ledger.create()
        self._unjudged[id(draft)] = draft
        if self._open.begin(id(draft), draft):
            fenced("pipeline.trim", self._open.trim)
        if self._watch is not None:
            fenced("watch.begin", self._watch.begin, draft)
        return True

    def tell(self, score: Score, *, plain: bool = False) -> None:
        """Somebody has judged a call."""
        if self._tell is None:
            return
        if self._policy.slow and self._worker is not None:
            if not self._worker.offer(Told(self._tell, score, plain)):
                caught("pipeline.tell", BufferError("no room"))
            return
        fenced("pipeline.tell", self._tell, score, plain)

    def here(self) -> TraceRef | None:
        """The ids of the current span, whoever started it."""
        return self._telemetry.current()

    def propagate(self, items: Mapping[str, str]) -> Callable[[], None]:
        """Send `items` along to other processes until the answer is called."""
        return self._telemetry.propagate(items)

    def join(self, headers: Mapping[str, str]) -> Callable[[], None] | None:
        """Go on with the trace of a request from elsewhere, where none is going on; answers the undo."""
        return self._telemetry.join(headers)

    def renew(self) -> None:
        """In a forked child: operations that were open in the parent end there."""
        self._open.clear()
        self._unjudged.clear()
        self._telemetry.renew()
        for each in (self._watch, self._assess):
            if each is not None:
                each.renew()

    def joined(self, inner: Draft) -> None:
        """A call inside an open operation has begun."""
        inner.longest = self._longest
        if self._watch is not None:
            self._watch.begin(inner)

    def parted(self, inner: Draft) -> None:
        """It is over. What it is part of may go on for long: until then no chunk of it is kept alive."""
        if self._watch is not None:
            self._watch.end(inner)
        if inner.tape:
            self.chunks(inner, over=True)

    def chunks(self, draft: Draft, *, over: bool = False) -> int:
        """Take the chunks that are waiting, so that none is kept alive for the whole stream.

        Until it is over small ones stay for a while: handing many on takes no longer than handing on a few.
        """
        waiting = draft.unread
        largest = sampled(draft, waiting.items)
        wanted = most(largest, len(self._open))
        more = wanted - len(waiting)
        if more > 0 and not over:
            return more
        if draft.hint is None:
            draft.hint = fenced("reader.hint", hint, waiting)
        draft.shared()
        strip = waiting.take()
        if self._worker is None or self._inline:
            read_chunks(draft, strip)
            return wanted
        for some, size in batches(draft, strip, largest):
            if not self._worker.offer(Chunks(draft, some), size):
                draft.lost += len(some.items)
                draft.pace.missed += len(some.items)
        return wanted

    def close(self, draft: Draft) -> None:
        """The operation is over, its end time taken; complete it here or on the worker.

        Only the first end counts, and in a forked child none of what the parent has open.
        """
        if self._open.pop(id(draft), None) is None:
            return
        if fenced("pipeline.close", self._take, draft) is not True:
            self._lose(draft, "internal_error")

    def _take(self, draft: Draft) -> bool:
        """Have it completed; answers whether the books tell of it, now or then."""
        if self._watch is not None:
            fenced("watch.end", self._watch.end, draft)
        if self._worker is None or (self._inline and not unheld()):
            return self._complete_here(draft)
        if self._worker.offer(draft, weight(draft)):
            return True
        # No room: without its content the record is small, and the numbers are worth more.
        for each in (draft, draft.inner):
            if each is not None:
                if each.tape:  # some of these may find room without the rest
                    self.chunks(each, over=True)
                fenced("pipeline.lighten", lighten, each)
        draft.lost += 1
        if not self._worker.offer(draft, 0):
            self._lose(draft, "queue_full")
        return True

    def _lose(self, draft: Draft, reason: str) -> None:
        """Nothing will be told of it: nobody waits for it any more, and the books say why."""
        self._unjudged.pop(id(draft), None)
        self._ledger.drop(reason)

    def end_open(self) -> None:
        """End what is still open, as at shutdown: nobody is going to."""
        for draft in self.calls():
            fenced("pipeline.end_open", self._end, draft)

    def _end(self, draft: Draft) -> None:
        draft.outcome = draft.outcome or Outcome.ABANDONED
        draft.end_ns = draft.start_ns + int((time.perf_counter() - draft.started_at) * 1e9)
        self.close(draft)

    def _handle(self, batch: list[Work]) -> None:
        waiting = iter(batch)
        try:
            for item in waiting:
                try:
                    ours("pipeline.work_on", self._work_on, item)
                finally:
                    fenced("pipeline.see_settled", self._see_settled, item)
        finally:
            for item in waiting:  # who did the work has been stopped
                fenced("pipeline.see_settled", self._see_settled, item)
            if self._telemetry.due:
                fenced("pipeline.settle", self._telemetry.settle)

    def _work_on(self, item: Work) -> None:
        if isinstance(item, Chunks):
            fenced("pipeline.chunks", read_chunks, item.draft, item.strip)
        elif isinstance(item, Over):
            fenced("pipeline.end_session", item.assess.end, item.session)
        elif isinstance(item, Told):
            fenced("pipeline.tell", item.tell, item.score, item.plain)
        elif isinstance(item, Due):
            fenced("pipeline.settle", item.settle)
        elif isinstance(item, Read):
            fenced("pipeline.complete", self._finish, item.draft, at_once=True)
        else:
            fenced("pipeline.complete", self.complete, item)

    def _see_settled(self, item: Work) -> None:
        """Book what nothing was told of: whatever that had to do with, nobody comes back to it."""
        draft = item.draft if isinstance(item, Read) else item
        if isinstance(draft, Draft) and id(draft) in self._unjudged:
            self._lose(draft, "internal_error")

    def _complete_here(self, draft: Draft) -> bool:
        """Complete on the caller's thread, except where numbers are due that would keep it waiting."""
        fenced("pipeline.read", take_in, draft)
        slow = [one for one, late in self._slow if fenced(f"figure.{one.name}", late, draft)]
        waits = self._worker is not None and (slow or self._policy.slow)
        if waits and self._worker is not None and self._worker.offer(Read(draft), weight(draft)):
            return True
        if waits and self._policy.slow:  # no room: what is not cleaned is told nobody
            self._lose(draft, "queue_full")
            return True
        done = self._finish(draft, without=slow)  # no room: what would take long stays absent
        if self._telemetry.crowded:
            due = Due(self._telemetry.settle)
            if self._worker is None or not self._worker.offer(due):
                fenced("pipeline.settle", due.settle)  # nobody else is going to
        return done

    def complete(self, draft: Draft) -> bool:
        """Read, seal, emit, on a thread of ours. Runs once for each draft; answers whether the books tell of it."""
        fenced("pipeline.read", take_in, draft)
        return self._finish(draft, at_once=True)

    def _finish(
        self, draft: Draft, without: Sequence[Figure] = (), *, at_once: bool = False
    ) -> bool:
        """Make the record and hand it on; only then is nobody waiting for the call any more."""
        record = fenced("pipeline.emit", self._emit, draft, without, at_once=at_once)
        if type(record) is not Invocation:
            return False
        try:
            ours("pipeline.hand_on", self._hand_on, draft, record)
        finally:
            self._unjudged.pop(id(draft), None)
            draft.call = draft.result = draft.hint = draft.inner = draft.span = None
        return True

    def _emit(self, draft: Draft, without: Sequence[Figure], *, at_once: bool) -> Invocation | None:
        """Work out the numbers, seal, emit; `None` where the books do not tell of it."""
        for figure in self._figures:
            if figure not in without:
                fenced(f"figure.{figure.name}", figure.work_out, draft)
        record = fenced("pipeline.seal", draft.seal, self._policy)
        if type(record) is not Invocation:
            return None
        trace = record.trace
        unsampled = trace is not None and trace.valid and trace.sampled is not True
        ended = fenced("pipeline.emit", self._telemetry.close, record, draft.span, at_once=at_once)
        if type(ended) is not bool:
            self._ledger.drop("internal_error")
        elif unsampled:
            self._ledger.drop("unsampled")
        elif not ended:
            self._ledger.drop("not_recorded")
        elif self._handed_over:
            self._ledger.settle("exported")
        return record

    def _hand_on(self, draft: Draft, record: Invocation) -> None:
        for consumer in self._consumers:
            fenced("pipeline.consumer", consumer, record)
        if self._assess is not None and (record.trace is None or record.trace.sampled):
            fenced("pipeline.assess", self._judge, self._assess, draft, record)

    def _judge(self, assess: Assess, draft: Draft, record: Invocation) -> None:
        handover: Any = load("clearspan.assess.handover")  # what most programs do without
        assess.take(record, handover.as_it_was(draft, record) if assess.raw else None)
