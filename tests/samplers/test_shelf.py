"""Who computes on a device, as far as the ids of processes tell."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clearspan.samplers import at_work, is_root, sees_all

OWN = os.getpid()


@pytest.mark.parametrize(
    ("ids", "everybody", "hidden"),
    [
        ([], (False, False), (None, None)),
        ([OWN], (False, True), (None, True)),  # those of other containers are not listed
        ([OWN + 1], (True, True), (None, True)),  # perhaps this one, by the host's id
        ([OWN, OWN + 1], (True, True), (True, True)),
        ([OWN + 1, OWN + 2], (True, True), (True, True)),
    ],
)
def test_who_is_there(
    ids: list[int],
    everybody: tuple[bool | None, bool | None],
    hidden: tuple[bool | None, bool | None],
) -> None:
    assert at_work(ids, everybody=True) == everybody
    assert at_work(ids, everybody=False) == hidden


@pytest.mark.parametrize(("link", "all_seen"), [("pid:[4026531836]", True), ("pid:[4026532911]", False)])  # fmt: skip
def test_a_container_has_a_namespace_of_its_own(
    monkeypatch: pytest.MonkeyPatch, link: str, all_seen: bool
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(Path, "readlink", lambda _: Path(link))
    assert sees_all() is all_seen


def test_without_proc_nothing_is_certain_and_elsewhere_there_are_no_namespaces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(_: Path) -> Path:
        raise PermissionError

    monkeypatch.setattr(Path, "readlink", fails)
    monkeypatch.setattr("sys.platform", "linux")
    assert sees_all() is False
    monkeypatch.setattr("sys.platform", "darwin")
    assert sees_all() is True


def test_only_root_sees_other_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0, raising=False)
    assert is_root() is True
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert is_root() is False
    monkeypatch.delattr("os.geteuid")
    assert is_root() is False
