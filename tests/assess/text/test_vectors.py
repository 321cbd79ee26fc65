from __future__ import annotations

import math

import pytest

from clearspan.assess.text.vectors import cosine, dense_cosine, vector


def test_a_text_is_like_itself() -> None:
    one = vector("Photosynthesis in green plants")
    assert sum(weight**2 for weight in one.values()) == pytest.approx(1.0)
    assert cosine(one, one) == pytest.approx(1.0)


def test_rare_words_in_common_count_more_than_common_ones() -> None:
    asked = vector("Explain the benefits of photosynthesis")
    about = vector("Photosynthesis feeds plants and all who eat them")
    beside = vector("The benefits of tea")
    assert cosine(asked, about) > cosine(asked, beside) > 0


def test_forms_of_a_word_are_alike() -> None:
    assert cosine(vector("swimming"), vector("swims")) > cosine(
        vector("swimming"), vector("flying")
    )


def test_function_words_alone_make_no_vector() -> None:
    assert vector("what is it that they have") == {}
    assert cosine(vector("the"), vector("sun")) == 0.0


def test_dense_vectors() -> None:
    assert dense_cosine([1, 0], [1, 1]) == pytest.approx(math.sqrt(0.5))
    assert dense_cosine([1, 0], [-1, 0]) == -1.0
    assert dense_cosine([0, 0], [1, 0]) is None
    assert dense_cosine([math.inf, 0], [1, 0]) is None
    with pytest.raises(ValueError, match="zip"):
        dense_cosine([1, 2], [1])
