from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from clearspan.offline import lines
from clearspan.offline.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "f.jsonl"


def test_lines_have_their_number_and_their_place(file: Path) -> None:
    file.write_bytes(b'\xef\xbb\xbf{"a": 1}\n\n  \r\n{"b": 2}\r\n[3]')
    found = list(lines.lines(file))
    assert [(line.number, line.value) for line in found] == [(1, {"a": 1}), (4, {"b": 2}), (5, [3])]
    assert [lines.value_at(file, line.offset, line.number) for line in found] == [{"a": 1}, {"b": 2}, [3]]  # fmt: skip
    assert lines.count(file) == 5
    assert lines.first(file) == b'{"a": 1}'


@pytest.mark.parametrize(("text", "count"), [(b"", 0), (b"a", 1), (b"a\n", 1), (b"a\nb", 2)])
def test_lines_are_counted(file: Path, text: bytes, count: int) -> None:
    file.write_bytes(text)
    assert lines.count(file) == count


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"a": 1}\n{"a": }\n', ":2: is no JSON: Expecting value at column 7"),
        (b'{"a": 1}\n\n{"a": "b', ":3: is no JSON: Unterminated string"),
        (b'{"a": "\xff"}\n', ":1: is no UTF-8"),
        (b"[" * 100_000 + b"\n", ":1: is nested too deep"),
        (b'{"a": ' + b"9" * 5_000 + b"}\n", ":1: has a number that is too long"),
    ],
)
def test_a_broken_line_is_named(file: Path, text: bytes, said: str) -> None:
    file.write_bytes(text)
    with pytest.raises(SourceError) as caught:
        list(lines.lines(file))
    assert f"{file}{said}" in str(caught.value)


def test_a_broken_line_can_be_told_as_what_it_is(file: Path) -> None:
    file.write_bytes(b'{"a": \n3')
    wrong, sound = lines.lines(file, "it", broken=True)
    assert (wrong.number, sound.value) == (1, 3)
    assert str(wrong.value).startswith("clearspan: it:1: is no JSON")
    assert isinstance(lines.value_at(file, 0, 1, broken=True), SourceError)


def test_a_document_over_many_lines(file: Path) -> None:
    file.write_text('{\n "a": [1,\n 2]\n}\n')
    assert not lines.one_a_line(file)
    assert lines.whole(file) == {"a": [1, 2]}
    file.write_text('{\n "a": [1,\n 2\n}\n')
    with pytest.raises(SourceError, match="at line 4, column 1"):
        lines.whole(file)


@pytest.mark.parametrize("text", [b'{"a": 1}\n', b'{"a" 1}\n', b"", b"\xff\n", b"[" * 100_000])
def test_what_stands_one_a_line(file: Path, text: bytes) -> None:
    file.write_bytes(text)
    assert lines.one_a_line(file) is (text != b"")
