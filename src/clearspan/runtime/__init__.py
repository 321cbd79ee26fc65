"""Runtime: builds and owns everything from Settings, starts it, flushes it, closes it."""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from clearspan.capture import inlet, wardens
from clearspan.core import fence, installed
from clearspan.core.fence import fenced
from clearspan.core.ledger import Ledger
from clearspan.pipeline import Pipeline
from clearspan.runtime import exits, forks, signals
from clearspan.runtime.assess import evaluators_of, judge_by
from clearspan.runtime.books import Books
from clearspan.runtime.build import (
    Providers,
    assemble,
    own_spans,
    statuses,
)
from clearspan.runtime.doubts import doubtful, strangers
from clearspan.runtime.ends import Deadline, Slot, end_session, exported
from clearspan.runtime.figures import Figures
from clearspan.runtime.flow import content_policy, make_pipeline, meter_of
from clearspan.runtime.guards import counted, named, warden_of
from clearspan.runtime.hardware import Hardware
from clearspan.runtime.identifiers import identifiers
from clearspan.runtime.libraries import Instrumentation, ProviderSet, name_of
from clearspan.runtime.sampling import sampler_of
from clearspan.runtime.state import OFF, Status
from clearspan.settings import Settings, load

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider
    from typing_extensions import Self

    from clearspan.assess.judge import Judge
    from clearspan.capture.patching import Patches
    from clearspan.emit.redact import Redactor
    from clearspan.provider import Provider
    from clearspan.runtime.libraries import Awaited

__all__ = [
    "Hardware", "Instrumentation", "ProviderSet", "Runtime", "end_session", "flush", "init", "instrument", "make_pipeline", "meter_of",
    "sampler_of", "shutdown", "stand_in", "status", "uninstrument", "warden_of",
]  # fmt: skip

_log = logging.getLogger("clearspan")
_EXIT_DEADLINE, _FLUSH_DEADLINE = 2.0, 5.0
_JUDGING, _CLOSING, _EXPORTING = 0.6, 0.25, 0.5


class Runtime:
    """One running clearspan. A context manager: shuts down at the block's end."""

    stands_in = False

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ledger = Ledger()
        self.running = False
        self._patches = ProviderSet()
        if settings.disabled:
            self._providers: Providers | None = None
            self.pipeline: Pipeline | None = None
            return
        # What may be wrong is looked at first: once something is built, it would have to be undone.
        self._chosen = self._patches.choose(settings.providers)
        content_policy(settings)
        evaluators = evaluators_of(settings)
        self._warden = warden_of(settings)
        judge_by(settings.judge)
        self._hardware = Hardware(settings)
        self._figures = Figures(settings, own=own_spans(settings))
        self._providers = assemble(settings, self.ledger)
        self.pipeline = make_pipeline(
            settings, self._providers, self.ledger,
            figures=self._figures, hardware=self._hardware, evaluators=evaluators,
        )  # fmt: skip
        self._books = Books(self.ledger, self.pipeline, self._providers)

    def start(self, *, deliver: bool = True) -> None:
        """Listen, and patch what is to be patched. One that does not `deliver` sends nothing, to its end."""
        if self.pipeline is None:
            _log.info("clearspan: disabled")
            return
        self.running = True
        if self._providers is not None:
            (self._providers.start if deliver else self._providers.hold)()
            self._hardware.start(meter_of(self._providers))
            self._books.show(meter_of(self._providers))
        inlet.use(self.pipeline)
        wardens.use(self._warden)
        self._patches.begin(self._chosen)
        _log.info(
            "clearspan: recording %s to %s, content %s",
            ", ".join(self._patches.names()) or "decorated code", self.destination, self.settings.content,
        )  # fmt: skip
        if self._warden is not None:
            _log.info("clearspan: guards change what is sent and answered: %s", named(self._warden))

    @property
    def patching(self) -> bool:
        """Whether it was to record any library."""
        return self.settings.providers != ()

    @property
    def destination(self) -> str:
        """Where telemetry goes, in words; no secrets."""
        return "nowhere" if self._providers is None else self._providers.label

    def instrument(self, *targets: Any) -> list[Patches | Awaited]:
        """Patch libraries by name or by a client object of theirs, or all; answers what was patched."""
        if self.pipeline is None:
            return []
        chosen = self._patches.choose([name_of(target) for target in targets] or None)
        for patches in chosen:
            self._patches.install(patches)
        return chosen

    def uninstrument(self, patches: Sequence[Patches | Awaited] | None = None) -> None:
        """Give every target the object that it was."""
        self._patches.remove(patches)

    def flush(self, timeout: float = _FLUSH_DEADLINE) -> bool:
        """Complete, export and judge everything so far; returns by `timeout` seconds whatever lies below."""
        if self.pipeline is None or self._providers is None:
            return True
        until = Deadline(timeout, _FLUSH_DEADLINE)
        done = fenced("flush.complete", self.pipeline.complete_all, until.left) is True
        # Calls are not kept from going out by whoever judges them; scores follow.
        done = fenced("flush.export", exported, self._providers, until.left) is True and done
        if fenced("flush.judge", self.pipeline.judges):
            judging = until.sparing(_CLOSING, _EXPORTING)
            done = fenced("flush.judge", self.pipeline.judge_all, judging) is True and done
            done = fenced("flush.export", exported, self._providers, until.left) is True and done
        return done

    def shutdown(self, timeout: float = _EXIT_DEADLINE) -> bool:
        """Undo all patches, end what is open, export and judge what is left: by `timeout` seconds."""
        until = Deadline(timeout, _EXIT_DEADLINE)
        with _running.lock:
            if _running.runtime is self:
                _running.runtime = None
            stopped, self.running = not self.running, False
        if stopped or self.pipeline is None or self._providers is None:
            return True
        # Whatever goes wrong at one step, the others are taken.
        fenced("shutdown.patches", self.uninstrument)
        fenced("shutdown.guards", wardens.use, None)
        if self._warden is not None:
            fenced("shutdown.guards", self._warden.close, until.left * _CLOSING)
        fenced("shutdown.inlet", inlet.stop, self.pipeline)
        done = fenced("shutdown.save", self.save, until.left * _JUDGING) is True
        done = (
            fenced("shutdown.pipeline", self.pipeline.stop, until.left * _JUDGING) is True and done
        )
        for queue in (*self._providers.queues, *self._providers.couriers):
            done = fenced("shutdown.queue", queue.close, until.left) is True and done
        fenced("shutdown.hardware", self._hardware.close, until.left)
        fenced("shutdown.judge", judge_by, None)
        fenced("shutdown.signals", signals.forget, self)
        fenced("shutdown.told", self._books.tell_of_losses)
        _running.last = fenced("runtime.status", self.status)
        return done

    def save(self, timeout: float) -> bool:
        """End what is open, and flush: nothing more, so that it can be done whatever the program is at."""
        if self.pipeline is not None:
            self.pipeline.end_open()
        return self.flush(timeout)

    def status(self) -> Status:
        """How it stands."""
        if self.pipeline is None or self._providers is None:
            return OFF
        pipeline, providers = self.pipeline, self._providers
        return Status.of(self.running, {
            "destination": lambda: self.destination,
            "content": lambda: self.settings.content,
            "providers": self._patches.statuses,
            "queues": self._books.queues,
            "accounts": self.ledger.read,
            "open_calls": lambda: pipeline.open_calls,
            "internal_errors": fence.failures,
            "destination_status": lambda: statuses(providers.exporters),
            "hardware": self._hardware.status,
            "missing": partial(self._figures.missing, running=self.running),
            "evaluators": pipeline.judges,
            "guards": lambda: counted(self._warden),
            "deliveries": self._books.deliveries,
        })  # fmt: skip

    def renew(self) -> None:
        """In a forked child: what the parent had open is the parent's."""
        self.ledger.renew()
        if self.pipeline is not None:
            self._books.renew()
            forks.renew(self._providers)
            self.pipeline.renew()
            self._hardware.renew()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        fenced("runtime.shutdown", self.shutdown)


_running: Slot[Runtime] = Slot()


def init(
    *,
    service_name: str | None = None,
    environment: str | None = None,
    endpoint: str | None = None,
    protocol: str | None = None,
    headers: Mapping[str, str] | str | None = None,
    spool: bool | str | os.PathLike[str] | None = None,
    spool_bytes: int | str | None = None,
    spool_age: float | str | None = None,
    spool_bandwidth: int | str | None = None,
    spool_order: str | None = None,
    store: str | os.PathLike[str] | None = None,
    max_age: float | str | None = None,
    max_bytes: int | str | None = None,
    content: str | None = None,
    content_target: str | None = None,
    content_limit: int | str | None = None,
    tool_schemas: bool | None = None,
    redact: Sequence[str | Redactor] = (),
    providers: Sequence[str | Provider] | None = None,
    evaluators: Sequence[Any] = (),
    judge: str | Judge | Callable[..., Any] | None = None,
    guards: Sequence[Any] = (),
    evaluator_state: str | os.PathLike[str] | None = None,
    session_idle: float | str | None = None,
    exporters: Sequence[Any] = (),
    sample_rate: float | None = None,
    attributes: Mapping[str, str] | None = None,
    metric_names: str | None = None,
    metric_series: int | str | None = None,
    metric_context: Sequence[str] = (),
    count_tokens: str | None = None,
    request_usage: bool | None = None,
    token_confidence: bool | None = None,
    pricing: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    hardware: str | Sequence[str] | None = None,
    hardware_interval: float | str | None = None,
    queue_bytes: int | str | None = None,
    export_interval: float | str | None = None,
    metric_interval: float | str | None = None,
    exit_signals: bool | None = None,
    disabled: bool | None = None,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    logger_provider: LoggerProvider | None = None,
) -> Runtime:
    """Start recording. One call is enough; everything has a default.

    Every argument has a variable `CLEARSPAN_<ARGUMENT>`; arguments win over those, and those over
    the standard `OTEL_*` variables. What each means, with units and defaults, is in the reference
    of settings. A second call with the same settings answers the running Runtime; with others it
    warns once and answers the running one.

    Raises `clearspan.SettingError` for a value that cannot be used, naming setting and remedy;
    afterwards nothing of clearspan raises.
    """
    return _init(load({name: value for name, value in locals().items() if value is not None}))


def stand_in(providers: Sequence[str] | None = None) -> Runtime:
    """Start by the environment alone, for a program that has not asked: its own `init(...)` takes over.

    With `providers` it does less than a bare `init()` would, so that takes over as well.
    """
    runtime = init(providers=providers)
    runtime.stands_in = True
    return runtime


def _init(settings: Settings) -> Runtime:
    """Start by `settings`, or answer the running one; a bare `init()` is content with any."""
    with _running.lock:
        running = _running.runtime
        other = [] if running is None else settings.asked_otherwise(running.settings)
        if running is not None and running.stands_in and (other or not running.patching):
            running.shutdown()
            running = None
        if running is None:
            with installed.once():
                running = Runtime(settings)
                running.start()
            _running.runtime = running
            exits.when_child_ends(_at_exit)
            for doubt in [] if settings.disabled else [*strangers(), *doubtful(settings)]:
                _warn_once(f"clearspan: {doubt}")
        elif other:
            _warn_once(f"clearspan: it is already running, with another {', '.join(other)}; that stays. "
                       "Call clearspan.shutdown() before init() to change it.")  # fmt: skip
        if running.running and running.settings.exit_signals:
            signals.watch(running, _EXIT_DEADLINE)
    return running


_warned: set[str] = set()


def _warn_once(message: str) -> None:
    if message not in _warned:
        _warned.add(message)
        _log.warning(message)


def instrument(*targets: Any) -> Instrumentation:
    """Record libraries by name, by a `Provider`, or by a client object of theirs; without any, all there are.

    Starts clearspan by its environment when it is not running. The answer undoes it, as a context
    manager or by `undo()`. Raises `SettingError` for a name that is not known, or an installed
    version that is too old.
    """
    runtime = _running.runtime or init(providers=())
    return Instrumentation(runtime.uninstrument, runtime.instrument(*targets))


def uninstrument() -> None:
    """Restore every target to the object it was; decorated code is still recorded."""
    if _running.runtime is not None:
        _running.runtime.uninstrument()


def flush(timeout: float = _FLUSH_DEADLINE) -> bool:
    """Complete and export everything so far; `False` when `timeout` (seconds) came first."""
    fenced("runtime.forked", identifiers.look)
    running = _running.runtime
    return running is None or fenced("runtime.flush", running.flush, timeout) is True


def shutdown(timeout: float = _EXIT_DEADLINE) -> bool:
    """Undo all patches and export what is left, by `timeout` seconds; `False` when that was not all."""
    fenced("runtime.forked", identifiers.look)
    running = _running.runtime
    return running is None or fenced("runtime.shutdown", running.shutdown, timeout) is True


def status() -> Status:
    """Providers, queues, the accounting identity, internal errors: a reading of this moment, or of the last one."""
    running = _running.runtime
    told = _running.last if running is None else fenced("runtime.status", running.status)
    return told if type(told) is Status else OFF


def _at_exit() -> None:
    try:
        shutdown()
    except KeyboardInterrupt:  # Ctrl-C ends the waiting, without a traceback of ours
        _running.runtime = None
    signals.forget()
    exits.still_interrupted()


def _after_fork() -> None:
    _running.renew()
    inlet.renew()
    wardens.renew()
    identifiers.reseed()
    fence.reset()
    if _running.runtime is not None:
        _running.runtime.renew()
        exits.when_child_ends(_at_exit)


identifiers.forked = partial(forks.unseen, _after_fork)
atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):  # pragma: no branch -- absent on Windows only
    os.register_at_fork(after_in_child=_after_fork)
