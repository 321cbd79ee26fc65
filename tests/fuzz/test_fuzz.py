"""Bytes that nobody wrote, for everything that reads what others wrote: the short run of every test run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies

from tests.fuzz.bytes import Source
from tests.fuzz.targets import TARGETS, close


@pytest.fixture(autouse=True, scope="module")
def nothing_stays() -> Iterator[None]:
    yield
    close()


# Files are opened by a runtime of their own each time.
EXAMPLES = {"store": 6, "spool": 3, "store_read": 20, "otlp_json": 25}


@pytest.mark.parametrize("target", TARGETS)
def test_made_up_bytes_do_no_harm(
    target: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    # A damaged file is a failure that is handled, and said; strictness is for failures of ours.
    if target in ("store", "spool"):
        monkeypatch.delenv("CLEARSPAN_STRICT")

    @settings(
        max_examples=EXAMPLES.get(target, 15),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(strategies.binary(max_size=96))
    @example(b"")
    def run(data: bytes) -> None:
        TARGETS[target](data)

    run()


def test_bytes_are_numbers_until_they_are_used_up() -> None:
    source = Source(bytes([7, 0, 1, 2]))
    assert (source.below(4), source.below(1_000), source.left, source.below(9)) == (3, 258, False, 0)  # fmt: skip
    assert source.rest() == b""


@given(strategies.binary(max_size=40))
def test_pieces_are_the_whole(data: bytes) -> None:
    body = b"data: one\n\ndata: two\n\n"
    pieces = Source(data).pieces(body)
    assert b"".join(pieces) == body
    assert all(pieces)
