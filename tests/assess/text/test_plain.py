from __future__ import annotations

from clearspan.assess.text.plain import is_plain


def test_plain_words_in_any_form() -> None:
    assert all(
        is_plain(word) for word in ("completed", "receives", "roughly", "height", "tourists")
    )
    assert not any(is_plain(word) for word in ("lemonade", "quantum", "playwright"))
