from __future__ import annotations

import pytest
import tiktoken
from hypothesis import given, strategies as st

from clearspan.figures.tokens import bytepairs
from clearspan.figures.tokens.bytepairs import BytePairs

MERGES = (
    b"he",
    b"ll",
    b"lo",
    b"hell",
    b"hello",
    b"aa",
    b"aaaa",
    b"ab",
    b"ba",
    b"aba",
    b"abab",
    b" a",
)
RANKS = {bytes([i]): i for i in range(256)} | {each: 256 + at for at, each in enumerate(MERGES)}
PATTERN = r" ?\p{L}+|\p{N}{1,3}|\s+(?!\S)|\s+|[^\s\p{L}\p{N}]+"
REAL = tiktoken.Encoding(
    "tiny", pat_str=PATTERN, mergeable_ranks=RANKS, special_tokens={"<|end|>": 300}
)


def counted(text: str) -> int:
    return BytePairs(RANKS, PATTERN).count(text)


@given(st.one_of(st.text(), st.text("ablhelo "), st.from_regex(r"(hello|abab|a+|1+| ){0,9}")))
def test_it_counts_as_tiktoken_does(text: str) -> None:
    assert counted(text) == len(REAL.encode_ordinary(text))


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("hello", 1), ("hellohello", 2), ("<|end|>", 7), ("aaaaaa", 2)]
)
def test_merges_by_rank(text: str, tokens: int) -> None:
    assert counted(text) == tokens


def test_halves_of_a_surrogate_pair() -> None:
    assert counted("\ud83d\ude00") == len(REAL.encode_ordinary("\U0001f600")) == 4
    assert counted("\ud83d") == 3


def test_long_texts_are_counted_in_pieces() -> None:
    assert counted("hello hello " * 5_000) == len(REAL.encode_ordinary("hello hello " * 5_000))
    assert counted("x" * 30_000) == 30_000
    assert counted("a" * 65_536) == 65_536 // 4
    assert counted("\u3000" * 20_000) == 60_000


def test_the_memory_of_words_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bytepairs, "_WORDS", 2)
    held = BytePairs(RANKS, PATTERN)
    assert [held.count(word) for word in ("xy", "yz", "zxw", "xy", "xy")] == [2, 2, 3, 2, 2]
