"""A real server without constrained output, and a model that talks noise: an error with its reason, never a number."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from clearspan import judges
from clearspan.assess.judge.client import Judge
from clearspan.assess.outcome import scored
from tests.assess.judge.kit import call
from tests.live.component import free_port, program, running

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Generator[Judge]:
    command = program("CLEARSPAN_LIVE_TRANSFORMERS", "transformers")
    work: Path = tmp_path_factory.mktemp("serve")
    model = str(work / "tiny")
    python = str(Path(command).with_name("python"))
    subprocess.run([python, str(Path(__file__).with_name("tiny_model.py")), model], check=True)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    serve = [command, "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(work / "hub")}
    with running(serve, f"{base}/health", work / "log", offline):
        yield Judge(f"{base}/v1", model=model, max_tokens=16, limit=200, timeout=120)


def test_noise_is_no_verdict(judge: Judge) -> None:
    made = judges.Relevance(judge=judge)
    score = scored(made.evaluate(call()), made)
    assert score.error is not None
    assert score.error.startswith("judge_"), score
    assert score.value is None
