"""Takes what lies in the box to its receivers, on a thread of its own."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from clearspan.core import deadline
from clearspan.core.fence import fenced
from clearspan.core.processes import PerProcess
from clearspan.core.rarely import Rarely
from clearspan.core.sqlite.errors import Unusable
from clearspan.core.worker import Worker
from clearspan.exporters.otlp.sending import Sent
from clearspan.exporters.otlp.spool.allowance import Allowance
from clearspan.exporters.otlp.spool.box import Backlog, Box, Parcel
from clearspan.exporters.otlp.spool.halves import halves, joined
from clearspan.exporters.otlp.spool.route import Route
from clearspan.exporters.otlp.spool.tables import Gone

__all__ = ["Carrier"]

_EVERY: Final = 1.0
_LOOK_AROUND: Final = 5.0
_LONG, _SELDOM = 0.005, 50
"""Seconds that a count may take to be made after each round; one that takes longer waits so many times as long."""
_log = logging.getLogger("clearspan")


@dataclass(slots=True)
class _State:
    """What one process knows. A forked child knows nothing: what waits is its parent's to tell of."""

    prefix: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    """With what the keys of all requests of this process begin."""
    spans: dict[str, int] = field(default_factory=dict[str, int])
    """How many spans each request stands for that waits."""
    others: dict[str, int] = field(default_factory=dict[str, int])
    """The same of those that hold no spans, but events or metric points."""
    coming: set[str] = field(default_factory=set[str])
    """Those that are not on the disk yet, as far as is known."""
    finished: dict[str, Parcel] = field(default_factory=dict[str, Parcel])
    """What was delivered or given up, and could not be deleted yet: the disk was full."""
    partly: dict[str, Parcel] = field(default_factory=dict[str, Parcel])
    """What has not arrived of requests that did in part, and could not be written down yet: the disk was full."""
    missing: set[str] = field(default_factory=set[str])
    """What was not found where it should be, the last time."""
    counts: Counter[str] = field(default_factory=Counter[str])
    """Items by what became of them; requests, where that is said."""
    # Reentrant: a signal's handler may ask how things stand while they are written down.
    lock: threading.RLock = field(default_factory=threading.RLock)
    backlog: Backlog | None = None
    count_at: float = 0.0
    look_at: float = 0.0
    checked: bool = False
    idle: bool = False
    away: bool = False
    """Whether this process cannot send: it was forked amid a call of gRPC."""

    def of(self, signal: str) -> dict[str, int]:
        """What waits of a signal."""
        return self.spans if signal == "traces" else self.others

    def forget(self, key: str) -> tuple[int, int]:
        """One waits no more; answers how many spans and how many others of ours it stood for: none where it was not."""
        return self.spans.pop(key, 0), self.others.pop(key, 0)


class Carrier:
    """The courier of a box: accepts requests, delivers them in turn, and tells what became of their spans."""

    def __init__(
        self, box: Box, routes: Mapping[str, Route], *, bandwidth: int | None, metrics_first: bool
    ) -> None:
        self.box = box
        self.routes = routes
        self._metrics_first = metrics_first
        self._allowance = Allowance(bandwidth)
        self._state = PerProcess(_State)
        self._until: float | None = None
        self._started = False
        self._settle: Callable[[str, int], None] = _nobody
        self._drop: Callable[[str, int], None] = _nobody
        self._setup: Callable[[], object] = _nothing
        self._said = Rarely()
        self._told_away = False
        self.worker: Worker[str] = Worker(
            "clearspan-spool", self._on_demand, max_items=1_024, max_bytes=1_024, linger=0.0,
            setup=self._begin, tick=self._on_time, every=_EVERY, teardown=self._end,
        )  # fmt: skip

    def start(
        self,
        settle: Callable[[str, int], None],
        drop: Callable[[str, int], None],
        setup: Callable[[], object],
    ) -> None:
        """Begin to deliver, what others have left too."""
        self._settle, self._drop, self._setup, self._started = settle, drop, setup, True
        self.worker.start()
        self.worker.offer("first")

    def accept(self, signal: str, items: int, body: bytes) -> None:
        """Keep a request until it has arrived. It is on the disk when this returns.

        Raises:
            Unusable: it cannot be kept.
        """
        state = self._state()
        key = state.prefix + uuid.uuid4().hex[len(state.prefix) :]
        waiting, kept = state.of(signal), False
        state.coming.add(key)
        waiting[key] = items
        try:
            gone = self.box.put(key, self.routes[signal].receiver, signal, items, body)
            kept = True
        finally:
            if not kept:
                waiting.pop(key, None)
            state.coming.discard(key)
        self._lose("full", gone)
        self.worker.offer("more")

    def sent(self, signal: str, items: int, sent: Sent) -> None:
        """Tell of a request that arrived without having been kept."""
        self._arrived(items, sent.rejected, spans=signal == "traces")

    def counts(self) -> Mapping[str, int]:
        """Items by what became of them in this process; requests, where that is said."""
        state = self._state()
        with state.lock:
            return dict(state.counts)

    def backlog(self) -> Backlog | None:
        """What waits, of all processes, as it was after the last round; `None` before the first."""
        return self._state().backlog

    def mark(self) -> threading.Event | None:
        """Ask for a round now; the event tells when it is over."""
        self.worker.offer("flush")
        return self.worker.mark()

    def close(self, timeout: float) -> bool:
        """Deliver what can be within `timeout` seconds. What cannot stays, for whoever starts next.

        `False` where the thread had not ended by then: it is at a request still, or at the file. One that was never
        started gives back what it holds, and delivers nothing.
        """
        self._until = time.monotonic() + timeout
        if self._started:
            self.worker.offer("last")
        return self.worker.close(timeout)

    def _begin(self) -> None:
        self._setup()

    def _end(self) -> None:
        for route in self.routes.values():
            route.sender.close()
        with contextlib.suppress(Unusable):
            self.box.leave()
        self.box.database.close()

    def _on_demand(self, batch: list[str]) -> None:
        del batch
        self._round()

    def _on_time(self) -> None:
        state = self._state()
        if not state.idle or time.monotonic() >= state.look_at:
            self._round()

    def _round(self) -> None:
        """Deliver until nothing is left, or nothing more can be for now."""
        try:
            while self._next():
                pass
            self._count_up()
        except Unusable as error:
            if self._said.due("spool"):
                _log.warning("clearspan: the spool %s", error)

    def _count_up(self) -> None:
        """See how much waits, which takes the longer the more there is."""
        state, began = self._state(), time.monotonic()
        if began >= state.count_at:
            state.backlog = self.box.backlog()
            took = time.monotonic() - began
            state.count_at = began + took * _SELDOM if took > _LONG else 0.0

    def _over(self) -> bool:
        return deadline.passed() or (self._until is not None and time.monotonic() >= self._until)

    def _next(self) -> bool:
        """Deal with one request; whether it is worth going on."""
        state, now = self._state(), time.monotonic()
        if self._over():
            return False
        if now >= state.look_at:
            self._look_around(state)
        ways = {signal: route.receiver for signal, route in self.routes.items() if route.closed_until <= now}  # fmt: skip
        state.idle = False
        if not ways or state.away or self._allowance.wait() > 0:
            return False
        for finished in list(state.finished.values()):
            self._finish(finished)
        for rest in list(state.partly.values()):
            self._note(rest)
        parcel = self.box.next(
            ways, metrics_first=self._metrics_first, past=state.finished.values(),
            without=[number for signal in ways for number in self.routes[signal].passed(now)],
        )  # fmt: skip
        if parcel is None:
            state.idle = len(ways) == len(self.routes) and not any(route.stuck for route in self.routes.values())  # fmt: skip
            sought = [self.routes[signal].nobody() for signal in ways]
            return any(sought)
        parcel = state.partly.get(parcel.key, parcel)
        if parcel.body is None:
            self._lose("damaged", [Gone(parcel.key, parcel.items)])
            self._finish(parcel)
        else:
            self._carry(parcel, parcel.body)
        return True

    def _carry(self, parcel: Parcel, body: bytes) -> None:
        """Send it; in parts, as long as it is found too large. Where one is to wait, what has arrived does not come again."""
        parts = [(body, parcel.items)]
        done = rejected = 0
        while parts and not self._over():
            part, items = parts.pop()
            sent = self._send(parcel, part)
            if sent.again is not None:
                parts.append((part, items))
                break
            smaller = fenced("spool.halves", halves, parcel.signal, part) if sent.too_large else []
            if smaller:
                parts += reversed(smaller)
                continue
            done += items
            rejected += min(sent.rejected, items) if sent.arrived else items
            if not sent.arrived and self._said.due(parcel.signal):
                _log.warning("clearspan: the receiver refuses %s (%s): they are dropped", parcel.signal, sent.problem)  # fmt: skip
        if not parts:
            spans, _ = self._state().forget(parcel.key)
            self._arrived(parcel.items, rejected, spans=spans > 0)
            self._finish(parcel)
        elif done:
            self._leave(parcel, parts, done, rejected)

    def _leave(self, parcel: Parcel, parts: list[tuple[bytes, int]], done: int, rejected: int) -> None:  # fmt: skip
        """Keep the parts of a request that have not arrived, in its place."""
        left = sum(items for _, items in parts)
        body = joined(part for part, _ in reversed(parts))
        self._note(parcel._replace(items=left, body=body))
        waiting = self._state().of(parcel.signal)
        ours = parcel.key in waiting
        if ours:
            waiting[parcel.key] = left
        self._arrived(done, rejected, spans=ours and parcel.signal == "traces")

    def _note(self, rest: Parcel) -> None:
        """Write down what of a request has not arrived. Where the disk is too full even for that, the rest is not sent again."""
        partly = self._state().partly
        partly[rest.key] = rest
        with contextlib.suppress(Unusable):
            self.box.replace(rest, rest.items, rest.body or b"")
            del partly[rest.key]

    def _send(self, parcel: Parcel, body: bytes) -> Sent:
        route = self.routes[parcel.signal]
        self._allowance.spend(len(body))
        failed = Sent(again=0.0, problem="failed", doubtful=True)
        sent = fenced("spool.send", route.sender.send, body) or failed
        route.tell(parcel.id, sent)
        if sent.arrived:
            self._told_away = False
        elif route.away and not self._told_away:
            self._told_away = True
            _log.warning("clearspan: for a minute or more no %s have reached their receiver (%s): they wait in the spool",
                         parcel.signal, sent.problem)  # fmt: skip
        if sent.elsewhere:
            self._state().away = True
            self.box.give_away()
        return sent

    def _arrived(self, items: int, rejected: int, *, spans: bool) -> None:
        rejected = max(0, min(rejected, items))
        self._count("delivered", items - rejected)
        self._count("refused", rejected)
        if spans and rejected < items:
            self._settle("exported", items - rejected)
        if spans and rejected:
            self._drop("refused", rejected)

    def _finish(self, parcel: Parcel) -> None:
        """Delete one whose fate is told. Where the disk is too full even for that, it is not sent again."""
        state = self._state()
        finished = state.finished
        finished[parcel.key] = parcel._replace(body=None)
        state.partly.pop(parcel.key, None)
        with contextlib.suppress(Unusable):
            self.box.done(parcel.key)
            del finished[parcel.key]

    def _look_around(self, state: _State) -> None:
        """Take over from the dead, let go what is too old, see that what we keep is still there."""
        state.look_at = time.monotonic() + _LOOK_AROUND
        if not state.checked:
            self.box.check()
            state.checked = True
        found = self.box.salvage()
        self._count("requests recovered", found.recovered)
        self._count("requests unreadable", found.damaged)
        self._count("files given up", found.given_up)
        self._lose("full", found.gone)
        if not state.away:
            ways = {signal: route.receiver for signal, route in self.routes.items()}
            self._count("requests taken over", self.box.take_over(ways))
        self._lose("expired", self.box.expire())
        self._miss(state)
        for route in self.routes.values():
            route.tidy(time.monotonic())

    def _miss(self, state: _State) -> None:
        """Let go what was twice not there: what was read anew from a broken file may follow."""
        coming = set(
            state.coming
        )  # before the others: one that is on the disk by now is found there
        known = len(state.spans) + len(state.others) - len(coming)
        missing: set[str] = set()
        # Counting is quick. Names are compared where some are gone, or another has them now.
        if known > 0 and self.box.count(state.prefix) < known:
            missing = {*list(state.spans), *list(state.others)} - set(state.coming) - coming
            missing -= self.box.ours()
        twice = missing & state.missing
        lost = [
            key for waiting in (state.spans, state.others) for key in list(waiting) if key in twice
        ]
        state.missing = missing
        if lost:
            self._tell(lost)

    def _tell(self, lost: list[str]) -> None:
        """What others have done with requests of ours. They tell of how many, not of which: spans are taken first."""
        fate, state = self.box.fate(), self._state()
        found = [Gone(key, state.spans.get(key) or state.others.get(key, 0)) for key in lost]
        full, expired = fate.full, fate.full + fate.expired
        self._lose("full", found[:full])
        self._lose("expired", found[full:expired])
        self._lose("handed_over" if fate.handed_over else "lost", found[expired:])

    def _lose(self, how: str, gone: Iterable[Gone]) -> None:
        """Tell of requests that went before they arrived: of others' apart, whose process may tell of them as well."""
        state, what = self._state(), how.replace("_", " ")
        for key, items in gone:
            spans, others = state.forget(key)
            if spans or others:
                self._count(what, spans or others)
            elif key not in state.finished:  # of which everything is told already
                self._count(f"{what} of others", items)
            if spans:
                self._drop(f"spool_{how}", spans)

    def _count(self, what: str, items: int) -> None:
        if items:
            state = self._state()
            with state.lock:
                state.counts[what] += items


def _nobody(what: str, spans: int) -> None:
    """Nobody keeps the books: these are not the spans' first destination."""


def _nothing() -> None:
    """Nothing is to be done first."""
