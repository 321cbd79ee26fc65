"""Judge: the one client behind all evaluators that ask a language model."""

from __future__ import annotations

import dataclasses
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from clearspan.assess.breaker import Breaker
from clearspan.assess.judge import address, prompt
from clearspan.assess.judge.budget import Budget
from clearspan.assess.judge.cache import Cache
from clearspan.assess.judge.dialect import OLLAMA
from clearspan.assess.judge.endpoint import Endpoint
from clearspan.assess.judge.failure import JudgeFailure, Unjudged
from clearspan.assess.judge.function import Function
from clearspan.assess.judge.parsing import read
from clearspan.assess.judge.reply import Knobs, Reply
from clearspan.assess.judge.schema import Shape
from clearspan.assess.judge.silence import judging, quiet
from clearspan.assess.judge.tally import Tally
from clearspan.assess.judge.weighting import within
from clearspan.core.fence import fenced
from clearspan.record import Usage

__all__ = ["Answered", "Judge", "Price", "Where", "price_by"]

Price: TypeAlias = "tuple[float, float] | Callable[[str, Usage], float | None]"
"""USD for a million tokens in and out; or who says the USD of a model's call, `None` when unknown."""

Where: TypeAlias = "str | Callable[..., Any]"
"""A server, as `address.read` takes it, or a callable `(messages, schema) -> dict | str`, sync or async."""

_log = logging.getLogger("clearspan")
_RETRIED = (429, 500, 502, 503, 504)
_LONGEST_PAUSE = 5.0
_OLLAMA_LIMIT, _LIMIT = 9_000, 60_000  # of characters; Ollama cuts off at 4096 tokens on its own
_published: list[Callable[[str, Usage], float | None]] = []


class _Asked(Protocol):
    """What answers: a server or a callable."""

    model: str

    @property
    def refused(self) -> frozenset[str]: ...

    def ask(
        self, messages: prompt.Messages, shape: Shape, knobs: Knobs, timeout: float
    ) -> Reply: ...


Answered: TypeAlias = "tuple[dict[str, Any], Reply]"
"""The fields of a verdict, and the reply that it was read from, with the verdict's tokens only."""


def price_by(published: Callable[[str, Usage], float | None] | None) -> None:
    """Who knows the prices of models where a judge was given none; `None` for nobody."""
    _published[:] = [] if published is None else [published]


class Judge:
    """A language model that is asked for verdicts: an OpenAI-compatible or Ollama server, or a callable.

    `where` is `http://host:port/v1` (`#model` may follow), `ollama:model`, `ollama:host:port#model`, or a callable
    `(messages, schema) -> dict | str`. Requests are plain HTTP; `timeout` is in seconds, for each.

    `temperature`, `seed`, `max_tokens` and `top_logprobs` are sent unless they are `None` or 0, and left out from
    then on where the server refuses them; `extra` are further fields of each request. Of what is judged, at most
    `limit` characters are sent. `price` gives the cost: USD for a million tokens in and out, or a callable.

    `calls_per_minute`, `usd_per_day`, `tokens_per_day`, `concurrency` and `patience` are as in `Budget`;
    `cache` verdicts are kept. A server that fails five times in a row is left alone for half a minute, and longer
    every time. One judge may serve any number of evaluators and threads; over its limits, calls are skipped.

    Raises `ValueError` for an option that cannot be; asking never harms, it ends in a score that says why.
    """

    def __init__(
        self,
        where: Where,
        *,
        model: str | None = None,
        api_key: str | None = None,
        timeout: float = 60.0,
        temperature: float | None = 0.0,
        seed: int | None = 0,
        max_tokens: int | None = None,
        top_logprobs: int = 5,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        limit: int | None = None,
        price: Price | None = None,
        calls_per_minute: float | None = None,
        usd_per_day: float | None = None,
        tokens_per_day: int | None = None,
        concurrency: int = 4,
        patience: float = 0.0,
        cache: int = 1_000,
    ) -> None:
        if not timeout > 0:
            raise ValueError(f"clearspan: a judge's timeout must be more than 0 seconds, not {timeout!r}")  # fmt: skip
        if limit is not None and limit < 200:
            raise ValueError(f"clearspan: a judge's limit must be 200 characters or more, not {limit!r}")  # fmt: skip
        _check(price, cache)
        self._asked, usual = _seated(where, model, api_key, headers, extra)
        self.model = self._asked.model
        self.timeout = timeout
        self.limit = limit or usual
        self.knobs = Knobs(temperature, seed, max_tokens, top_logprobs)
        self.cache = Cache(cache)
        self._price = price
        self._unpriced = usd_per_day is not None
        self.budget = Budget(
            calls_per_minute=calls_per_minute, usd_per_day=usd_per_day, tokens_per_day=tokens_per_day,
            concurrency=concurrency, patience=patience,
        )  # fmt: skip
        self._breaker = Breaker()
        self._lock = threading.Lock()
        self._not_before = 0.0
        _judges.add(self)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Judge | None:
        """The judge that `CLEARSPAN_JUDGE` names, with `CLEARSPAN_JUDGE_API_KEY`; `None` without.

        Raises `ValueError` where it names none.
        """
        environ = os.environ if environ is None else environ
        where = environ.get(address.VARIABLE)
        return cls(where, api_key=environ.get(address.KEY)) if where else None

    def renew(self) -> None:
        """In a forked child: nothing waits for what the parent's threads held."""
        self._lock = threading.Lock()
        self.budget.renew()
        self.cache.renew()

    @property
    def refused(self) -> frozenset[str]:
        """What its server turned out not to take."""
        return self._asked.refused

    def ask(
        self, messages: prompt.Messages, shape: Shape, tally: Tally, knobs: Knobs | None = None
    ) -> Answered:
        """A verdict of that shape; one that cannot be read is asked for once more.

        What it took is added to `tally`. Raises `JudgeFailure`, or `Unjudged` where it may not be asked.
        """
        if judging():
            raise Unjudged("recursion")  # a judge that is judged would never come to an end
        material = messages[-1]["content"]
        reply = self._call(messages, shape, tally, knobs or self.knobs)
        try:
            return _answered(reply, shape, material)
        except JudgeFailure as failure:
            again = prompt.repair(messages, reply.content, str(failure), shape.json())
        tally.repaired += 1
        reply = self._call(again, shape, tally, knobs or self.knobs)
        return _answered(reply, shape, material)

    def _call(self, messages: prompt.Messages, shape: Shape, tally: Tally, knobs: Knobs) -> Reply:
        pause = self._attempt(messages, shape, tally, knobs, last=False)
        if isinstance(pause, Reply):
            return pause
        time.sleep(pause)
        answered = self._attempt(messages, shape, tally, knobs, last=True)
        assert isinstance(answered, Reply)  # noqa: S101 -- the last attempt answers or raises
        return answered

    def _attempt(
        self, messages: prompt.Messages, shape: Shape, tally: Tally, knobs: Knobs, *, last: bool
    ) -> Reply | float:
        """The reply; or, where it is worth it and not the last time, the seconds until another attempt."""
        with self.budget.turn(self.timeout):
            self._admit()
            try:
                with quiet():
                    reply = self._asked.ask(messages, shape, knobs, self.timeout)
            except JudgeFailure as failure:
                pause = _pause(failure)
                if pause is not None and not last:
                    return pause
                self._note(failure)
                raise
            self._breaker.succeeded()
        self._account(messages, reply, tally)
        return reply

    def _admit(self) -> None:
        with self._lock:
            if time.monotonic() < self._not_before or not self._breaker.admits():
                raise Unjudged("judge_unavailable")

    def _note(self, failure: JudgeFailure) -> None:
        with self._lock:
            if failure.worn:
                self._breaker.failed()
            if failure.retry_after is not None:
                self._not_before = max(self._not_before, time.monotonic() + failure.retry_after)

    def _account(self, messages: prompt.Messages, reply: Reply, tally: Tally) -> None:
        cost = self._cost(reply)
        if self._unpriced and cost is None:
            self._unpriced = False
            _log.warning("clearspan: nobody knows what judge %s costs: usd_per_day cannot hold; say price=(input, output)", self.model)  # fmt: skip
        tally.add(reply, cost)
        # a cap of tokens must hold where nobody counts them: about four characters make one
        asked = sum(len(message["content"]) for message in messages) // 4
        said = len(str(reply.content)) // 4
        taken = (asked if reply.input is None else reply.input) + (
            said if reply.output is None else reply.output
        )
        self.budget.spend(cost, taken)

    def _cost(self, reply: Reply) -> float | None:
        if reply.cost is not None:
            return reply.cost
        if reply.input is None or reply.output is None:
            return None
        if isinstance(self._price, tuple):
            return (reply.input * self._price[0] + reply.output * self._price[1]) / 1e6
        price = self._price or next(iter(_published), None)
        usage = Usage(input=reply.input, output=reply.output)
        model = reply.model or self.model
        return fenced("judge.price", price, model, usage) if price is not None else None


def _answered(reply: Reply, shape: Shape, material: str) -> Answered:
    """What is said of other tokens than those of the verdict itself says nothing about it."""
    fields, written = read(reply.content, shape, material)
    return fields, dataclasses.replace(reply, tokens=within(reply.tokens, written))


def _pause(failure: JudgeFailure) -> float | None:
    """How long to wait before another attempt; `None` where none is worth it."""
    if failure.status not in _RETRIED:
        return None
    wait = 0.5 if failure.retry_after is None else failure.retry_after
    return wait if wait <= _LONGEST_PAUSE else None


def _check(price: Any, cache: int) -> None:
    pair = isinstance(price, (tuple, list)) and len(price) == 2
    if price is not None and not pair and not callable(price):
        raise ValueError(f"clearspan: a judge's price must be USD for a million tokens (in, out), or a function, not {price!r}")  # fmt: skip
    if cache < 0:
        raise ValueError(f"clearspan: a judge's cache must be 0 answers or more, not {cache!r}")


def _seated(
    where: Where,
    model: str | None,
    api_key: str | None,
    headers: Mapping[str, str] | None,
    extra: Mapping[str, Any] | None,
) -> tuple[_Asked, int]:
    """Who answers, and how many characters it is sent where nobody says."""
    if callable(where):
        name = model or str(getattr(where, "__name__", type(where).__name__))
        return Function(where, name), _LIMIT
    given: Any = where
    if not isinstance(given, str):
        raise ValueError(f"clearspan: a judge must be an address or a callable, not {given!r}")  # noqa: TRY004 -- as every wrong option
    found = address.read(given)
    named = model or found.model
    if not named:
        raise ValueError(f"clearspan: judge {where!r}: say model=, or append #model")
    made = Endpoint(found.dialect, found.url, named, api_key=api_key, headers=headers, extra=extra)
    return made, _OLLAMA_LIMIT if found.dialect is OLLAMA else _LIMIT


_judges: weakref.WeakSet[Judge] = weakref.WeakSet()


def _renew() -> None:
    for judge in list(_judges):
        judge.renew()


if hasattr(os, "register_at_fork"):  # pragma: no branch -- absent on Windows only
    os.register_at_fork(after_in_child=_renew)
