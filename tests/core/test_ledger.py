"""The accounting identity holds at any moment, whoever counts."""

from __future__ import annotations

import gc
import threading
import weakref
from dataclasses import asdict

from clearspan.core.ledger import Accounts, Ledger


def test_the_books_of_nothing() -> None:
    assert Ledger().read() == Accounts(0, 0, 0, {})
    assert Ledger().read().pending == 0


def test_everything_created_is_somewhere() -> None:
    ledger = Ledger()
    for _ in range(10):
        ledger.create()
    ledger.settle("exported", 3)
    ledger.settle("stored")
    ledger.drop("queue_full", 2)
    ledger.drop("unsampled")
    books = ledger.read()
    assert books == Accounts(10, 3, 1, {"queue_full": 2, "unsampled": 1})
    assert books.pending == 3
    assert ledger.read() == books  # reading counts nothing
    assert repr(books) == (
        "Accounts(created=10, exported=3, stored=1, dropped={'queue_full': 2, 'unsampled': 1}, pending=3)"
    )
    assert asdict(books)["pending"] == 3


def test_a_reading_stays_what_it_was() -> None:
    ledger = Ledger()
    ledger.drop("a")
    before = ledger.read()
    ledger.drop("a")
    ledger.create()
    assert before == Accounts(0, 0, 0, {"a": 1})


def test_a_new_start() -> None:
    ledger = Ledger()
    ledger.create()
    ledger.settle("exported")
    ledger.drop("a")
    ledger.renew()
    assert ledger.read() == Accounts(0, 0, 0, {})


def test_many_threads_lose_no_count() -> None:
    ledger = Ledger()
    start = threading.Barrier(8)

    def count() -> None:
        start.wait()
        for _ in range(1000):
            ledger.create()
            ledger.settle("exported")
            ledger.drop("x")

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.read() == Accounts(8000, 8000, 0, {"x": 8000})


class _Circle:
    def __init__(self) -> None:
        self.self = self


def test_a_finaliser_may_count_while_the_books_are_open() -> None:
    ledger = Ledger()
    weakref.finalize(_Circle(), ledger.drop, "abandoned")
    with ledger._lock:
        gc.collect()
    assert ledger.read().dropped == {"abandoned": 1}
