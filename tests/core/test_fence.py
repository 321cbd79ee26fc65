"""The fence: our failures are counted and told of, and the host sees none of them."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest

from clearspan.core import fence


@pytest.fixture(autouse=True)
def tolerant(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("CLEARSPAN_STRICT")
    fence.reset()
    yield
    fence.reset()


def fail(error: BaseException) -> None:
    raise error


def test_a_value_passes_with_all_arguments() -> None:
    def function(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    found = fence.fenced("a", function, 1, 2, site=3, function=4)
    assert found == ((1, 2), {"site": 3, "function": 4})
    assert fence.failures() == {}


def test_a_failure_is_none_and_counted_by_site() -> None:
    assert fence.fenced("a", fail, ValueError()) is None
    assert fence.fenced("a", fail, KeyError()) is None
    assert fence.fenced("b", fail, OSError()) is None
    assert fence.failures() == {"a": 2, "b": 1}
    fence.reset()
    assert fence.failures() == {}


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(), GeneratorExit(), asyncio.CancelledError()]
)
def test_what_belongs_to_the_host_passes(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        fence.fenced("a", fail, error)
    assert caught.value is error
    assert fence.failures() == {}


def test_a_handler_of_the_hosts_that_raises_is_no_matter_of_the_calls() -> None:
    class Full(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("no space left on device")

    full = Full()
    logging.getLogger("clearspan").addHandler(full)
    try:
        assert fence.fenced("a", fail, ValueError()) is None
    finally:
        logging.getLogger("clearspan").removeHandler(full)
    assert fence.failures() == {"a": 1, "fence.log": 1}


@pytest.mark.parametrize("way", [fence.fenced, fence.ours])
def test_strict_counts_and_raises_the_same_object(
    monkeypatch: pytest.MonkeyPatch, way: Any
) -> None:
    monkeypatch.setenv("CLEARSPAN_STRICT", "1")
    error = ValueError("x")
    with pytest.raises(ValueError, match="x") as caught:
        way("a", fail, error)
    assert caught.value is error
    assert error.__context__ is None
    assert fence.failures() == {"a": 1}


@pytest.mark.parametrize("value", ["0", "", "true"])
def test_only_1_is_strict(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CLEARSPAN_STRICT", value)
    assert fence.fenced("a", fail, ValueError()) is None


def test_each_site_speaks_once_a_minute_and_never_of_content(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.5]
    monkeypatch.setattr(fence.time, "monotonic", lambda: now[0])
    caplog.set_level(logging.WARNING, "clearspan")

    def said() -> list[str]:
        found = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return found

    for _ in range(3):
        fence.fenced("reader", fail, ValueError("a prompt"))
    fence.fenced("other", fail, KeyError("a prompt"))
    tail = "(the program is not affected)"
    assert said() == [
        f"clearspan: internal error in reader: ValueError {tail}",
        f"clearspan: internal error in other: KeyError {tail}",
    ]
    now[0] += 59.9
    fence.fenced("reader", fail, ValueError())
    assert said() == []
    now[0] += 0.2
    fence.fenced("reader", fail, ValueError())
    assert len(said()) == 1
    assert fence.failures() == {"reader": 5, "other": 1}


def test_where_it_was_is_for_debugging_and_what_it_said_for_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "clearspan")
    error = ValueError("Ann's prompt")
    error.__cause__ = KeyError("Ann's key")
    fence.fenced("a", fail, error)
    warning, debug = caplog.records
    assert debug.levelno == logging.DEBUG
    told = debug.getMessage()
    assert told.startswith("clearspan: internal error in a: ValueError (from KeyError) < ")
    assert f"{__file__}:{fail.__code__.co_firstlineno + 1} fail < " in told
    assert (warning.exc_info, debug.exc_info) == (None, None)
    assert "Ann" not in caplog.text


def test_at_the_end_of_the_stack_nothing_more_is_called(caplog: pytest.LogCaptureFixture) -> None:
    def deeper() -> None:
        fence.fenced("x", deeper)
        beyond()

    def beyond() -> None:
        beyond()

    with pytest.raises(RecursionError) as caught:
        deeper()
    assert caught.value.__context__ is None
    assert set(fence.failures()) == {"recursion"}
    assert caplog.records == []
    fence.reset()
    assert fence.failures() == {}


def _interrupted() -> None:
    """What Python does when Ctrl-C comes as a condition takes its lock again."""
    try:
        raise KeyboardInterrupt
    finally:
        threading.Lock().release()


def test_ctrl_c_that_comes_at_a_lock_is_ctrl_c() -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        fence.fenced("x", _interrupted)
    assert caught.value.__suppress_context__
    assert fence.failures() == {}


def test_ctrl_c_that_the_host_handles_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARSPAN_STRICT", "0")

    def fail() -> None:
        raise ValueError("ours")

    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert fence.fenced("x", fail) is None
    assert fence.failures() == {"x": 1}
