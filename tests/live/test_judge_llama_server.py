"""Judges ask a real server that holds a model to a JSON schema: llama.cpp's, with a tiny random model.

What the model says is noise; that it comes as a verdict of the right shape is the server's doing and ours.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from clearspan import judges
from clearspan.assess.judge.client import Judge
from clearspan.assess.judge.schema import verdict
from clearspan.assess.judge.tally import Tally
from clearspan.assess.outcome import scored
from clearspan.testing import captured
from tests.assess.judge.kit import call, trace
from tests.live import tiny_gguf
from tests.live.component import free_port, program, running

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    command = program("CLEARSPAN_LIVE_LLAMA_SERVER", "llama-server")
    work: Path = tmp_path_factory.mktemp("llama")
    model = work / "tiny.gguf"
    tiny_gguf.main(str(model))
    port = free_port()
    serve = [
        command, "-m", str(model), "--host", "127.0.0.1", "--port", str(port), "--alias", "tiny",
        "-c", str(tiny_gguf.CONTEXT), "-np", "1", "-t", "1", "--jinja", "--chat-template", "chatml",
    ]  # fmt: skip
    with running(serve, f"http://127.0.0.1:{port}/health", work / "log", {}):
        yield f"http://127.0.0.1:{port}/v1"


SUBJECT = call(documents=["The tower is 87 metres high."], references=["87 metres"])


@pytest.mark.parametrize(
    "name",
    ["Bias", "Coherence", "Correctness", "Faithfulness", "Hallucination", "Injection", "Pairwise", "PlanQuality",
     "Relevance", "Toxicity"],
)  # fmt: skip
def test_each_judge_has_a_verdict_of_its_shape(address: str, name: str) -> None:
    made = getattr(judges, name)(judge=Judge(address, model="tiny", timeout=120))
    score = scored(made.evaluate(trace(SUBJECT) if made.level == "trace" else SUBJECT), made)
    assert score.error is None, score
    if score.skipped is None:
        assert score.label in made.labels
        assert score.value is not None
        assert 0 <= score.value <= 1
    else:
        assert score.skipped in ("judge_unknown", "no_claims")
    assert score.metadata["judge_input_tokens"] > 0
    assert score.metadata["judge_output_tokens"] > 0
    assert "judge_repaired" not in score.metadata


def test_faithfulness_in_two_calls(address: str) -> None:
    made = judges.Faithfulness(calls=2, judge=Judge(address, model="tiny", timeout=120))
    score = scored(made.evaluate(SUBJECT), made)
    assert score.error is None, score
    assert score.metadata["judge_calls"] in (1, 2)


def test_the_server_takes_every_parameter_and_gives_probabilities(address: str) -> None:
    judge = Judge(address, model="tiny", timeout=120)
    asked = [{"role": "user", "content": "judge"}]
    fields, reply = judge.ask(asked, verdict(("good", "bad"), (1, 5)), Tally())
    assert fields["label"] in ("good", "bad")
    assert fields["score"] in range(1, 6)
    assert judge.refused == set()
    assert "".join(token.text for token in reply.tokens)
    assert all(0 <= p <= 1 for token in reply.tokens for _, p in token.likeliest)


def test_the_same_question_has_the_same_verdict(address: str) -> None:
    found: list[Any] = []
    for _ in range(2):
        judge = Judge(address, model="tiny", timeout=120)
        asked = [{"role": "user", "content": "judge"}]
        found.append(judge.ask(asked, verdict(("good", "bad")), Tally())[0])
    assert found[0] == found[1]


def test_a_prompt_that_is_too_long_is_an_error_and_nothing_else(address: str) -> None:
    made = judges.Relevance(judge=Judge(address, model="tiny", limit=100_000, timeout=120))
    score = scored(made.evaluate(call(answer="word " * 15_000)), made)
    assert score.error == "judge_status_400"
    assert score.value is None


def test_nothing_of_it_is_recorded(address: str) -> None:
    with captured() as seen:
        judges.Relevance(judge=Judge(address, model="tiny", timeout=120)).evaluate(SUBJECT)
    assert seen.spans == []
