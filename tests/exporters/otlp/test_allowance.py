"""How much may be sent a second."""

from __future__ import annotations

from clearspan.exporters.otlp.spool.allowance import Allowance


def test_a_second_is_worth_its_rate_and_no_more_is_saved_up() -> None:
    now = [100.0]
    allowance = Allowance(1_000, lambda: now[0])
    assert allowance.wait() == 0
    allowance.spend(3_000)
    assert allowance.wait() == 3
    now[0] += 2
    assert allowance.wait() == 1
    now[0] += 3_600
    assert allowance.wait() == 0
    allowance.spend(1_000)
    assert allowance.wait() == 0
    allowance.spend(500)
    assert allowance.wait() == 0.5


def test_without_a_rate_nothing_waits() -> None:
    allowance = Allowance(None)
    allowance.spend(10**12)
    assert allowance.wait() == 0
