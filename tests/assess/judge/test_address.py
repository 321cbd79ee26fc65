from __future__ import annotations

import pytest

from clearspan.assess.judge.address import read
from clearspan.assess.judge.client import Judge
from clearspan.assess.judge.dialect import OLLAMA, OPENAI


@pytest.mark.parametrize(
    ("given", "dialect", "url", "model"),
    [
        ("http://localhost:8000/v1#m", OPENAI, "http://localhost:8000/v1", "m"),
        ("https://api.example.com/v1", OPENAI, "https://api.example.com/v1", None),
        ("http://h/v1#org/model:tag", OPENAI, "http://h/v1", "org/model:tag"),
        ("ollama:qwen3:4b", OLLAMA, "http://127.0.0.1:11434", "qwen3:4b"),
        ("ollama:", OLLAMA, "http://127.0.0.1:11434", None),
        ("ollama:http://box:11434#qwen3:4b", OLLAMA, "http://box:11434", "qwen3:4b"),
        ("ollama:localhost:11434#qwen3", OLLAMA, "http://localhost:11434", "qwen3"),
        ("ollama:box#qwen3:4b", OLLAMA, "http://box:11434", "qwen3:4b"),
        ("ollama:0.0.0.0:99#org/m", OLLAMA, "http://127.0.0.1:99", "org/m"),
        ("ollama:[::1]#m", OLLAMA, "http://[::1]:11434", "m"),
        ("ollama::99#m", OLLAMA, "http://127.0.0.1:99", "m"),
        ("ollama:box:99#", OLLAMA, "http://box:99", None),
        ("ollama:#qwen3", OLLAMA, "http://127.0.0.1:11434", "qwen3"),
        ("ollama:#odd:11434", OLLAMA, "http://127.0.0.1:11434", "odd:11434"),
        ("ollama:hf.co/org/m:Q4_K_M", OLLAMA, "http://127.0.0.1:11434", "hf.co/org/m:Q4_K_M"),
        (
            "ollama:registry:5000/org/m:8b",
            OLLAMA,
            "http://127.0.0.1:11434",
            "registry:5000/org/m:8b",
        ),
    ],
)
def test_addresses(given: str, dialect: object, url: str, model: str | None) -> None:
    assert read(given, {}) == (dialect, url, model)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("box", "http://box:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("box:99", "http://box:99"),
        ("https://box", "https://box:443"),
        ("http://[::1]:99", "http://[::1]:99"),
        (":99", "http://127.0.0.1:99"),
    ],
)
def test_ollama_is_where_its_own_variable_says(host: str, url: str) -> None:
    assert read("ollama:m", {"OLLAMA_HOST": host}).url == url


@pytest.mark.parametrize(
    "wrong", ["localhost:11434", "ftp://h/v1", "", "http://", "ollama:http://"]
)
def test_what_is_no_address_is_told(wrong: str) -> None:
    with pytest.raises(ValueError, match="a judge is http"):
        Judge(wrong, model="m")


@pytest.mark.parametrize(
    "either", ["ollama:localhost:11434", "ollama:localhost", "ollama:10.0.0.7", "ollama:[::1]:99", "ollama:box:80"]
)  # fmt: skip
def test_what_may_be_a_server_or_a_model_is_refused(either: str) -> None:
    with pytest.raises(ValueError, match=r"may name a server or a model: say ollama:.*#model"):
        Judge(either)


@pytest.mark.parametrize(
    "host", ["qwen3:8b", "box:99999", "a b", "box/v1", "[::zz]", "[1:2", "[:::]"]
)
def test_what_stands_before_the_model_is_a_server(host: str) -> None:
    with pytest.raises(ValueError, match="before the # stands a server"):
        Judge(f"ollama:{host}#m")


def test_a_server_needs_a_model() -> None:
    with pytest.raises(ValueError, match="say model="):
        Judge("http://localhost:8000/v1")


def test_the_environment_may_name_a_judge() -> None:
    judge = Judge.from_environment({"CLEARSPAN_JUDGE": "http://h/v1#m"})
    assert judge is not None
    assert judge.model == "m"
    assert Judge.from_environment({}) is None


@pytest.mark.parametrize(("wrong", "value"), [("timeout", 0), ("limit", 10)])
def test_a_wrong_option_is_named(wrong: str, value: int) -> None:
    options: dict[str, float] = {wrong: value}
    with pytest.raises(ValueError, match=wrong):
        Judge("http://h/v1", model="m", **options)  # type: ignore[arg-type]


def test_ollama_is_sent_less_since_it_cuts_off_by_itself() -> None:
    assert Judge("ollama:m").limit < Judge("http://h/v1#m").limit
    assert Judge("ollama:m", limit=50_000).limit == 50_000
