from __future__ import annotations

from clearspan.assess.judge.cache import Cache, key_of
from clearspan.score import Score


def test_what_was_used_last_is_kept() -> None:
    cache = Cache(2)
    for name in "ab":
        cache.put(name, Score(label=name))
    assert cache.get("a") == Score(label="a")
    cache.put("c", Score(label="c"))
    assert cache.get("b") is None
    assert cache.get("a") is not None
    cache.renew()
    assert cache.get("a") is None


def test_a_cache_of_no_size_keeps_nothing() -> None:
    cache = Cache(0)
    cache.put("a", Score(label="a"))
    assert cache.get("a") is None


def test_keys_tell_versions_and_texts_apart_and_hold_neither() -> None:
    keys = {
        key_of("v1", {"answer": "a"}),
        key_of("v2", {"answer": "a"}),
        key_of("v1", {"answer": "b"}),
        key_of("v1", {"question": "a"}),
        key_of("v1", {"answer": "\ud800"}),  # half a surrogate pair
    }
    assert len(keys) == 5
    assert key_of("v1", {"answer": "a"}) in keys
    assert all(len(key) == 64 for key in keys)
