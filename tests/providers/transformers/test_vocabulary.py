"""What a tokenizer hardly knows of a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from clearspan.draft import Draft
from clearspan.providers.transformers import vocabulary
from clearspan.providers.transformers.tokenizers import decoder
from tests.providers.transformers import tiny
from tests.providers.transformers.kit import only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")
tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed")

NAME = "clearspan.text."


def told(attributes: Any) -> dict[str, Any]:
    return {
        name.removeprefix(NAME): value
        for name, value in attributes.items()
        if name.startswith(NAME)
    }


def wrapped(model: Any, **more: Any) -> Any:
    """A tokenizer around one of the models of `tokenizers`, that splits nothing beforehand."""
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer(model), **more
    )


def alphabet() -> Iterator[tuple[int, str]]:
    """The letters of byte-level vocabularies, as the library itself makes them."""
    step = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    for byte in range(0x80, 0x800):
        for letter, _ in step.pre_tokenize_str(chr(byte)):
            yield from zip(chr(byte).encode(), letter, strict=True)


def test_bytes_are_written_as_the_library_writes_them() -> None:
    found = dict(alphabet())
    assert len(found) > 90
    assert {byte: vocabulary._letter(byte) for byte in found} == found
    assert vocabulary._letter(ord(" ")) == "Ġ"


def test_a_bytewise_vocabulary() -> None:
    tokenizer = tiny.tokenizer()
    found = vocabulary.of(tokenizer)
    assert found is not None
    assert vocabulary.of(tokenizer) is found
    assert len(found.unknown) == 128  # the upper half of all bytes; no word is unknown
    euro = tokenizer.encode("€", add_special_tokens=False)
    assert set(euro) <= found.unknown
    assert not set(tokenizer.encode("hello world")) & found.unknown
    assert found.rare == range(found.size - found.size // 10, found.size)


def test_tokens_that_are_added_later() -> None:
    tokenizer = tiny.tokenizer()
    before = vocabulary.of(tokenizer)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|later|>"]})
    after = vocabulary.of(tokenizer)
    assert before is not None
    assert after is not None
    assert after.added - before.added == {tokenizer.convert_tokens_to_ids("<|later|>")}


def test_bytes_that_fall_back_are_unknown_and_line_ends_are_not() -> None:
    names = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "a", "b", "ab"]
    model = tokenizers.models.BPE(
        vocab={name: at for at, name in enumerate(names)}, merges=[("a", "b")], unk_token="<unk>",
        byte_fallback=True,
    )  # fmt: skip
    found = vocabulary.of(wrapped(model, unk_token="<unk>"))
    assert found is not None
    assert found.unknown == {0, *range(1 + 0x80, 1 + 0x100)}
    assert not found.rare  # letters come last there


@pytest.mark.parametrize(
    "model",
    [
        lambda: tokenizers.models.Unigram([("<unk>", 0.0), ("a", -1.0)], unk_id=0),
        lambda: tokenizers.models.WordLevel({"<unk>": 0, "a": 1}, unk_token="<unk>"),
    ],
    ids=["unigram", "words"],
)
def test_other_vocabularies_have_an_unknown_token_and_no_rare_ones(
    model: Callable[[], Any],
) -> None:
    tokenizer = wrapped(model(), unk_token="<unk>")
    found = vocabulary.of(tokenizer)
    assert found is not None
    assert (found.unknown, list(found.rare)) == ({0}, [])
    draft = Draft("text_completion")
    decode = decoder(tokenizer)
    assert decode is not None
    vocabulary.tell(draft, tokenizer, decode, [[0, 1, 1, 1]], [])
    assert told(draft.extras)["input.unknown_share"] == 0.25
    assert "input.rare_share" not in told(draft.extras)


def test_what_is_no_fast_tokenizer() -> None:
    assert vocabulary.of(None) is None
    assert vocabulary.of(object()) is None


def test_of_a_call(capture: Callable[..., Any], llama: Any, tokenizer: Any) -> None:
    texts = ["hello world how", "€ 12"]
    encoded = tokenizer(texts, return_tensors="pt", padding=True)
    with capture(content="off") as seen:
        encoded = tokenizer(texts, return_tensors="pt", padding=True)
        result = llama.generate(**encoded, max_new_tokens=8, min_new_tokens=8, do_sample=False)
    found = told(only(seen).attributes)
    prompts = [tokenizer.encode(text, add_special_tokens=False) for text in texts]
    known = vocabulary.of(tokenizer)
    assert known is not None
    ids = [token for prompt in prompts for token in prompt]
    assert found["input.tokens_per_character"] == pytest.approx(
        len(ids) / sum(map(len, texts)), rel=1e-9
    )
    assert found["input.unknown_share"] == pytest.approx(3 / len(ids))
    assert found["input.rare_share"] == pytest.approx(
        sum(token in known.rare for token in ids) / len(ids)
    )
    made = [token for row in result[:, encoded["input_ids"].shape[1] :].tolist() for token in row]
    plain = [token for token in made if token not in known.added]
    assert found["output.unknown_share"] == pytest.approx(
        sum(token in known.unknown for token in plain) / len(plain)
    )


def test_nothing_is_told_of_ids_that_no_tokenizer_made(
    capture: Callable[..., Any], llama: Any, tokenizer: Any
) -> None:
    ids = tokenizer("hello world", return_tensors="pt")["input_ids"]
    with capture() as seen:
        llama.generate(ids, max_new_tokens=4)
    assert told(only(seen).attributes) == {}


def test_nothing_is_told_of_what_is_not_recorded(tokenizer: Any) -> None:
    draft, decode = Draft("text_completion"), decoder(tokenizer)
    draft.recording = False
    assert decode is not None
    vocabulary.tell(draft, tokenizer, decode, [[20, 21]], [[22]])
    assert draft.extras == {}


def test_a_text_of_markers_only(tokenizer: Any) -> None:
    draft, decode = Draft("text_completion"), decoder(tokenizer)
    assert decode is not None
    vocabulary.tell(draft, tokenizer, decode, [[tokenizer.eos_token_id]], [[]])
    assert draft.extras == {}
