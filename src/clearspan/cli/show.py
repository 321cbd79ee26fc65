"""`clearspan show`: the stored traces as a list, or one of them as a tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from clearspan.cli import screen
from clearspan.cli.failure import Failure
from clearspan.cli.moments import since
from clearspan.cli.scores import explanations, placed, score_json
from clearspan.cli.stored import (
    event_json,
    newest,
    opened,
    span_json,
    store_option,
    summary_json,
    sums_of,
)
from clearspan.exporters.store import StoredScore, StoredSpan, StoreReader

__all__ = ["command"]

_LAST = "last"


@click.command(
    epilog="""\b
Examples:
  clearspan show --since 1h --errors
  clearspan show last --content
  clearspan show 4fe0a1 --json""",
    short_help="List the stored traces, or draw one of them.",
)
@click.argument("trace", required=False)
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many traces at most.",
)
@click.option(
    "--since",
    callback=since,
    metavar="TIME",
    help="Only traces since then: 90m, 24h, 7d, or a date such as 2026-01-31T09:00.",
)
@click.option("--session", help="Only traces of this session.")
@click.option("--model", help="Only traces with a call to this model.")
@click.option("--provider", help="Only traces with a call to this provider.")
@click.option(
    "--operation", help="Only traces with this operation: chat, embeddings, execute_tool, ..."
)
@click.option("--service", help="Only traces of this service.")
@click.option("--errors", is_flag=True, help="Only traces with a failed span.")
@click.option(
    "--search",
    metavar="TEXT",
    help="Only traces with this text in a name, an error or an attribute.",
)
@click.option("--content", is_flag=True, help="With TRACE: also print what was asked and answered.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@store_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    trace: str | None,
    limit: int,
    content: bool,  # noqa: FBT001 -- click passes options by name
    as_json: bool,  # noqa: FBT001 -- as above
    store: str | None,
    errors: bool,  # noqa: FBT001 -- as above
    search: str | None,
    **filters: Any,
) -> None:  # fmt: skip
    """List the newest traces; with TRACE draw that one as a tree.

    TRACE is the beginning of a trace's id, or the word `last` for the newest that passes the
    filters; test traces of `clearspan doctor` do not count.
    """
    wanted = {**filters, "errors_only": errors, "text": search}
    _check(ctx, trace, wanted, content=content)
    with opened(store) as reader:
        if trace is None:
            _list(reader, limit, wanted, as_json=as_json)
        else:
            trace_id = _newest(reader, wanted) if trace == _LAST else reader.resolve(trace)
            _one(reader, trace_id, content=content, as_json=as_json)


def _check(
    ctx: click.Context, trace: str | None, wanted: Mapping[str, Any], *, content: bool
) -> None:
    if trace is None and content:
        raise click.UsageError("--content needs a TRACE: `clearspan show last --content`", ctx)
    if trace not in (None, _LAST) and any(wanted.values()):
        raise click.UsageError(
            "filters narrow the list, or `last`; they do not go with a trace id", ctx
        )


def _list(reader: StoreReader, limit: int, wanted: Mapping[str, Any], *, as_json: bool) -> None:
    found = reader.traces(limit=limit, **wanted)
    sums = sums_of(reader, found)
    passed = reader.passed([each.trace_id for each in found])
    if as_json:
        traces = [
            summary_json(each, sums.get(each.trace_id), passed.get(each.trace_id)) for each in found
        ]
        screen.document({"store": reader.path, "traces": traces})
    if not found:
        raise Failure(_nothing(reader, wanted))
    if not as_json:
        from clearspan.cli.listing import listing

        screen.console().print(listing(found, sums, passed))


def _nothing(reader: StoreReader, wanted: Mapping[str, Any]) -> str:
    if any(wanted.values()):
        return f"no trace in {reader.path!r} passes these filters"
    return f"no traces in {reader.path!r} yet"


def _newest(reader: StoreReader, wanted: Mapping[str, Any]) -> str:
    found = newest(reader, wanted)
    if found is None:
        raise Failure(_nothing(reader, wanted))
    return found.trace_id


def _one(reader: StoreReader, trace_id: str, *, content: bool, as_json: bool) -> None:
    spans = reader.trace(trace_id)
    scores = reader.scores(trace_id)
    if as_json:
        screen.document(
            {
                "trace_id": trace_id,
                "spans": [span_json(span) for span in spans],
                "events": [event_json(event) for event in reader.events(trace_id)],
                "scores": [score_json(score) for score in scores],
            }
        )
        return
    _draw(spans, scores, trace_id)
    if content:
        from clearspan.cli.content import conversation

        console = screen.console()
        console.print(conversation(spans, reader.events(trace_id)))
        console.print(explanations(scores), end="")


def _draw(spans: list[StoredSpan], scores: list[StoredScore], trace_id: str) -> None:
    from clearspan.cli.content import failures
    from clearspan.exporters.console import render_trace

    console = screen.console()
    console.print(render_trace(spans, title=f"trace {trace_id}", scores=placed(spans, scores)))
    console.print(failures(spans), end="")
