from __future__ import annotations

import json
import re
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import clearspan
from tests.cli.conftest import Command, chat, names, record, traces


def test_the_list_has_a_line_for_each_trace_newest_first(call: Command, store: Path) -> None:
    result = call("show")
    assert result.exit_code == 0
    heading, *lines = result.stdout.splitlines()
    assert heading.split() == [
        "trace",
        "start",
        "took",
        "name",
        "model",
        "session",
        "spans",
        "in",
        "out",
        "errors",
    ]
    assert [line.split()[0] for line in lines] == [each["trace_id"][:8] for each in traces(call)]
    assert re.search(r"invoke_workflow broken +m-small +s-1 +2 +2$", lines[0])
    assert re.search(r"invoke_workflow answer +m-large +s-1 +3 +1,200 +34$", lines[1])


def test_columns_that_nothing_fills_are_left_out(call: Command, place: Path) -> None:
    record("s.db", lambda: clearspan.span("alone").__enter__().__exit__(None, None, None))
    heading = call("show", "--store", "s.db").stdout.splitlines()[0]
    assert heading.split() == ["trace", "start", "took", "name", "spans"]


@pytest.mark.parametrize("width", [200, 80, 60, 40])
def test_no_line_is_wider_than_the_terminal(
    call: Command, store: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    record(store, lambda: chat("a-model-with-a-very-long-name-indeed" * 3, "?", "!"))
    monkeypatch.setenv("COLUMNS", str(width))
    for words in (["show"], ["show", "last"], ["show", "last", "--content"]):
        lines = call(*words).stdout.splitlines()
        assert max(map(len, lines)) <= width, words
    identity = traces(call)[0]["trace_id"][:8]
    assert identity in call("show").stdout


def test_the_list_as_json_is_one_document(call: Command, store: Path) -> None:
    document = json.loads(call("show", "--json").stdout)
    assert document["store"] == str(store)
    newest, older = document["traces"]
    assert (newest["name"], newest["errors"], newest["session"]) == (
        "invoke_workflow broken",
        2,
        "s-1",
    )
    assert (older["input_tokens"], older["output_tokens"], older["models"]) == (
        1200,
        34,
        ["m-large"],
    )
    assert older["duration_ns"] == older["end_ns"] - older["start_ns"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--limit", "1"], ["invoke_workflow broken"]),
        (["--session", "s-1"], ["invoke_workflow broken", "invoke_workflow answer"]),
        (["--session", "s-2"], []),
        (["--model", "m-large"], ["invoke_workflow answer"]),
        (["--provider", "other"], ["invoke_workflow broken"]),
        (["--operation", "execute_tool"], ["invoke_workflow answer"]),
        (["--service", "shop"], ["invoke_workflow broken", "invoke_workflow answer"]),
        (["--service", "else"], []),
        (["--errors"], ["invoke_workflow broken"]),
        (["--search", "AT TEN"], ["invoke_workflow answer"]),
        (["--search", "nobody is there"], ["invoke_workflow broken"]),
        (["--since", "1h"], ["invoke_workflow broken", "invoke_workflow answer"]),
        (["--since", "2999-01-01T00:00:00Z"], []),
        (["--since", "99999999w"], ["invoke_workflow broken", "invoke_workflow answer"]),
        (["--since", "2001-01-01"], ["invoke_workflow broken", "invoke_workflow answer"]),
    ],
)  # fmt: skip
def test_filters_narrow_the_list(
    call: Command, store: Path, words: list[str], found: list[str]
) -> None:
    assert names(call, *words) == found


def test_a_length_of_time_counts_back_from_now(
    call: Command, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = time.time() + timedelta(hours=5).total_seconds()
    monkeypatch.setattr("clearspan.cli.moments.time.time", lambda: later)
    assert names(call, "--since", "4h") == []
    assert len(names(call, "--since", "6h")) == 2


def test_a_time_zone_is_honoured(call: Command, store: Path) -> None:
    now = datetime.now(timezone(timedelta(hours=9)))
    assert names(call, "--since", (now + timedelta(minutes=5)).isoformat()) == []
    assert len(names(call, "--since", (now - timedelta(minutes=5)).isoformat())) == 2


@pytest.mark.parametrize(
    "words",
    [["--since", "yesterday"], ["--since", "5parsecs"], ["--since", "12:75"], ["--limit", "0"]],
)
def test_a_filter_that_cannot_be_read_is_wrong_usage(
    call: Command, store: Path, words: list[str]
) -> None:
    result = call("show", *words)
    assert result.exit_code == 2
    assert words[1] in result.stderr or words[0] in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("given", ["yesterday", "5parsecs", "12:75", "2026-13-01", "99999-01-01"])
def test_a_time_that_is_none_is_told_all_that_is_one(call: Command, given: str) -> None:
    said = " ".join(call("show", "--since", given).stderr.split())
    assert (
        f"'{given}' is no time: use 90m, 24h or 7d (so long ago), or a date such as 2026-01-31, "
        "2026-01-31T09:00 or 2026-01-31T09:00:00Z"
    ) in said


def test_an_empty_result_says_so_and_exits_with_1(call: Command, store: Path) -> None:
    result = call("show", "--session", "nobody")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"clearspan: no trace in {str(store)!r} passes these filters\n"
    result = call("show", "--session", "nobody", "--json")
    assert (result.exit_code, json.loads(result.stdout)["traces"]) == (1, [])
    assert call("show", "last", "--session", "nobody").exit_code == 1


def test_a_missing_store_says_what_to_do(call: Command, place: Path) -> None:
    result = call("show")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert str(place / ".clearspan" / "clearspan.db") in result.stderr
    assert "clearspan demo" in result.stderr
    assert "--store" in result.stderr


def test_the_store_is_that_of_the_environment_or_the_option(
    call: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record("one.db", lambda: chat("m", "?", "one"))
    record("two.db", lambda: chat("m", "?", "two"))
    monkeypatch.setenv("CLEARSPAN_STORE", "one.db")
    assert len(names(call, "--search", "one")) == 1
    assert len(names(call, "--search", "two")) == 0
    assert len(names(call, "--search", "two", "--store", "two.db")) == 1


def test_a_damaged_store_is_one_line(call: Command, place: Path) -> None:
    Path("s.db").write_bytes(b"this is no database" * 100)
    result = call("show", "--store", "s.db")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "s.db" in result.stderr


def test_a_trace_is_drawn_as_a_tree(call: Command, store: Path) -> None:
    trace = traces(call, "--model", "m-large")[0]["trace_id"]
    result = call("show", trace[:12])
    assert result.exit_code == 0
    heading, *lines = result.stdout.splitlines()
    assert heading.startswith(f"trace {trace}")
    assert "session s-1" in heading
    assert [line.partition("  ")[0] for line in lines] == [
        "invoke_workflow answer", "├─ chat m-large", "└─ execute_tool clock",
    ]  # fmt: skip
    assert "1,200→34" in lines[1]
    assert lines[1].endswith("stop")


def test_the_message_of_an_error_stands_below_the_tree(call: Command, store: Path) -> None:
    result = call("show", "last")
    assert result.stdout.partition("\n\n")[2].splitlines() == [
        "invoke_workflow broken: nobody is there",
        "chat m-small: nobody is there",
    ]


def test_last_is_the_newest_that_passes_the_filters(call: Command, store: Path) -> None:
    assert "invoke_workflow broken" in call("show", "last").stdout
    assert "invoke_workflow answer" in call("show", "last", "--model", "m-large").stdout


def test_one_trace_as_json_has_everything(call: Command, store: Path) -> None:
    document = json.loads(call("show", "last", "--model", "m-large", "--json").stdout)
    assert document["trace_id"] == document["spans"][0]["trace_id"]
    workflow, model, tool = document["spans"]
    assert (workflow["parent_id"], model["parent_id"]) == (None, workflow["span_id"])
    assert model["attributes"]["gen_ai.request.model"] == "m-large"
    assert json.loads(model["attributes"]["gen_ai.output.messages"])[0]["finish_reason"] == "stop"
    assert tool["resource"]["service.name"] == "shop"
    assert document["events"] == []


def test_content_is_printed_span_by_span(call: Command, store: Path) -> None:
    shown = call("show", "last", "--model", "m-large", "--content").stdout
    below = shown.partition("\n\n")[2]
    assert (
        below
        == """\
invoke_workflow answer
  input   question
  output  reply

chat m-large
  system     Be brief.
  user       When?
  assistant  [reasoning] hm
             At ten.
             -> clock({"zone":"UTC"})

execute_tool clock
  arguments  {"zone":"UTC"}
  result     10:00
"""
    )


def test_content_that_went_to_events_is_found_there(call: Command, place: Path) -> None:
    record("s.db", lambda: chat("m", "Who?", "You."), content_target="event")
    shown = call("show", "last", "--content", "--store", "s.db").stdout
    assert "user       Who?" in shown
    assert "You." in shown
    document = json.loads(call("show", "last", "--json", "--store", "s.db").stdout)
    assert [event["name"] for event in document["events"]] == [
        "gen_ai.client.inference.operation.details"
    ]


def test_of_shapes_the_lengths_are_told(call: Command, place: Path) -> None:
    record("s.db", lambda: chat("m", "Who?", "You."), content="metadata")
    shown = call("show", "last", "--content", "--store", "s.db").stdout
    assert "user       (4 characters, not kept)" in shown
    assert "[reasoning] (2 characters, not kept)" in shown
    assert "(9 characters, not kept)" in shown  # Be brief.


def test_without_content_it_says_why(call: Command, place: Path) -> None:
    record("s.db", lambda: chat("m", "Who?", "You."), content="off")
    shown = call("show", "last", "--content", "--store", "s.db").stdout
    assert "Who?" not in shown
    assert "CLEARSPAN_CONTENT" in shown


def test_all_kinds_of_parts_are_named(call: Command, place: Path) -> None:
    def work() -> None:
        with clearspan.invocation("chat", model="m") as draft:
            draft.input([
                {"role": "tool", "parts": [{"type": "tool_call_response", "id": "1", "response": {"a": 1}}]},
                {"role": "user", "parts": [
                    {"type": "uri", "uri": "https://example.com/cat.png"},
                    {"type": "blob", "mime_type": "audio/wav", "content": "AAAA"},
                    {"type": "odd"},
                ]},
            ])  # fmt: skip
            draft.refusal("I would rather not.")
            draft.finish("stop")

    record("s.db", work)
    shown = call("show", "last", "--content", "--store", "s.db").stdout
    for expected in (
        '<- {"a":1}',
        "[uri https://example.com/cat.png]",
        "[blob audio/wav]",
        "[odd]",
        "[refusal] I would rather not.",
    ):
        assert expected in shown


def test_what_would_steer_a_terminal_does_not_reach_it(call: Command, place: Path) -> None:
    def work() -> None:
        with clearspan.context(session="\x1b[2Js"), clearspan.span("evil\x1b]0;title\x07\r\nname"):
            chat("m\x1b[31m", "\x1b[2J\u202edesrever", "\x07beep")

    record("s.db", work)
    for words in ([], ["last"], ["last", "--content"]):
        shown = call("show", "--store", "s.db", *words).stdout
        assert re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", shown) is None
        assert "evil" in shown


def test_a_beginning_that_several_share_wants_more_digits(call: Command, place: Path) -> None:
    def work() -> None:
        for number in range(17):  # more than there are digits: two begin alike
            chat("m", str(number), "!")

    record("s.db", work)
    first = [trace["trace_id"][0] for trace in traces(call, "--store", "s.db")]
    shared = next(digit for digit in first if first.count(digit) > 1)
    result = call("show", shared, "--store", "s.db")
    assert result.exit_code == 2
    assert "more digits" in result.stderr


@pytest.mark.parametrize("wanted", ["f" * 32, "no-id"])
def test_a_trace_that_is_not_there_is_one_line(call: Command, store: Path, wanted: str) -> None:
    result = call("show", wanted)
    assert (result.exit_code, result.stdout) == (1, "")
    assert wanted in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [["--content"], ["abc", "--errors"], ["abc", "--since", "1h"]])
def test_options_that_do_not_go_together_are_wrong_usage(
    call: Command, store: Path, words: list[str]
) -> None:
    result = call("show", *words)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr


def test_a_pipe_gets_no_colours_and_a_terminal_does(
    call: Command, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b[" not in call("show").stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in call("show", color=True).stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", call("show", color=True).stdout)


@pytest.mark.parametrize(
    ("ago", "shape"),
    [(timedelta(), r"\d\d:\d\d:\d\d"), (timedelta(days=800), r"\d{4}-\d\d-\d\d")],
)
def test_times_are_as_exact_as_they_are_near(ago: timedelta, shape: str) -> None:
    from clearspan.cli.screen import when

    at = datetime.now().astimezone() - ago
    assert re.fullmatch(shape, when(int(at.timestamp() * 1e9)))


def test_last_is_a_trace_of_the_user_not_one_of_the_doctor(call: Command, store: Path) -> None:
    newest = traces(call)[0]["trace_id"]
    for _ in range(17):
        record(store, lambda: clearspan.span("clearspan doctor").__enter__().__exit__(None, None, None))  # fmt: skip
    assert call("doctor").exit_code == 0
    assert json.loads(call("show", "last", "--json").stdout)["trace_id"] == newest
    assert names(call)[0] == "clearspan doctor"


def test_last_is_the_doctors_where_there_is_no_other(call: Command, place: Path) -> None:
    assert call("doctor", "--store", "s.db").exit_code == 0
    assert "clearspan doctor" in call("show", "last", "--store", "s.db").stdout
