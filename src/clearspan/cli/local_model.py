"""What `clearspan demo` shows of a model in this process: tiny, of random weights, built on the spot.

Nothing is downloaded: the tokenizer knows the words of the demo and no others, and what the model
says makes no sense.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import warnings
from typing import Any, Final

import clearspan
from clearspan.cli.program import HANDBOOK, QUESTION
from clearspan.runtime import Runtime

__all__ = ["NAME", "REMEDY", "LocalModel", "installed"]

NAME: Final = "tiny-random-llama"
REMEDY: Final = "python -m pip install 'clearspan[demo-local]'"
_LIBRARIES = ("torch", "transformers")
_SPECIALS = {"unk_token": "[UNK]", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
_TEMPLATE = "{% for message in messages %}{{ message['content'] }} {% endfor %}"
_SEED = 7
_TOKENS = 12


def installed() -> bool:
    """Whether the libraries are there. Neither is imported, which takes seconds."""
    return all(importlib.util.find_spec(name) is not None for name in _LIBRARIES)


class LocalModel:
    """A pipeline around a model that generates words at random."""

    def __init__(self) -> None:
        transformers = _library()
        words = _tokenizer(transformers)
        self._pipeline: Any = transformers.pipeline(
            "text-generation", model=_model(transformers, words), tokenizer=words, device="cpu"
        )

    @classmethod
    def shown(cls, runtime: Runtime) -> str | None:
        """Build it and let it answer, recorded by `runtime`; answers why not, where it did not."""
        try:
            runtime.instrument("transformers")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                cls().draft(QUESTION)
        except Exception as error:  # noqa: BLE001 -- a half-installed library may fail in any way
            said = " ".join(str(error).split())[:120] or "no reason given"
            return f"the model in this process was left out: {type(error).__name__}: {said}"
        return None

    @clearspan.workflow(name="draft locally")
    def draft(self, question: str) -> str:
        """Some words in answer to the question."""
        asked = [{"role": "user", "content": question}]
        (answer,) = self._pipeline(asked, max_new_tokens=_TOKENS, do_sample=True)
        return str(answer["generated_text"][-1]["content"])


def _library() -> Any:
    """The library, told to keep its advice to itself."""
    transformers = importlib.import_module("transformers")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers


def _tokenizer(transformers: Any) -> Any:
    tokenizers = importlib.import_module("tokenizers")
    words = re.findall(r"\w+|[^\w\s]", " ".join((QUESTION, *HANDBOOK)))
    known = {word: place for place, word in enumerate(dict.fromkeys((*_SPECIALS.values(), *words)))}
    described = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "Whitespace"},
        "model": {"type": "WordLevel", "vocab": known, "unk_token": _SPECIALS["unk_token"]},
    }
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer.from_str(json.dumps(described)),
        chat_template=_TEMPLATE,
        **_SPECIALS,
    )


def _model(transformers: Any, words: Any) -> Any:
    importlib.import_module("torch").manual_seed(_SEED)
    config = transformers.LlamaConfig(
        name_or_path=NAME, vocab_size=len(words), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
        bos_token_id=words.bos_token_id, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
    )  # fmt: skip
    return transformers.LlamaForCausalLM(config).eval()
