"""Reading settings: what is understood, and what is said when it is not."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pytest

from clearspan.core import parse

MODES = parse.one_of("off", "full")

GOOD: list[tuple[Any, Any, Any]] = [
    (parse.having("append"), [1], [1]),
    (parse.text, "  a b ", "a b"),
    (parse.flag, True, True),
    (parse.flag, " YES ", True),
    (parse.flag, "on", True),
    (parse.flag, 1, True),
    (parse.flag, False, False),
    (parse.flag, "Off", False),
    (parse.flag, 0, False),
    (MODES, " Full", "full"),
    (parse.url, " http://localhost:4318 ", "http://localhost:4318"),
    (parse.url, "https://host/base?x=1", "https://host/base?x=1"),
    (parse.url, "http://[::1]:4318", "http://[::1]:4318"),
    (parse.path, " a.db ", "a.db"),
    (parse.path, pathlib.Path("a") / "b", str(pathlib.Path("a") / "b")),
    (parse.path, b"a.db", "a.db"),
    (parse.spool, "yes", True),
    (parse.spool, "0", False),
    (parse.spool, " spool.db ", "spool.db"),
    (parse.spool, pathlib.Path("a") / "spool.db", str(pathlib.Path("a") / "spool.db")),
    (parse.judge, " http://localhost:8080/v1#m ", "http://localhost:8080/v1#m"),
    (parse.judge, len, len),
    (parse.pairs, "a=1, b = x=y ,,c=", {"a": "1", "b": "x=y", "c": ""}),
    (parse.pairs, {"a": 1}, {"a": "1"}),
    (parse.pairs, {}, {}),
    (parse.names, "a, b,,", ("a", "b")),
    (parse.names, "", ()),
    (parse.names, ["a", len], ("a", len)),
    (parse.pricing, {"models": {}}, {"models": {}}),
    (parse.pricing, " prices.json ", "prices.json"),
    (parse.pricing, pathlib.Path("prices.json"), "prices.json"),
    (parse.whole(1), "12", 12),
    (parse.whole(0), 0, 0),
    (parse.share, "0.25", 0.25),
    (parse.share, 0, 0.0),
    (parse.share, 1, 1.0),
    (parse.duration, 5, 5.0),
    (parse.duration, 0.5, 0.5),
    (parse.duration, 1e-05, 1e-05),
    (parse.duration, "1.5", 1.5),
    (parse.duration, "250ms", 0.25),
    (parse.duration, "2 M", 120.0),
    (parse.duration, "36h", 129_600.0),
    (parse.duration, "7d", 604_800.0),
    (parse.duration, "1w", 604_800.0),
    (parse.size, 1024, 1024),
    (parse.size, 1e22, 10**22),
    (parse.size, "2048", 2048),
    (parse.size, "1.5kb", 1500),
    (parse.size, "2 MiB", 2**21),
    (parse.size, "1GB", 10**9),
]  # fmt: skip

BAD: list[tuple[Any, Any, str]] = [
    (parse.having("get_tracer"), "provider", "must be an OpenTelemetry provider, with a method get_tracer"),
    (parse.having("get_tracer"), None, "must be an OpenTelemetry provider, with a method get_tracer"),
    (parse.text, "  ", "must be a text that is not empty"),
    (parse.text, 5, "must be a text that is not empty"),
    (parse.flag, "maybe", "use true or false"),
    (parse.flag, None, "use true or false"),
    (MODES, "half", "use one of off, full"),
    (parse.url, "localhost:4318", "use an address such as http://localhost:4318"),
    (parse.url, "ftp://host", "use an address such as http://localhost:4318"),
    (parse.url, "http://:4318", "use an address such as http://localhost:4318"),
    (parse.url, "http://u:p@host", "must not hold a user or password; use headers"),
    (parse.url, "http://u@host", "must not hold a user or password; use headers"),
    (parse.url, "http://host:port", "port"),
    (parse.url, "http://host:70000", "ort"),
    (parse.url, "http://[::1", "IPv6"),
    (parse.path, "", "must be a text that is not empty"),
    (parse.path, 5, "use the path of a file"),
    (parse.path, True, "use the path of a file"),
    (parse.pairs, "a", "use name=value, separated by commas"),
    (parse.pairs, "=1", "use name=value, separated by commas"),
    (parse.spool, " ", "must be a text that is not empty"),
    (parse.judge, "", "must be a text that is not empty"),
    (parse.pairs, "", "must be a text that is not empty"),
    (parse.pairs, 5, "must be a text that is not empty"),
    (parse.names, 5, "must be a list"),
    (parse.pricing, 5, "use a price table"),
    (parse.pricing, [], "use a price table"),
    (parse.whole(1), "0", "must be a whole number of at least 1"),
    (parse.whole(1), "many", "must be a whole number of at least 1"),
    (parse.whole(1), True, "must be a whole number of at least 1"),
    (parse.whole(2), None, "must be a whole number of at least 2"),
    (parse.share, "1.1", "must be a number from 0 to 1"),
    (parse.share, -0.1, "must be a number from 0 to 1"),
    (parse.share, float("nan"), "must be a number from 0 to 1"),
    (parse.share, "half", "must be a number from 0 to 1"),
    (parse.duration, "soon", "use seconds, or a number with ms, s, m, h, d or w"),
    (parse.duration, "5y", "use seconds, or a number with ms, s, m, h, d or w"),
    (parse.duration, 0, "must be above 0"),
    (parse.duration, "-5", "must be above 0"),
    (parse.duration, "-1d", "must be above 0"),
    (parse.duration, -5, "must be above 0"),
    (parse.duration, float("inf"), "use seconds"),
    (parse.duration, True, "use seconds"),
    (parse.duration, None, "use seconds"),
    (parse.size, "1023", "must be at least 1024 bytes"),
    (parse.size, "10 apples", "use bytes, or a number with KB, MB, GB, KiB, MiB or GiB"),
    (parse.size, False, "use bytes"),
    (parse.size, 0, "must be above 0"),
    (parse.size, "-5MB", "must be above 0"),
]  # fmt: skip


@pytest.mark.parametrize(("read", "value", "expected"), GOOD)
def test_understood(read: Any, value: Any, expected: Any) -> None:
    found = read(value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("write", "read", "value", "text"),
    [
        (parse.spelt_duration, parse.duration, 604_800.0, "7d"),
        (parse.spelt_duration, parse.duration, 5_400.0, "90m"),
        (parse.spelt_duration, parse.duration, 30.0, "30s"),
        (parse.spelt_duration, parse.duration, 2.5, "2.5s"),
        (parse.spelt_duration, parse.duration, 0.1, "100ms"),
        (parse.spelt_size, parse.size, 536_870_912, "512MiB"),
        (parse.spelt_size, parse.size, 2**30, "1GiB"),
        (parse.spelt_size, parse.size, 131_072, "128KiB"),
        (parse.spelt_size, parse.size, 500_000_000, "500000000"),
    ],
)
def test_what_is_spelt_is_read_back(write: Any, read: Any, value: Any, text: str) -> None:
    assert write(value) == text
    assert read(text) == value


@pytest.mark.parametrize(("read", "value", "remedy"), BAD)
def test_refused_with_a_remedy(read: Any, value: Any, remedy: str) -> None:
    with pytest.raises((ValueError, TypeError), match=re.escape(remedy)):
        read(value)
