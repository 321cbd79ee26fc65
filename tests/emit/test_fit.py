"""Truncation: never over the limit, always JSON, cut at code points, and honest about what is gone."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, strategies as st

from clearspan.core.marks import length, noted
from clearspan.emit.fit import fit

LIMIT = 1024
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs",)))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner),
    max_leaves=30,
)


def checked(value: Any, limit: int = LIMIT) -> Any:
    """What `fit` made of it, when that holds what it promises."""
    kept, encoded = fit(value, limit)
    assert len(encoded.encode()) <= limit
    assert json.loads(encoded) == kept
    return kept


def message(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "user", "parts": [{"type": "text", "content": text}], **more}


@given(VALUES, st.integers(64, 4096))
def test_anything_fits(value: Any, limit: int) -> None:
    kept = checked(value, limit)
    if len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) <= limit:
        assert kept == value


SCRIPTS = {
    "ascii": "a",
    "escaped": '"',
    "control": "\x01",
    "umlaut": "ä",
    "cjk": "漢",
    "emoji": "😀",
    "family": "👩‍👩‍👧‍👦",
    "combined": "e\u0301",
    "separator": "\u2028",
}


@pytest.mark.parametrize("sign", SCRIPTS.values(), ids=SCRIPTS)
@pytest.mark.parametrize("limit", [1024, 1025, 1026, 1027, 131_072])
def test_one_long_text_is_cut_at_a_code_point_and_uses_its_room(sign: str, limit: int) -> None:
    kept, encoded = fit([message(sign * 200_000)], limit)
    size = len(encoded.encode())
    assert limit * 0.7 <= size <= limit
    text = json.loads(encoded)[0]["parts"][0]["content"]
    body, note = re.fullmatch(r"(.*)…\[(\d+) more\]", text, re.DOTALL).groups()  # type: ignore[union-attr]
    assert (sign * 200_000).startswith(body)
    assert len(body) + int(note) == len(sign) * 200_000
    assert kept[0]["parts"][0]["content"] == text


@pytest.mark.parametrize("dear", ["\x01", "😀"])
@pytest.mark.parametrize("dear_first", [True, False])
def test_what_is_dear_at_one_end_does_not_empty_the_whole(dear: str, dear_first: bool) -> None:
    cheap, expensive = "a" * 100_000, dear * 3000
    text = expensive + cheap if dear_first else cheap + expensive
    kept = checked([message(text)], 4096)
    assert len(kept[0]["parts"][0]["content"]) > 500


def test_short_texts_stay_whole_beside_a_long_one() -> None:
    given = [message("short question"), message("x" * 10_000), message("short answer")]
    kept = checked(given)
    assert [kept[0], kept[2]] == [given[0], given[2]]
    assert re.fullmatch(r"x+…\[\d+ more\]", kept[1]["parts"][0]["content"])


def test_what_was_cut_before_is_counted_once() -> None:
    once = noted("x" * 5000, 95_000)
    text = checked([message(once)])[0]["parts"][0]["content"]
    kept, missing = re.fullmatch(r"(x+)…\[(\d+) more\]", text).groups()  # type: ignore[union-attr]
    assert len(kept) + int(missing) == 100_000


def test_half_a_picture_is_no_picture() -> None:
    blob = {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "A" * 5000}
    given = [{"role": "user", "parts": [blob, {"type": "text", "content": "y" * 2000}]}]
    picture, text = checked(given)[0]["parts"]
    assert picture == {**blob, "content": "", "omitted": 5000}
    assert text["content"].startswith("yyy")
    assert blob["content"] == "A" * 5000


def test_what_is_said_in_a_sound_is_cut_as_a_text() -> None:
    blob = {"type": "blob", "modality": "audio", "content": "A" * 9000, "transcript": "t" * 9000}
    (sound,) = checked([blob])
    assert sound["content"] == ""
    assert sound["omitted"] == 9000
    assert re.fullmatch(r"t+…\[\d+ more\]", sound["transcript"])


def test_a_blob_without_text_is_nothing_special() -> None:
    (kept,) = checked([{"type": "blob", "content": {"inner": "z" * 9000}}])
    assert re.fullmatch(r"z+…\[\d+ more\]", kept["content"]["inner"])


@pytest.mark.parametrize("count", [50, 5000])
def test_too_many_messages_lose_their_middle(count: int) -> None:
    given = [message(f"{number:05d}" + "w" * 100) for number in range(count)]
    kept = checked(given, 4096)
    numbers = [int(item["parts"][0]["content"][:5]) for item in kept]
    (gap,) = (at for at, item in enumerate(kept) if "omitted_before" in item)
    assert numbers[:gap] == list(range(gap))
    assert numbers[gap:] == list(range(count - len(numbers) + gap, count))
    assert kept[gap]["omitted_before"] == count - len(kept)
    assert abs(gap - (len(kept) - gap)) <= 1


def test_many_texts_that_fit_when_short_all_stay() -> None:
    given = [message("v" * 60) for _ in range(10)]
    kept = checked(given, 1095)
    assert [item["parts"][0]["content"] for item in kept] == ["v" * 16 + "…[44 more]"] * 10


def test_elements_that_are_no_objects_are_left_out_without_a_number() -> None:
    kept = checked([[number] for number in range(10_000)])
    assert kept[0] == [0]
    assert kept[-1] == [9999]
    assert len(kept) < 10_000


def test_an_element_that_can_never_fit_is_left_out() -> None:
    huge = {f"key{number:05d}": number for number in range(1000)}
    assert checked([huge]) == []
    assert (
        checked([message("first"), huge, message("last")])
        == [
            message("last"),
        ]
        or checked([message("first"), huge, message("last")])[-1]["omitted_before"] == 1
    )


@pytest.mark.parametrize(
    "value", [{"k" * 2000: 1}, {f"{number:04d}": 1 for number in range(900)}], ids=["key", "keys"]
)
def test_a_value_that_cannot_be_shortened_says_so(value: Any) -> None:
    assert checked(value) == "…[too large]"


def test_what_fits_is_the_same_object() -> None:
    given = [message("small")]
    kept, encoded = fit(given, LIMIT)
    assert kept is given
    assert json.loads(encoded) == given


def test_no_cut_goes_through_a_remark() -> None:
    texts = [noted("x" * number, 1) for number in range(1, 200)]
    kept = checked(texts, 16_000)
    assert kept != texts
    assert [length(text) for text in kept] == list(range(2, 201))
    assert all(text.count("more") == 1 for text in kept)
