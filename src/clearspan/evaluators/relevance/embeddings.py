"""Embeddings from an endpoint: one that speaks OpenAI's form, or Ollama."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["EmbeddingEndpoint"]

APIS = ("openai", "ollama")


class EmbeddingEndpoint:
    """Asks `url` for embeddings of `model`, by plain HTTP. Call it with texts; it answers with their vectors.

    `url` is the server (`http://localhost:11434`), with or without `/v1`. With `api="openai"` it posts to
    `/v1/embeddings`, with `api="ollama"` to `/api/embed`. `key` goes along as a bearer token. `timeout` is in seconds.

    Raises `ValueError` for an `api` that does not exist; when called, what `requests` raises, and `ValueError` for an
    answer that has not one vector for each text.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api: str = "openai",
        key: str | None = None,
        timeout: float = 10.0,
    ) -> None:
        if api not in APIS:
            raise ValueError(f"clearspan: EmbeddingEndpoint: api must be one of {', '.join(APIS)}, not {api!r}")  # fmt: skip
        base = url.rstrip("/").removesuffix("/v1")
        self._api = api
        self._url = base + ("/v1/embeddings" if api == "openai" else "/api/embed")
        self._model = model
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._timeout = timeout

    def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        """The vectors of `texts`, in their order."""
        import requests

        response = requests.post(
            self._url,
            json={"model": self._model, "input": list(texts)},
            headers=self._headers,
            timeout=self._timeout,
        )
        response.raise_for_status()
        vectors = _vectors(response.json(), self._api)
        if len(vectors) != len(texts):
            raise ValueError(f"clearspan: the endpoint answered {len(texts)} texts with {len(vectors)} embeddings")  # fmt: skip
        return vectors


def _vectors(answer: Any, api: str) -> list[list[float]]:
    try:
        if api == "ollama":
            return [[float(value) for value in row] for row in answer["embeddings"]]
        rows: list[Mapping[str, Any]] = sorted(answer["data"], key=lambda row: int(row.get("index", 0)))  # fmt: skip
        return [[float(value) for value in row["embedding"]] for row in rows]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("clearspan: the endpoint's answer holds no embeddings") from error
