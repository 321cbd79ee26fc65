from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from clearspan.exporters.store import StoreReader
from clearspan.offline.errors import SourceError
from clearspan.offline.items import Item
from clearspan.offline.sources import opened
from clearspan.record import Invocation, Timing, TraceRef
from tests.offline.conftest import Write, chat, lines


def items(source: Any, *, by_session: bool = False, **narrowed: Any) -> list[Item]:
    return list(opened(source, **narrowed).items(by_session=by_session))


def test_rows_of_a_file(write: Write) -> None:
    path = write("r.jsonl", [{"id": "a", "input": "1"}, {"input": "2", "session": "s"}])
    source = opened(str(path))
    assert source.total() == 2
    first, second = source.items(by_session=False)
    assert (first.id, first.trace, first.whole, first.position, first.session) == ("a", "a", True, 1, None)  # fmt: skip
    assert (second.id, second.call.question, second.session) == (2, "2", "s")


def test_rows_of_a_session_come_together(write: Write) -> None:
    rows = [{"id": str(at), "input": "?", **({"session": name} if name else {})} for at, name in enumerate(["b", "", "a", "b", ""])]  # fmt: skip
    wanted = ["0", "3", "1", "4", "2"]
    path = write("r.jsonl", rows)
    found = items(path, by_session=True)
    assert [item.id for item in found] == wanted
    assert [item.position for item in found] == [1, 2, 3, 4, 5]
    assert [item.id for item in items(rows, by_session=True)] == wanted


def test_rows_of_a_list_and_of_a_generator() -> None:
    rows = [{"id": "a", "input": "1"}, {"input": "2"}]
    assert opened(rows).total() == 2
    assert [item.id for item in items(rows)] == ["a", 2]
    assert opened(iter(rows)).total() is None
    assert [item.id for item in items(iter(rows))] == ["a", 2]


def test_invocations_keep_their_operation() -> None:
    calls = [
        Invocation("chat", Timing(0, 0), trace=TraceRef("t", "s")),
        Invocation("embeddings", Timing(0, 0)),
    ]
    first, second = items(calls)
    assert (first.id, first.trace, first.whole) == ("t:s", "t", False)
    assert (second.id, second.trace, second.call) == (2, "2", calls[1])


def test_a_json_array_of_rows(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps([{"input": "1"}, {"input": 2}], indent=1))
    assert opened(path).total() == 2
    assert "r.json: row 2: input must be a text" in str(items(path)[1].wrong)


def test_telemetry_is_told_by_its_content(write: Write, tmp_path: Path) -> None:
    (request,) = lines(chat(1, 1, 10, "A"))
    one = write("a.json", [request])
    assert [item.call.output_text for item in items(one)] == ["A"]
    pretty = tmp_path / "p.json"
    pretty.write_text(json.dumps(request, indent=2))
    assert [item.call.output_text for item in items(pretty)] == ["A"]
    listed = tmp_path / "l.json"
    listed.write_text(json.dumps([request, 3, *lines(chat(2, 1, 10, "B"))], indent=2))
    assert [item.call.output_text for item in items(listed)] == ["A", "B"]


def test_folders_and_lists_of_files(write: Write, tmp_path: Path) -> None:
    write("b.json", lines(chat(1, 2, 20, "B")))
    write("a.jsonl", lines(chat(1, 1, 10, "A")))
    (tmp_path / "note.txt").write_text("not a source")
    assert [item.call.output_text for item in items(tmp_path)] == ["A", "B"]
    several = [tmp_path / "b.json", str(tmp_path / "a.jsonl")]
    assert [item.call.output_text for item in items(several)] == ["A", "B"]


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no file .*none\.jsonl"):
        opened(tmp_path / "none.jsonl")
    with pytest.raises(SourceError, match=r"holds no file that ends in \.json, \.jsonl, \.ndjson"):
        opened(tmp_path)


@pytest.mark.parametrize("text", ["", "\n \n", "[]", "[\n]\n"])
def test_empty_files(tmp_path: Path, text: str) -> None:
    path = tmp_path / "e.jsonl"
    path.write_text(text)
    with pytest.raises(SourceError, match=r"e\.jsonl: is empty"):
        opened(path)


class Frame:
    """What a table of another library looks like."""

    columns = ("input",)

    def to_dict(self, orient: str) -> list[dict[str, str]]:
        return [{"input": orient}]

    def __iter__(self) -> Any:
        return iter(self.columns)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ([], "is empty"),
        (3, "must be a path, paths, or an iterable of rows, not int"),
        ({"input": "?"}, "must be a path, paths, or an iterable of rows, not dict"),
        (Frame(), r"frame\.to_dict\('records'\)"),
    ],
)
def test_what_is_no_source(source: Any, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        opened(source)


@pytest.mark.parametrize(
    ("source", "said"),
    [([3], "row 1: a row must be an object .* not int"), (["a", 3], "row 1: a row must be an object .* not str")],
)  # fmt: skip
def test_what_is_no_row(source: Any, said: str) -> None:
    wrong = items(source)[0]
    assert (wrong.id, wrong.session) == (1, None)
    assert re.search(said, str(wrong.wrong))


@pytest.mark.parametrize("first", ['{"input" "x"}', '{"input": "x'])
def test_a_broken_first_line_is_named(tmp_path: Path, first: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(first + '\n{"input": "y"}\n')
    wrong, sound = items(path)
    assert re.search(r"r\.jsonl:1: is no JSON", str(wrong.wrong))
    assert (sound.call.input_text, sound.wrong) == ("y", None)


def test_files_of_different_kinds_and_several_files_of_rows(write: Write) -> None:
    rows, telemetry = write("r.jsonl", [{"input": "?"}]), write("t.json", lines(chat(1, 1, 1, "A")))
    with pytest.raises(SourceError, match=r"of different kinds \(rows and telemetry\)"):
        opened([rows, telemetry])
    with pytest.raises(SourceError, match="of the kind rows: evaluate them one by one"):
        opened([rows, rows])


def test_what_cannot_be_narrowed(write: Write) -> None:
    rows, telemetry = write("r.jsonl", [{"input": "?"}]), write("t.json", lines(chat(1, 1, 1, "A")))
    with pytest.raises(SourceError, match="rows have no time"):
        opened(rows, since=1)
    for path in (rows, telemetry):
        with pytest.raises(SourceError, match="only a store can be narrowed to a session"):
            opened(path, session="s")


def test_a_store_is_known_by_its_file_and_its_reader(tmp_path: Path) -> None:
    from tests.cli.conftest import chat as stored_chat, record

    path = tmp_path / "s.db"
    record(path, lambda: stored_chat("m", "Q", "A"))
    for source in (path, StoreReader(path)):
        assert [item.call.output_text for item in items(source)] == ["A"]
