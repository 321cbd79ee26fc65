"""Tiny models with random weights and a tokenizer of their own, made on the spot: nothing is downloaded."""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Any

TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|user|>' if message['role'] == 'user' else '<|model|>' }}{{ message['content'] }}"
    "{% endfor %}{% if add_generation_prompt %}<|model|>{% endif %}"
)
SPECIAL = ["<s>", "</s>", "<pad>", "<|user|>", "<|model|>", "[MASK]", "[UNK]", "[CLS]", "[SEP]"]
TEXTS = ["hello world how are you", "the answer is forty-two", "one two three"] * 20


def _library() -> Any:
    return import_module("transformers")


def tokenizer(side: str = "left", **more: Any) -> Any:
    """A byte-level tokenizer with special tokens and a chat template; each call makes a new one."""
    parts = import_module("tokenizers")
    made = parts.Tokenizer(parts.models.BPE())
    made.pre_tokenizer = parts.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = parts.decoders.ByteLevel()
    alphabet = parts.pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        TEXTS,
        parts.trainers.BpeTrainer(
            vocab_size=320, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
        ),
    )
    names = {
        "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "mask_token": "[MASK]",
        "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]",
    }  # fmt: skip
    found = _library().PreTrainedTokenizerFast(
        tokenizer_object=made,
        padding_side=side,
        model_max_length=256,
        model_input_names=["input_ids", "attention_mask"],
        **(names | more),
    )
    found.chat_template = TEMPLATE
    return found


@functools.cache
def _special() -> dict[str, int]:
    known = tokenizer()
    return {
        "vocab_size": len(known),
        "bos_token_id": known.bos_token_id,
        "eos_token_id": known.eos_token_id,
        "pad_token_id": known.pad_token_id,
    }


def _seeded(build: Any, seed: int) -> Any:
    import_module("torch").manual_seed(seed)
    made = build().eval()
    made.name_or_path = "tiny"
    return made


def llama(seed: int = 0, **more: Any) -> Any:
    """A decoder: `LlamaForCausalLM` of two layers."""
    library = _library()
    sizes: dict[str, Any] = {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
    }  # fmt: skip
    return _seeded(
        lambda: library.LlamaForCausalLM(library.LlamaConfig(**(_special() | sizes | more))), seed
    )


def t5(seed: int = 0, **more: Any) -> Any:
    """An encoder and decoder: `T5ForConditionalGeneration`."""
    library = _library()
    sizes: dict[str, Any] = {
        "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4,
        "decoder_start_token_id": _special()["pad_token_id"],
    }  # fmt: skip
    return _seeded(
        lambda: library.T5ForConditionalGeneration(library.T5Config(**(_special() | sizes | more))),
        seed,
    )


def bert(head: str = "BertForSequenceClassification", seed: int = 0, **more: Any) -> Any:
    """An encoder with the head of that class name (`BertForMaskedLM`, `BertModel`, ...)."""
    library = _library()
    sizes: dict[str, Any] = {
        "vocab_size": _special()["vocab_size"], "pad_token_id": _special()["pad_token_id"],
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "max_position_embeddings": 256,
    }  # fmt: skip
    config = library.BertConfig(**(sizes | more))
    return _seeded(lambda: getattr(library, head)(config), seed)
