"""Traces as trees."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from rich.cells import cell_len
from rich.console import Console

from clearspan import registry
from clearspan.exporters import Destination, console as package
from clearspan.exporters.console import ConsoleSpanExporter, duration, facts, render_trace
from clearspan.exporters.store import Store, StoreReader, StoreSpanExporter
from tests.exporters.kit import CHAT, finished, program, tracer

MS = 1_000_000


@dataclass
class Span:
    """The least that a tree takes."""

    span_id: str
    parent_id: str | None = None
    name: str = "step"
    start_ns: int = 0
    end_ns: int = 100 * MS
    status: str = "unset"
    attributes: dict[str, Any] = field(default_factory=dict)


def drawn(
    spans: list[Any], width: int = 100, *, ascii_only: bool = False, **options: Any
) -> list[str]:
    """The lines that a console of that width shows, without colours."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii" if ascii_only else "utf-8", newline="\n")
    Console(file=file, width=width, color_system=None).print(render_trace(spans, **options))
    file.flush()
    return raw.getvalue().decode().splitlines()


def chat(span_id: str, parent_id: str | None = "1", **given: Any) -> Span:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.input_tokens": 1812,
        "gen_ai.usage.output_tokens": 64,
        "gen_ai.response.finish_reasons": ["stop"],
    }
    return Span(span_id, parent_id, "chat gpt-4o", attributes={**attributes, **given})


def test_children_stand_below_their_parent_by_start() -> None:
    tree = drawn(
        [
            Span("3", "1", "second", 20 * MS),
            Span("4", "2", "inner", 12 * MS, 15 * MS),
            Span("2", "1", "first", 10 * MS, 19 * MS),
            Span("1", None, "root"),
            Span("5", "3", "last", 30 * MS),
        ]
    )
    assert [line[:12].rstrip() for line in tree[1:]] == [
        "root",
        "├─ first",
        "│  └─ inner",
        "└─ second",
        "   └─ last",
    ]


def test_bars_stand_where_the_time_was() -> None:
    tree = drawn(
        [
            Span("1", None, "root", 0, 100 * MS),
            Span("2", "1", "half", 50 * MS, 100 * MS),
            Span("3", "1", "quick", 99 * MS, 99 * MS),
        ]
    )
    root, half, quick = (line.index("█") for line in tree[1:])
    full = tree[1].count("█")
    assert tree[2].count("█") in (full // 2, full // 2 + 1)
    assert half == root + full - tree[2].count("█")
    assert tree[3].count("█") == 1
    assert quick == root + full - 1


def test_the_wait_for_the_first_chunk_is_lighter() -> None:
    tree = drawn([chat("1", None, **{"gen_ai.response.time_to_first_chunk": 0.05})])
    assert tree[1].count("░") == pytest.approx(tree[1].count("█"), abs=1)
    assert "first chunk 50ms" in tree[1]


def test_a_line_says_what_there_is_to_say() -> None:
    (line,) = drawn([chat("1", None, **{"clearspan.request.retry_count": 2})])[1:]
    assert "100ms" in line
    assert "1,812→64" in line
    assert line.endswith("stop · 2 retries")
    (line,) = drawn([chat("1", None, **{"clearspan.request.retry_count": 1})])[1:]
    assert line.endswith("stop · 1 retry")
    (line,) = drawn([chat("1", None, **{"clearspan.task": "text-generation"})])[1:]
    assert line.endswith("stop · text-generation")
    judged = Span("1", name="fill_mask m", attributes={"clearspan.task": "fill-mask"})
    assert "fill-mask" not in drawn([judged])[1]
    paced = {"clearspan.phase.load": 1.5, "clearspan.decode.rate": 41.7}
    (line,) = drawn([chat("1", None, **paced)], 120)[1:]
    assert line.endswith("stop · load 1.50s · 42 tok/s")
    (line,) = drawn([chat("1", None, **{"clearspan.decode.rate": 2.34})])[1:]
    assert line.endswith("stop · 2.3 tok/s")
    (line,) = drawn([chat("1", None, **{"clearspan.outcome": "cancelled"})])[1:]
    assert line.endswith("cancelled · stop")
    (line,) = drawn([chat("1", None, **{"clearspan.outcome": "completed"})])[1:]
    assert line.endswith("  stop")


def test_costs_and_counts_of_ones_own_are_marked_and_added_up() -> None:
    spent = {"clearspan.cost.total": 0.00042, "clearspan.cost.currency": "USD"}
    guessed = {
        **spent,
        "clearspan.cost.estimated": True,
        "clearspan.usage.source": "estimated",
        "clearspan.response.time_to_first_content": 0.05,
        "clearspan.response.output_rate": 41.7,
        "clearspan.hardware.energy": 2.5,
    }
    heading, _, known, own = drawn([Span("1"), chat("2", **spent), chat("3", **guessed)], 160)
    assert "~3,624→~128 tokens · ~$0.00084" in heading
    assert " 1,812→64 " in known
    assert " $0.00042 " in known
    assert "~1,812→~64" in own
    assert "~$0.00042" in own
    assert "first 50ms · ~42 tok/s · 2.5 J" in own


def test_what_is_not_known_is_not_shown() -> None:
    unknown = {
        "gen_ai.usage.output_tokens": None,
        "gen_ai.response.finish_reasons": (),
        "gen_ai.response.time_to_first_chunk": "soon",
        "clearspan.request.retry_count": 0,
        "clearspan.phase.load": 0.0,
        "clearspan.decode.rate": "fast",
    }
    (line,) = drawn([chat("1", None, **unknown)])[1:]
    assert line.endswith("1,812→")
    (line,) = drawn([Span("1", attributes={"gen_ai.usage.input_tokens": True})])[1:]
    assert line.endswith("100ms")


def test_an_error_shows_without_colour() -> None:
    failed = Span("1", None, "tool", status="error", attributes={"error.type": "ValueError"})
    heading, line = drawn([failed])
    assert heading.endswith("1 error")
    assert line.startswith("✗ tool")
    assert line.endswith("ValueError")
    (line,) = drawn([Span("1", status="error")])[1:]
    assert line.endswith("error")


def test_the_heading_sums_up_model_calls_once() -> None:
    agent = Span(
        "1",
        None,
        "invoke_agent",
        attributes={
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.usage.input_tokens": 3624,
            "gen_ai.usage.output_tokens": 128,
            "session.id": "s-1",
        },
    )
    heading = drawn([agent, chat("2"), chat("3")], title="trace abc")[0]
    assert heading == "trace abc · 100ms · 3 spans · 3,624→128 tokens · session s-1"


def test_colours_tell_kinds_and_errors_apart() -> None:
    file = io.StringIO()
    console = Console(file=file, width=100, force_terminal=True, color_system="standard")
    tool = Span("2", "1", "tool", attributes={"gen_ai.operation.name": "execute_tool"})
    console.print(render_trace([Span("1"), tool, chat("3"), Span("4", "1", status="error")]))
    lines = file.getvalue().splitlines()
    for line, colour in zip(lines[1:], ("34", "35", "36", "31"), strict=True):
        assert f"\x1b[{colour}m" in line


@pytest.mark.parametrize("width", [200, 120, 80, 60, 40, 30])
def test_every_line_fits(width: int) -> None:
    wide = Span("9", "1", "名前" * 40, attributes={"error.type": "e" * 200}, status="error")
    spans = [Span("1", None, "root"), chat("2"), wide]
    tree = drawn(spans, width)
    assert len(tree) > 3
    assert max(map(cell_len, tree)) <= width


def test_a_narrow_terminal_loses_bars_and_keeps_what_is_said() -> None:
    spans = [Span("1", None, "root"), chat("2", status="error")]
    spans[1].status = "error"
    spans[1].attributes["error.type"] = "openai.RateLimitError"
    tree = drawn(spans, 40)
    assert not any("█" in line for line in tree)
    assert any("openai.RateLimitError" in line for line in tree)
    assert any("1,812→64" in line for line in tree)


def test_a_terminal_without_such_signs_gets_plain_ones() -> None:
    tree = drawn(
        [
            Span("1", None, "a very long name of a root that has to be cut somewhere " * 2),
            chat("2", **{"gen_ai.response.time_to_first_chunk": 0.05}),
            Span("3", "1", "tool", status="error"),
            Span("4", "2"),
        ],
        ascii_only=True,
    )
    assert all(line.isascii() for line in tree)
    assert "|- chat gpt-4o" in tree[2]
    assert "--" in tree[2]
    assert "##" in tree[2]
    assert "1,812>64" in tree[2]
    assert tree[3].startswith("|  `- step")
    assert tree[4].startswith("`- x tool")
    assert "~" in tree[1]


def test_what_would_steer_the_terminal_does_not() -> None:
    name = "evil \x1b[31m\x1b]0;title\x07\r\nname"
    given = {"error.type": "x\x1b[2J", "session.id": "s\x1bc", "clearspan.outcome": "\x1b[1A"}
    text = "\n".join(drawn([Span("1", None, name, status="error", attributes=given)], 200))
    assert not any(char in text for char in "\x1b\x07\r")
    assert len(text.splitlines()) == 2


def test_a_span_whose_parent_is_not_there_stands_at_the_top() -> None:
    tree = drawn([Span("2", "gone", "orphan", 5), Span("1", None, "root")])
    assert [line.split()[0] for line in tree[1:]] == ["root", "orphan"]


def test_spans_in_a_circle_are_each_drawn_once() -> None:
    tree = drawn([Span("1", "2", "one", 1), Span("2", "1", "two", 2), Span("3", "3", "own", 3)])
    assert [line.split("█")[0].strip() for line in tree[1:]] == ["own", "one", "└─ two"]


def test_a_deep_trace_is_drawn() -> None:
    chain = [Span(str(n), str(n - 1) if n else None, f"n{n}", n) for n in range(3_000)]
    tree = drawn(chain, 100, max_spans=5_000)
    assert len(tree) == 3_001
    assert max(cell_len(line) for line in tree) <= 100


def test_a_large_trace_is_cut_and_the_rest_counted() -> None:
    many = [Span("r"), *(Span(str(n), "r", f"n{n}", n) for n in range(20))]
    tree = drawn(many, max_spans=5)
    assert len(tree) == 7
    assert tree[-1] == "… 16 more spans"
    assert "21 spans" in tree[0]


def test_no_spans_are_no_trace() -> None:
    assert drawn([], title="trace abc") == ["trace abc · 0.0ms · 0 spans"]


@given(
    st.lists(
        st.builds(
            Span,
            span_id=st.sampled_from("abcdef"),
            parent_id=st.none() | st.sampled_from("abcdefgh"),
            name=st.text(max_size=30),
            start_ns=st.integers(0, 10**19),
            end_ns=st.integers(0, 10**19),
            status=st.sampled_from(["unset", "ok", "error"]),
            attributes=st.dictionaries(
                st.sampled_from(facts.SHOWN),
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
            ),
        ),
        max_size=8,
    ),
    st.integers(20, 130),
)
def test_whatever_is_stored_can_be_drawn(spans: list[Span], width: int) -> None:
    file = io.StringIO()
    Console(file=file, width=width, color_system=None).print(render_trace(spans))
    ids = {span.span_id for span in spans}
    assert f"{len(spans)} span" in " ".join(file.getvalue().split())
    assert len(file.getvalue().splitlines()) >= len(ids)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0.0ms"),
        (9_949_999, "9.9ms"),
        (9_950_000, "10ms"),
        (999_499_999, "999ms"),
        (999_500_000, "1.00s"),
        (59_994_000_000, "59.99s"),
        (59_995_000_000, "1m00s"),
        (3_599_400_000_000, "59m59s"),
        (3_600_000_000_000, "1h00m"),
    ],
)
def test_durations_are_short(nanoseconds: int, text: str) -> None:
    assert duration(nanoseconds) == text


class Printed:
    """An exporter and what it printed."""

    def __init__(self, **options: Any) -> None:
        self.file = io.StringIO()
        console = Console(file=self.file, width=120, color_system=None)
        self.exporter = ConsoleSpanExporter(console, **options)
        self.tracer = tracer(self.exporter)

    @property
    def lines(self) -> list[str]:
        return self.file.getvalue().splitlines()


def test_a_trace_is_printed_when_its_root_ends() -> None:
    printed = Printed()
    with printed.tracer.start_as_current_span("root") as root:
        with printed.tracer.start_as_current_span("chat gpt-4o", attributes=CHAT) as call:
            call.set_status(StatusCode.ERROR)
        assert printed.lines == []
    heading, first, second = printed.lines
    assert heading.startswith(f"trace {root.get_span_context().trace_id:032x} ")
    assert first.startswith("root")
    assert second.startswith("└─ ✗ chat gpt-4o")
    assert "12→3" in second


def test_a_remote_parent_makes_a_local_root() -> None:
    printed = Printed()
    remote = SpanContext(5, 6, is_remote=True, trace_flags=TraceFlags(1))
    context = set_span_in_context(NonRecordingSpan(remote))
    printed.tracer.start_span("served", context=context).end()
    assert [line.split()[0] for line in printed.lines] == ["trace", "served"]


def test_a_span_that_ends_after_its_root_is_printed_in_the_end() -> None:
    printed = Printed()
    root = printed.tracer.start_span("root")
    late = printed.tracer.start_span("late", context=set_span_in_context(root))
    root.end()
    late.end()
    assert len(printed.lines) == 2
    assert printed.exporter.force_flush()
    assert "(in part)" in printed.lines[2]
    assert printed.lines[3].startswith("late")
    printed.exporter.force_flush()
    assert len(printed.lines) == 4


def test_traces_that_never_end_take_bounded_memory() -> None:
    printed = Printed(max_waiting=10)
    for number in range(15):
        root = printed.tracer.start_span(f"root {number}")
        printed.tracer.start_span(f"child {number}", context=set_span_in_context(root)).end()
    assert printed.exporter._count == 10
    assert sum("(not finished)" in line for line in printed.lines) == 5
    assert printed.lines[1].startswith("child 0")


def test_prompts_are_not_kept_waiting() -> None:
    printed = Printed()
    root = printed.tracer.start_span("root")
    printed.tracer.start_span(
        "chat", context=set_span_in_context(root), attributes={**CHAT, "gen_ai.input.messages": "x"}
    ).end()
    ((kept,),) = printed.exporter._waiting.values()
    assert "gen_ai.input.messages" not in kept.attributes
    assert kept.attributes["gen_ai.usage.input_tokens"] == 12


def test_after_shutdown_nothing_is_printed() -> None:
    printed = Printed()
    root = printed.tracer.start_span("root")
    printed.tracer.start_span("child", context=set_span_in_context(root)).end()
    printed.exporter.shutdown()
    assert any(line.startswith("child") for line in printed.lines)
    before = printed.lines
    assert printed.exporter.export([root]) is SpanExportResult.FAILURE
    assert printed.lines == before


def test_a_stream_that_is_closed_is_a_failure() -> None:
    printed = Printed()
    printed.file.close()
    root = printed.tracer.start_span("root")
    assert printed.exporter.export([root]) is SpanExportResult.FAILURE


def test_a_span_without_ids_or_times_does_no_harm() -> None:
    printed = Printed()
    bare = ReadableSpan(name="no times", context=SpanContext(1, 2, is_remote=False))
    result = printed.exporter.export([ReadableSpan(name="no ids"), bare])
    assert result is SpanExportResult.SUCCESS
    assert printed.lines[1].startswith("no times")
    assert len(printed.lines) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_print_what_its_parent_will() -> None:
    code = """
import os, sys
from clearspan.exporters.console import ConsoleSpanExporter
from tests.exporters.kit import tracer
from opentelemetry.trace import set_span_in_context
from rich.console import Console
exporter = ConsoleSpanExporter(Console(file=sys.stdout, width=80, color_system=None))
source = tracer(exporter)
root = source.start_span("root")
source.start_span("of the parent", context=set_span_in_context(root)).end()
pid = os.fork()
if pid:
    os.waitpid(pid, 0)
    root.end()
else:
    source.start_span("of the child", context=set_span_in_context(root)).end()
    exporter.shutdown()
    sys.stdout.flush()
    os._exit(0)
"""
    output = finished(program(code))
    assert output.count("of the parent") == 1
    assert output.count("of the child") == 1


def test_a_child_that_only_shuts_down_prints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = Printed()
    root = printed.tracer.start_span("root")
    printed.tracer.start_span("child", context=set_span_in_context(root)).end()
    pid = os.getpid()
    with monkeypatch.context() as changed:
        changed.setattr(os, "getpid", lambda: pid + 1)
        printed.exporter.shutdown()
    assert printed.lines == []


def test_stored_spans_are_drawn_as_they_are(tmp_path: Any) -> None:
    store = Store(tmp_path / "x.db")
    source = tracer(StoreSpanExporter(store))
    with source.start_as_current_span("root"):
        source.start_span("chat gpt-4o", attributes=CHAT).end()
    store.close()
    reader = StoreReader(tmp_path / "x.db")
    (summary,) = reader.traces()
    tree = drawn(list(reader.trace(summary.trace_id)))
    assert tree[1].startswith("root")
    assert tree[2].startswith("└─ chat gpt-4o")
    assert tree[2].endswith("stop")


def test_build_prints_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    built = registry.load(registry.EXPORTERS, "console")(Destination())
    assert (built.log, built.metric, built.label) == (None, None, "console")
    assert built.status() == {}
    tracer(built.span).start_span("root").end()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "root" in captured.err


def test_drawing_loads_no_sdk() -> None:
    code = (
        "import sys; from clearspan.exporters.console import render_trace;"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_names_are_there_and_no_others() -> None:
    assert all(getattr(package, name) for name in package.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = package.Nothing
