from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from clearspan.figures.tokens import estimate as module
from clearspan.figures.tokens.estimate import estimate


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("", 0, 0),
        ("The cat sat on the mat.", 5, 8),
        ("internationalisation", 3, 8),
        ("1234567890", 4, 6),
        ("naïve café", 4, 8),
        ("渡轮六点半出发", 4, 8),
        ("フェリー", 2, 4),
        ("паром отходит", 3, 6),
        ("واترك الكتب", 3, 6),
        ("किताबें घर पर", 3, 7),
        ("가벼운 배", 2, 5),
        ("ต้นไม้", 2, 4),
        ("ქართული", 2, 5),
        ("🚢🚢🚢", 4, 9),
        ("、。", 1, 2),
        ("if (a[0] == b):\n    return {}\n", 9, 14),
    ],
)
def test_each_script_costs_what_it_costs(text: str, least: int, most: int) -> None:
    assert least <= estimate(text) <= most


def test_older_vocabularies_know_fewer_words_of_other_scripts() -> None:
    for text in ("渡轮六点半出发。所以我们今晚就应该收拾行李", "किताबें घर पर छोड़ दो"):
        assert estimate(text, "cl100k_base") > estimate(text, "o200k_base") == estimate(text)


def test_it_grows_with_the_text() -> None:
    once = "Bring a warm coat, because the wind on deck is cold even in August. "
    assert estimate(once * 10) == pytest.approx(10 * estimate(once), rel=0.05)


def test_long_texts_are_sampled_and_come_out_alike() -> None:
    line = "Sit near the middle of the ship and look at the horizon, 42 times.\n"
    whole = estimate(line * 1_000)
    assert estimate(line * 20_000) == pytest.approx(20 * whole, rel=0.01)


WORDS = st.sampled_from(
    (
        "word",
        " ",
        "  ",
        "\t\t",
        "\n",
        "\r\n",
        "12345",
        "...",
        "a_b",
        "\x00",
        "\x7f",
        "\x1d\x1e",
        "\v\f",
    )
)


@given(
    st.lists(st.one_of(WORDS, st.text(st.characters(max_codepoint=127), max_size=12)), max_size=40)
)
def test_a_text_of_ascii_is_judged_as_any_other(pieces: list[str]) -> None:
    text = "".join(pieces)
    costs = module._NEWER
    both = (module._plain(text), module._mixed(text))
    plain, mixed = ({kind: kinds.get(kind, 0) for kind in costs} for kinds in both)
    assert plain == mixed
