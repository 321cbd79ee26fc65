"""What is counted, beside what providers reported in recorded exchanges.

The vocabulary files are looked for where `CLEARSPAN_TEST_TOKENIZERS` or `TIKTOKEN_CACHE_DIR` says,
in the folders that clearspan looks in, and in an installed `litellm`, which brings them along.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

import pytest
import tiktoken

from clearspan.figures.tokens import TokenCounter
from clearspan.figures.tokens.estimate import estimate
from clearspan.figures.tokens.vocabularies import Vocabularies

from . import tokens
from .exchange import folder
from .prose import PROSE

LEAST = 40


@pytest.fixture(scope="module")
def vocabularies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vocabularies]:
    if not folder().is_dir():
        pytest.skip(f"no recordings in {folder()}")
    place = tokens.vocabularies(tmp_path_factory.mktemp("vocabularies"))
    if place is None:
        pytest.skip("no vocabulary files; see the top of this file")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(place))
        yield tokens.loaded()


@pytest.fixture(scope="module")
def figure(vocabularies: Vocabularies) -> TokenCounter:
    return TokenCounter(vocabularies)


def errors(found: Sequence[tokens.Counted], side: str) -> list[float]:
    """Relative errors of those that were counted, in order."""
    counted = [each for each in found if side in each.counted and each.reported.get(side)]
    assert len(counted) >= LEAST
    return sorted(abs(each.counted[side] / each.reported[side] - 1) for each in counted)


def p95(ordered: Sequence[float]) -> float:
    return statistics.quantiles(ordered, n=100)[94]


def chats(figure: TokenCounter) -> list[tokens.Counted]:
    """Chats of nothing but text whose vocabulary is certainly the right one, and nothing is added by a host."""
    found = tokens.counted(figure, "chat")
    return [each for each in found if tokens.bare(each.exchange) and "gpt-oss" not in each.model]


def test_inputs_of_bare_chats(figure: TokenCounter) -> None:
    ordered = errors(chats(figure), "input")
    assert statistics.median(ordered) <= 0.01
    assert p95(ordered) <= 0.03


def test_outputs_of_bare_chats_are_exact(figure: TokenCounter) -> None:
    ordered = errors(chats(figure), "output")
    exact = sum(error == 0 for error in ordered) / len(ordered)
    # Where a server was asked for several answers at once, it may count their ends, or may not.
    assert exact >= 0.95
    assert ordered[-1] < 0.05


def test_bare_chats_are_counted_and_not_estimated(figure: TokenCounter) -> None:
    assert {each.source for each in chats(figure)} == {"counted"}


def test_thoughts_that_nobody_saw_are_not_made_up(figure: TokenCounter) -> None:
    thinking = [each for each in chats(figure) if each.model.startswith(("gpt-5", "o1", "o3"))]
    assert thinking
    assert all("output" not in each.counted for each in thinking)


def test_requests_with_tools_are_near(figure: TokenCounter) -> None:
    found = tokens.counted(figure, "chat")
    offered = [
        each for each in found if each.exchange.payload.get("tools") and "input" in each.counted
    ]
    ordered = errors(offered, "input")
    assert statistics.median(ordered) <= 0.1
    assert {each.source for each in offered} == {"estimated"}


def test_outputs_of_the_responses_api(figure: TokenCounter) -> None:
    found = tokens.counted(figure, "responses")
    written = [each for each in found if each.source == "counted"]
    assert statistics.median(errors(written, "output")) == 0
    assert statistics.median(errors(written, "input")) == 0


def test_estimates_of_recorded_answers(figure: TokenCounter) -> None:
    estimated = TokenCounter(Vocabularies(lambda _: None))
    counted = {each.exchange.name: each for each in chats(figure)}
    rough = [each for each in chats(estimated) if each.exchange.name in counted]
    assert {each.source for each in rough} == {"estimated"}
    assert statistics.median(errors(rough, "input")) <= 0.15
    assert statistics.median(errors(rough, "output")) <= 0.15


@pytest.mark.parametrize("name", tokens.ENCODINGS)
def test_the_numbers_are_tiktokens(vocabularies: Vocabularies, name: str) -> None:
    count, encoding = vocabularies.counter(name), tiktoken.get_encoding(name)
    assert count is not None
    for text in (
        *PROSE.values(),
        " " * 5_000,
        "\n\t" * 500,
        "x" * 5_000,
        "🚢" * 99,
        "<|endoftext|>",
    ):
        assert count(text) == len(encoding.encode_ordinary(text))


@pytest.mark.parametrize("name", tokens.ENCODINGS)
def test_the_estimate_is_near_in_many_languages(vocabularies: Vocabularies, name: str) -> None:
    encode = vocabularies.counter(name)
    assert encode is not None
    found = {language: estimate(text, name) / encode(text) - 1 for language, text in PROSE.items()}
    assert statistics.median(map(abs, found.values())) <= 0.15, found
    assert max(map(abs, found.values())) <= 0.4, found
