from __future__ import annotations

import pytest

from clearspan.figures.tokens.models import Model, Patches, Tiles, model


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("gpt-4o", "o200k_base"),
        ("gpt-4o-mini-2024-07-18", "o200k_base"),
        ("gpt-4.1", "o200k_base"),
        ("gpt-4.5-preview", "o200k_base"),
        ("gpt-5", "o200k_base"),
        ("gpt-5.2-pro", "o200k_base"),
        ("chatgpt-4o-latest", "o200k_base"),
        ("o1-mini", "o200k_base"),
        ("o3", "o200k_base"),
        ("o4-mini-2025-04-16", "o200k_base"),
        ("gpt-oss:20b", "o200k_harmony"),
        ("openai/gpt-oss-120b", "o200k_harmony"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4-0613", "cl100k_base"),
        ("gpt-4-32k", "cl100k_base"),
        ("gpt-3.5-turbo-0125", "cl100k_base"),
        ("gpt-35-turbo", "cl100k_base"),
        ("ft:gpt-3.5-turbo-0613:personal::8abc", "cl100k_base"),
        ("ft:gpt-4o-mini-2024-07-18:acme:name:id", "o200k_base"),
        ("text-embedding-3-small", "cl100k_base"),
        ("text-embedding-ada-002", "cl100k_base"),
        ("text-davinci-003", "p50k_base"),
        ("davinci", "r50k_base"),
        ("GPT-4o", "o200k_base"),
        ("gpt-4.7", None),
        ("gpt-40", None),
        ("llama3:8b", None),
        ("meta-llama/Llama-3.3-70B-Instruct", None),
        ("openllmetry-testing", None),
        ("", None),
        (None, None),
    ],
)
def test_the_vocabulary_of_a_model(name: str | None, encoding: str | None) -> None:
    assert model(name).encoding == encoding


@pytest.mark.parametrize(
    "name", ["o1", "o3-mini", "o4-mini", "gpt-5", "gpt-5-nano", "gpt-5.1", "gpt-oss"]
)
def test_models_that_think_unseen(name: str) -> None:
    assert model(name).hides


@pytest.mark.parametrize(
    "name", ["gpt-5-chat-latest", "gpt-4o", "gpt-4.1-mini", "gpt-4", "mistral-large"]
)
def test_models_that_do_not(name: str) -> None:
    assert not model(name).hides


def test_the_rules_for_pictures() -> None:
    assert model("gpt-4o").pictures == Tiles(85, 170)
    assert model("gpt-4o-mini").pictures == Tiles(2833, 5667)
    assert model("gpt-4.1-mini-2025-04-14").pictures == Patches(1.62)
    assert model("o4-mini").pictures == Patches(1.72)
    assert model("gpt-5.2").pictures is None
    assert model("claude-sonnet-4") == Model()
