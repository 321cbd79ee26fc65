from __future__ import annotations

import os
import threading

import pytest

from clearspan.core import fence
from clearspan.figures.tokens import files, vocabularies
from clearspan.figures.tokens.bytepairs import BytePairs
from clearspan.figures.tokens.vocabularies import Vocabularies, Vocabulary

TINY = BytePairs({bytes([i]): i for i in range(256)} | {b"he": 256, b"ll": 257}, r"\w+|\W")


def test_the_first_call_does_not_wait_and_later_ones_count() -> None:
    gate = threading.Event()
    asked: list[str] = []

    def slow(name: str) -> Vocabulary:
        asked.append(name)
        gate.wait(60)
        return TINY

    held = Vocabularies(slow)
    assert held.counter("tiny") is None
    assert held.counter("tiny") is None
    gate.set()
    held.settle(60)
    count = held.counter("tiny")
    assert count is not None
    assert (count("hello"), count(""), count("<|end|>")) == (3, 0, 7)
    assert asked == ["tiny"]


def test_settling_has_a_limit() -> None:
    gate = threading.Event()
    held = Vocabularies(lambda _: TINY if gate.wait(60) else None)
    assert held.counter("tiny") is None
    held.settle(0)
    assert held.counter("tiny") is None
    gate.set()
    held.settle(60)


def test_models_without_a_vocabulary_load_none() -> None:
    held = Vocabularies(lambda _: pytest.fail("nothing was to be loaded"))
    assert held.counter(None) is None
    held.settle(0)


def test_a_failure_is_not_tried_again_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fail(name: str) -> None:
        asked.append(name)

    held = Vocabularies(fail)
    for _ in range(3):
        assert held.counter("tiny") is None
        held.settle(60)
    assert asked == ["tiny"]
    monkeypatch.setattr(vocabularies, "_RETRY", 0.0)
    held.counter("tiny")
    held.settle(60)
    assert asked == ["tiny", "tiny"]


def test_a_broken_tokenizer_is_our_failure_and_no_vocabulary(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLEARSPAN_STRICT", "0")

    def broken(name: str) -> Vocabulary:
        raise TypeError(name)

    held = Vocabularies(broken)
    held.counter("tiny")
    held.settle(60)
    assert held.counter("tiny") is None
    assert fence.failures()["figure.vocabulary"] == 1
    fence.reset()


def test_no_thread_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    held = Vocabularies(lambda _: TINY)
    assert held.counter("tiny") is None
    assert held.counter("tiny") is None
    held.settle(0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_loads_for_itself() -> None:
    parent, gate = os.getpid(), threading.Event()
    held = Vocabularies(lambda _: TINY if os.getpid() != parent or gate.wait(60) else None)
    held.counter("tiny")
    child = os.fork()
    if child == 0:
        held.counter("tiny")
        held.settle(60)
        os._exit(0 if held.counter("tiny") is not None else 1)
    gate.set()
    assert os.waitpid(child, 0)[1] == 0
    held.settle(60)


def test_without_its_file_no_vocabulary_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "folders", list)
    assert vocabularies.load("o200k_base") is None
    assert vocabularies.load("no such encoding") is None
