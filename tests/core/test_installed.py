"""What is installed is told as `importlib.metadata` tells it, wherever it lies."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from clearspan import registry
from clearspan.core import installed

GROUPS = (registry.PROVIDERS, registry.EXPORTERS, registry.SAMPLERS, registry.EVALUATORS)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path, and nothing else there."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return tmp_path


def lay(folder: Path, name: str, entries: str | None = None, metadata: str | None = None) -> None:
    """The metadata of a distribution, as installers write them."""
    home = folder / name
    home.mkdir()
    if entries is not None:
        (home / "entry_points.txt").write_text(entries, encoding="utf-8")
    if metadata is not None:
        file = "METADATA" if name.endswith(".dist-info") else "PKG-INFO"
        (home / file).write_text(metadata, encoding="utf-8")


def told(group: str = registry.EXPORTERS) -> list[tuple[str, str]]:
    return [(entry.name, entry.value) for entry in installed.entries(group)]


@pytest.mark.parametrize("group", GROUPS)
def test_entry_points_are_those_of_the_standard_library(group: str) -> None:
    theirs = importlib.metadata.entry_points(group=group)
    assert sorted(told(group)) == sorted((each.name, each.value) for each in theirs)
    assert theirs


def test_versions_are_those_of_the_standard_library() -> None:
    names = {each.metadata["Name"] for each in importlib.metadata.distributions()}
    with installed.once():
        found = {name: installed.version(name) for name in names}
    assert found == {name: importlib.metadata.version(name) for name in names}
    assert installed.version("no-such-thing") is None


def test_entry_points_are_read_as_they_are_written(place: Path) -> None:
    lay(place, "plain-1.0.dist-info", "[console_scripts]\nclearspan.x = a:b\n")
    lay(place, "Some_Plug.in-2.0.dist-info", metadata="", entries="""
# a remark = with a sign
[clearspan.exporters]
one = json:dumps
 two=json.encoder : JSONEncoder.encode [extra]
; what says nothing
[ clearspan.samplers ]
three = json
""")  # fmt: skip
    lay(place, "silent-1.0.dist-info")
    assert told() == [("one", "json:dumps"), ("two", "json.encoder : JSONEncoder.encode [extra]")]
    assert told(registry.SAMPLERS) == [("three", "json")]
    assert told(registry.PROVIDERS) == []
    import json

    one, two = installed.entries(registry.EXPORTERS)
    (three,) = installed.entries(registry.SAMPLERS)
    assert (one.load(), two.load(), three.load()) == (json.dumps, json.JSONEncoder.encode, json)
    assert installed.version("some-plug_in") == "2.0"


def test_a_file_that_is_no_text_is_passed_over(place: Path) -> None:
    lay(place, "broken-1.0.dist-info")
    (place / "broken-1.0.dist-info" / "entry_points.txt").write_bytes(
        b"[clearspan.exporters]\n\xff"
    )
    lay(place, "whole-1.0.dist-info", "[clearspan.exporters]\na = b\n")
    assert told() == [("a", "b")]


def test_what_is_first_on_the_path_counts(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = place / "other"
    other.mkdir()
    odd: list[Any] = [place, "with a \0", str(place / "missing"), str(place), str(other)]
    monkeypatch.setattr(sys, "path", odd)
    lay(place, "plug-1.0.dist-info", "[clearspan.exporters]\na = first\n", "")
    lay(other, "Plug-2.0.dist-info", "[clearspan.exporters]\na = second\n")
    assert told() == [("a", "first")]
    assert installed.version("plug") == "1.0"


def test_the_folder_that_a_program_runs_in_counts_where_the_path_has_it(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [""])
    monkeypatch.chdir(place)
    lay(place, "plug-1.0.dist-info", "[clearspan.exporters]\na = b\n")
    assert told() == [("a", "b")]


def test_a_folder_whose_name_tells_no_version_is_asked(place: Path) -> None:
    lay(place, "old.egg-info", "[clearspan.exporters]\na = b\n", "Metadata-Version: 1.0\nName: old\nVersion: 3.1\n")  # fmt: skip
    assert told() == [("a", "b")]
    assert installed.version("old") == "3.1"


def test_archives_on_the_path_are_left_to_the_standard_library(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = place / "packed.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("packed-4.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: packed\nVersion: 4.0\n")  # fmt: skip
        file.writestr("packed-4.0.dist-info/entry_points.txt", "[clearspan.exporters]\na = json:loads\n")  # fmt: skip
    monkeypatch.setattr(sys, "path", [str(archive)])
    assert told() == [("a", "json:loads")]
    assert installed.version("packed") == "4.0"
    assert installed.version("no-such-thing") is None


def test_finders_of_their_own_are_left_to_the_standard_library(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(place, "plug-5.0.dist-info", None, "Metadata-Version: 2.1\nName: plug\nVersion: 5.0\n")

    class Finder:
        asked = 0

        @classmethod
        def find_spec(cls, *given: Any) -> None:
            return None

        @classmethod
        def find_distributions(cls, context: Any = None) -> list[Any]:
            cls.asked += 1
            return [importlib.metadata.PathDistribution(place / "plug-5.0.dist-info")]

    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    monkeypatch.setattr(sys, "path", [])
    assert installed.version("plug") == "5.0"
    assert Finder.asked


def test_within_a_start_the_disk_is_asked_once(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(place, "plug-1.0.dist-info", "[clearspan.exporters]\na = b\n", "")
    asked: list[Any] = []
    real = os.scandir

    def scandir(folder: Any) -> Any:
        asked.append(folder)
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    with installed.once():
        for _ in range(3):
            assert told() == [("a", "b")]
            assert installed.version("plug") == "1.0"
        assert len(asked) == 1
    told()
    assert len(asked) == 2


def test_a_folder_that_was_left_behind_tells_no_version(place: Path) -> None:
    lay(place, "gone-1.0.dist-info")
    assert installed.version("gone") is None


def test_eggs_are_left_to_the_standard_library(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    egg = place / "plug-3.0-py3.11.Egg"
    (egg / "EGG-INFO").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(egg)])
    assert installed._folders() is None
