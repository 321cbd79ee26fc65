"""Judges beside a program: they judge its calls, and are no calls of it."""

from __future__ import annotations

import json
import time
from typing import Any

import openai
import pytest

from clearspan.judges import Coherence, Faithfulness, Relevance
from clearspan.testing import ModelServer, Reply, captured

VERDICT = json.dumps({"reasoning": "R", "evidence": [], "label": "fully"})


def ask(url: str, messages: Any) -> Any:
    with openai.OpenAI(base_url=url, api_key="unused") as client:
        return client.chat.completions.create(model="m", messages=messages)


def test_a_judge_assesses_calls_without_becoming_one() -> None:
    with ModelServer() as server, ModelServer() as bench:
        bench.respond(Reply(VERDICT))

        def by_client(messages: Any, schema: Any) -> Any:
            return ask(bench.url, messages).choices[0].message.content

        judges = [
            Relevance(judge=f"{bench.url}#judge"),
            Relevance(judge=by_client, name="by_client"),
            Faithfulness(judge=f"{bench.url}#judge"),
            Coherence(),
        ]
        with captured(evaluators=judges) as seen:
            ask(server.url, [{"role": "user", "content": "Hello?"}])
            deadline = time.monotonic() + 20
            while len(seen.scores) < 4 and time.monotonic() < deadline:
                time.sleep(0.01)
        found = {score.name: score for score in seen.scores}
    assert found["judge_relevance"].value == 1.0
    assert found["judge_relevance"].kind == "llm"
    assert found["judge_relevance"].metadata["judge_model"] == "judge"
    assert found["by_client"].value == 1.0
    assert found["judge_faithfulness"].skipped == "missing:context"
    assert found["judge_coherence"].skipped == "no_judge"
    assert [span.name for span in seen.spans] == ["chat m"]
    assert len(bench.requests) == 2


@pytest.mark.parametrize("option", ["threshold", "sample_rate", "timeout", "concurrency"])
def test_judges_take_what_all_evaluators_take(option: str) -> None:
    assert getattr(Relevance(**{option: 1}), option) == 1
