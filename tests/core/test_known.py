"""Keys that clients hold, known by value."""

from __future__ import annotations

import base64
import random
from collections import ChainMap
from collections.abc import Iterable

import httpx
import pytest

from clearspan.core import known

KEY = "0123456789abcdefghij"


def test_a_key_is_known_wherever_it_stands() -> None:
    known.note(KEY)
    known.note(KEY)
    assert known.within(f"no: {KEY}!")
    assert known.without(f"{KEY} and {KEY}", "[secret]") == "[secret] and [secret]"
    assert known.without("nothing", "[secret]") == "nothing"
    known.forget()
    assert not known.within(KEY)


@pytest.mark.parametrize(
    "given",
    [
        None,
        7,
        b"0123456789abcdefghij",
        "",
        "unused",
        "sk-no-key-required",
        "1234567890123456",
        "abc1",
        "abc123def456",
    ],
)
def test_what_can_be_no_key_is_not_noted(given: object) -> None:
    known.note(given)
    assert not known.within(str(given))


def test_headers_and_logins_are_keys_less_what_stands_before_them() -> None:
    known.note_headers(
        {"authorization": f"Bearer {KEY}", "x-number": 7, "accept": "application/json"}
    )
    known.note_headers("no headers")
    known.note_address("https://ada:p4ssword%20of-some-length@host/v1")
    known.note_address("https://host/v1")
    assert known.without(f"Bearer {KEY}", "*") == "Bearer *"
    assert known.without("p4ssword of-some-length", "*") == "*"
    assert known.within(base64.b64encode(b"ada:p4ssword of-some-length").decode())
    assert not known.within("application/json")


def test_those_used_last_are_known_and_no_more_than_that() -> None:
    keys = [f"{number:04}-of-the-many-keys" for number in range(1_400)]
    for key in keys:
        known.note(key)
    found = [key for key in keys if known.within(key)]
    assert 1_024 <= len(found) <= 1_024 + 65
    assert found == keys[-len(found) :]
    known.note(found[0])
    for key in keys[:66]:  # what was forgotten is known again, and the one used just before stays
        known.note(key)
    assert all(known.within(key) for key in (*keys[:66], found[0]))
    assert not known.within(found[1])
    for number in range(5_000):
        known.note(f"no key {number}")
    assert len(known._no_keys) <= 4_096


@pytest.mark.parametrize(
    "key", ["canary-key-of-somebody", "12345678901234567890", "aB3dE5fG7hJ9", "correct horse battery staple"]
)  # fmt: skip
def test_what_a_client_holds_as_its_key_may_be_of_any_form(key: str) -> None:
    known.note_key(key)
    assert known.within(f"no: {key}")


@pytest.mark.parametrize(
    "word", ["unused", "sk-no-key-required", "your-api-key-here", "test-api-key-1234", "abcdefghijkl", "a1b2c3", "", None]
)  # fmt: skip
def test_what_stands_for_a_key_is_none(word: str | None) -> None:
    known.note_key(word)
    known.note_key(word)
    assert not known.within(f"{word}")


def test_headers_and_parameters_that_say_who_asks_not_what_is_asked() -> None:
    known.note_headers(
        {"X-Request-ID": "req-0123456789abcdef", "traceparent": "00-0123456789abcdef", "x-gateway": "gate-0123456789abc",
         "cookie": "theme=dark; sid=cookie-0123456789ab", "x-api-key": "all-letters-of-somebody", 7: "seven-0123456789abc"}
    )  # fmt: skip
    known.note_query({"api-version": "2024-10-01-preview", "code": "query-0123456789ab", 7: KEY})
    known.note_query("none")
    known.note_address(
        "https://h/R4nD0mPathKey9x7/deployments/gPT4oMini20240718/v1?k=asked-0123456789ab"
    )
    known.note_address("http://[")
    for key in ("gate-0123456789abc", "cookie-0123456789ab", "all-letters-of-somebody", "query-0123456789ab",
                "R4nD0mPathKey9x7", "asked-0123456789ab"):  # fmt: skip
        assert known.within(key)
    for word in ("req-0123456789abcdef", "00-0123456789abcdef", "seven-0123456789abc", "2024-10-01-preview",
                 "gPT4oMini20240718", KEY):  # fmt: skip
        assert not known.within(word)


def test_what_an_http_client_sends_with_each_request() -> None:
    class Signed(httpx.Auth):
        def __init__(self) -> None:
            self.signature, self.number = "auth-0123456789abcd", 7

    known.note_http_client(
        httpx.Client(
            headers={"x-gw": "header-0123456789a"}, cookies={"sid": "jar-0123456789abcd"},
            params={"gw": "param-0123456789abcd"}, auth=Signed(),
        )
    )  # fmt: skip
    known.note_http_client(httpx.Client())
    known.note_http_client(7)
    keys = ["header-0123456789a", "jar-0123456789abcd", "param-0123456789abcd", "auth-0123456789abcd"]  # fmt: skip
    assert known.without(" ".join(keys), "*") == "* * * *"


def test_what_a_request_carried() -> None:
    known.note_request(httpx.Request("GET", "https://h/x?k=asked-0123456789ab", headers={"x-sig": KEY}))  # fmt: skip
    known.note_request(None)
    assert known.without(f"{KEY} asked-0123456789ab", "*") == "* *"


def test_a_key_that_begins_as_another_does() -> None:
    known.note(KEY)
    known.note(f"{KEY}klmnop")
    assert known.without(f"{KEY}klmnop", "*") == "*"


@pytest.mark.parametrize("shape", ["sk-tenant-{:06}-abc", "{:040x}", "{}-words and-spaces"], ids=["alike", "random", "words"])  # fmt: skip
def test_F70_many_keys_are_found_wherever_they_stand(shape: str) -> None:
    chance = random.Random(7)
    keys = [shape.format(chance.getrandbits(18)) for _ in range(900)]
    for key in keys:
        known.note_key(key)
    kept = [key for key in keys if known.within(key)]
    assert len(kept) == 900
    prose = "what is said in between, chatcmpl-0123456789 and so on; " * 40
    image = base64.b64encode(chance.randbytes(3_000)).decode()
    for filler in ("", "x", " ", prose, image):
        for key in chance.sample(keys, 40):
            text = f"{filler}{key}{filler}"
            assert known.within(text)
            assert key not in known.without(text, "*")
            assert not known.within(text.replace(key, "-"))
            assert not known.within(key[:-1])


def test_F70_what_is_settled_by_others_meanwhile_stays_known(monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """While one thread puts the young keys among the others, further ones come, and old ones are used."""
    first = f"{KEY}-used-again"
    known.note(first)
    for number in range(1_100):
        known.note(f"{number:04}-of-the-many-keys")
    assert not known.within(first)
    known.note(first)
    real = known.Index

    def meanwhile(keys: Iterable[str]) -> object:
        made = real(tuple(keys))
        monkeypatch.setattr(known, "Index", real)
        for number in range(200):
            known.note(f"{number:04}-came-meanwhile")
        known.note(first)
        return made

    monkeypatch.setattr(known, "Index", meanwhile)
    known._settle()
    assert known.within(first)
    assert all(known.within(f"{number:04}-came-meanwhile") for number in range(200))


def test_F70_a_key_that_is_let_go_and_used_again_meanwhile_stays_known(monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    known.note(KEY)
    known.note(f"{KEY}-used-later")
    real = known.Index

    def meanwhile(keys: Iterable[str]) -> object:
        made = real(tuple(keys))
        known.note(KEY)
        return made

    monkeypatch.setattr(known, "Index", meanwhile)
    monkeypatch.setattr(known, "_MOST", 1)
    known._settle()
    assert known.within(KEY)


def test_F61_what_can_be_no_key_is_remembered_within_bounds() -> None:
    for number in range(5_000):
        known.note(f"{number} and further words")
    known.note("no digit in any of it")
    for letter in range(5_000):
        known.note("no digit " + chr(0x4E00 + letter) * 8)
    assert len(known._no_keys) <= 4_096


def test_F61_what_is_far_too_long_for_a_key_is_not_kept() -> None:
    long = "a1" * 5_000
    known.note(long)
    known.note_key(long)
    known.note_headers({"authorization": f"Bearer {long}"})
    known.note_address(f"https://host/?key={long}")
    known.note_http_client(httpx.Client(headers={"x-gateway": long}))
    known.note("no digit " * 100)
    assert not known.within(long)
    assert known._keys == {}
    assert max((len(value) for _, value in known._no_keys), default=0) <= 256


class Held:
    """A client with one key, which says how often it was looked at."""

    def __init__(self, key: str) -> None:
        self.key, self.looks = key, 0

    def note(self, *more: object) -> None:
        parts = self.key, *more
        told = known.recalled(self, parts)
        if told is None:
            told = known.note_client(self, parts, self.look, lambda: self.key)
        assert told == self.key

    def look(self) -> list[str]:
        self.looks += 1
        return known.note_key(self.key)


def test_F70_a_client_is_looked_at_again_when_it_holds_something_else() -> None:
    client = Held(KEY)
    for _ in range(3):
        client.note("same")
    assert client.looks == 1
    client.note("other")
    client.key = f"{KEY}-rotated"
    client.note("other")
    assert client.looks == 3
    assert known.without(f"{KEY}-rotated {KEY}", "*") == "* *"
    for _ in range(2):
        known.note_client(client, None, client.look, tuple)  # what can change in itself
        client.note("long" * 3_000)
        client.note("long" * 3_000)
        client.note((b"long" * 3_000,))
    assert client.looks == 11


def test_F70_the_key_of_a_client_that_is_not_looked_at_again_stays_known() -> None:
    client = Held(KEY)
    for number in range(2_000):
        client.note()
        known.note(f"{number:04}-of-the-many-keys")
    assert known.within(KEY)
    assert client.looks == 1


def test_F61_clients_are_remembered_within_bounds() -> None:
    clients = [Held(f"{number:04}-of-the-many-keys") for number in range(600)]
    for client in clients:
        client.note()
    assert len(known._clients) <= 256


def test_the_parts_of_a_client_are_told_where_they_cannot_change_in_themselves() -> None:
    client = httpx.Client(headers={"x-gw": KEY})
    before = known.of_http_client(client)
    assert before is not None
    assert before == known.of_http_client(client)
    client.headers["x-gw"] = f"{KEY}-new"
    assert known.of_http_client(client) != before
    for other in (
        httpx.Client(auth=("a", KEY)), httpx.Client(cookies={"sid": KEY}), 7,
    ):  # fmt: skip
        assert known.of_http_client(other) is None


def test_F70_a_part_that_changes_in_itself_is_seen() -> None:
    client, held = Held(KEY), {"a": "b"}
    for _ in range(2):
        client.note(held)
    assert client.looks == 1
    held["a"] = "c"
    client.note(held)
    assert client.looks == 2
    for more in (
        {"a": 1},
        {1: "a"},
        ChainMap({"a": "b"}),
        {"a": "long" * 3_000},
        [],
        Proxy({"a": "b"}),
    ):
        looks = client.looks
        for _ in range(2):
            client.note(more)
        assert client.looks == looks + 2


class Proxy:
    """What stands for something else, of which it has the class by its own word."""

    def __init__(self, of: object) -> None:
        self.of = of

    @property
    def __class__(self) -> type:  # type: ignore[override]  # as such proxies do
        return type(self.of)

    @__class__.setter
    def __class__(self, cls: type) -> None:
        raise TypeError


def test_F70_a_client_that_holds_more_or_other_kinds_of_things_is_looked_at_again() -> None:
    client = Held(KEY)
    for more in ((), ({},), ({}, "a"), ({}, b"a"), ({"a": "b"}, b"a"), ({}, b"a"), ("", b"a")):
        looks = client.looks
        client.note(*more)
        assert client.looks == looks + 1
        client.note(*(each.copy() if type(each) is dict else each for each in more))
        assert client.looks == looks + 1
    equal = ("a" * 20, "b" * 20)
    client.note(equal)
    client.note(("a" * 20, "".join(["b"] * 20)))
    assert client.looks == 8


def test_F70_what_changes_while_it_is_looked_at_is_looked_at_again() -> None:
    held = {"authorization": KEY}

    class Rotating(Held):
        def look(self) -> list[str]:
            noted = known.note_headers(held)
            if self.looks == 0:
                held["authorization"] = f"{KEY}-rotated"
            self.looks += 1
            return noted

    client = Rotating(KEY)
    client.note(held)
    assert known.without(f"{KEY}-rotated", "*") == "*-rotated"
    client.note(held)
    assert client.looks == 2
    assert known.without(f"{KEY}-rotated", "*") == "*"


def test_F70_headers_that_can_be_changed_are_looked_at_each_time() -> None:
    client = Held(KEY)
    for part, looks in ((httpx.URL("https://host/"), 1), (httpx.Headers({"a": "b"}), 3), (httpx.Cookies(), 3)):  # fmt: skip
        before = client.looks
        for _ in range(3):
            client.note(part)
        assert client.looks == before + looks


def test_F70_values_of_the_hosts_are_not_asked_whether_they_are_the_same() -> None:
    class Same(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            raise AssertionError("nobody asks")

        __hash__ = str.__hash__

    client, held = Held(KEY), {"a": "b"}
    client.note(held)
    held["a"] = Same("b")
    client.note(held)
    assert client.looks == 2
