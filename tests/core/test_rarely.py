from __future__ import annotations

from clearspan.core.rarely import Rarely


def test_each_subject_is_due_once_a_minute() -> None:
    now = [0.0]
    rarely = Rarely(lambda: now[0])
    assert [rarely.due("a"), rarely.due("a"), rarely.due("b")] == [True, False, True]
    now[0] = 59.9
    assert not rarely.due("a")
    now[0] = 60.0
    assert rarely.due("a")


def test_subjects_without_end_are_forgotten_rather_than_kept() -> None:
    rarely = Rarely(lambda: 0.0)
    subjects = [f"subject {number}" for number in range(256)]
    assert all(rarely.due(each) for each in subjects)
    assert not any(rarely.due(each) for each in subjects)
    assert rarely.due("one more")
    assert not rarely.due("one more")
    assert rarely.due(subjects[0])
