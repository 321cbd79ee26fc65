"""`clearspan tail`: spans and scores as they are stored, a line each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import click
from rich.text import Text

from clearspan import semconv
from clearspan.cli import screen
from clearspan.cli.scores import score_json
from clearspan.cli.stored import opened, span_json, store_option
from clearspan.exporters.console import cost, duration, estimated, money, remarks, speed, wait
from clearspan.exporters.store import (
    StoredScore,
    StoredSpan,
    StoreError,
    StoreNotFound,
    StoreReader,
)

__all__ = ["command"]

_POLL = 0.25
_PATIENCE = 4
"""So many polls in a row may fail before the store counts as broken."""
_ID = 8


@click.command(
    epilog="""\b
Examples:
  clearspan tail
  clearspan tail --json | jq .name
  clearspan tail --for 60 --limit 100""",
    short_help="Print spans as they are stored.",
)
@click.option(
    "--for", "seconds", type=click.FloatRange(min=0), metavar="SECONDS", help="Stop after so long."
)
@click.option("-n", "--limit", type=click.IntRange(min=1), help="Stop after so many spans.")
@click.option("--json", "as_json", is_flag=True, help="Print each of them as a line of JSON.")
@store_option
def command(seconds: float | None, limit: int | None, as_json: bool, store: str | None) -> None:  # noqa: FBT001 -- click passes options by name
    """Print every span and score that is stored from now on, until Ctrl-C.

    Waits for the store when there is none yet.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    console = screen.console()
    try:
        with opened(store) as reader:
            spans = 0
            for found in _arriving(reader, deadline):
                spans += isinstance(found, StoredSpan)
                if as_json:
                    screen.line(_json(found))
                else:
                    line = _line(found, plain=console.options.ascii_only)
                    console.print(line, soft_wrap=not console.is_terminal)
                if spans == limit:
                    return
    except KeyboardInterrupt:
        return


def _arriving(reader: StoreReader, deadline: float | None) -> Iterator[StoredSpan | StoredScore]:
    """What is stored from now on, in the order of storing, until `deadline` (monotonic seconds)."""
    at = _beginning(reader)
    failed = 0
    while True:
        try:
            found = _since(reader, at)
            ends = at if found else _ends(reader)
            failed = 0
        except StoreError:
            failed += 1
            if failed > _PATIENCE:
                raise
            found, ends = [], at  # one that is just being replaced looks broken for a moment
        for each in found:
            at = at._replace(**{"spans" if isinstance(each, StoredSpan) else "scores": each.id})
            yield each
        if deadline is not None and time.monotonic() >= deadline:
            return
        if not found:
            if ends.spans < at.spans or ends.scores < at.scores:
                at = _Mark()  # another file has taken the place
            time.sleep(
                _POLL if deadline is None else min(_POLL, max(0.0, deadline - time.monotonic()))
            )


class _Mark(NamedTuple):
    """How far it has come: ids of rows."""

    spans: int = 0
    scores: int = 0


def _beginning(reader: StoreReader) -> _Mark:
    try:
        mark = _Mark(reader.last_id(), reader.last_score_id())
    except StoreNotFound:
        click.echo(f"clearspan: waiting for the store {reader.path!r}", err=True)
        return _Mark()
    click.echo(f"clearspan: following the store {reader.path!r}; stop with Ctrl-C", err=True)
    return mark


def _since(reader: StoreReader, at: _Mark) -> list[StoredSpan | StoredScore]:
    try:
        return [*reader.tail(at.spans), *reader.tail_scores(at.scores)]
    except StoreNotFound:
        return []


def _ends(reader: StoreReader) -> _Mark:
    try:
        return _Mark(reader.last_id(), reader.last_score_id())
    except StoreNotFound:
        return _Mark()


def _json(found: StoredSpan | StoredScore) -> dict[str, Any]:
    """A span as it is; a score below a name of its own, to be told from one."""
    return span_json(found) if isinstance(found, StoredSpan) else {"score": score_json(found)}


def _line(found: StoredSpan | StoredScore, *, plain: bool) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    at_ns, length = (
        (found.start_ns, duration(found.duration_ns))
        if isinstance(found, StoredSpan)
        else (found.time_ns, "")
    )
    text.append(f"{screen.moment(at_ns)}  ", "dim")
    text.append(f"{(found.trace_id or '')[:_ID]:{_ID}}  ", "cyan")
    text.append(f"{length:>7}  ")
    if isinstance(found, StoredScore):
        return _judged(text, found, plain=plain)
    text.append(
        screen.printable(found.name).replace("\n", " "),
        "red" if found.status == "error" else "bold",
    )
    for note, style in _notes(found, plain=plain):
        text.append(f"  {screen.printable(note)}", style)
    return text


def _judged(text: Text, score: StoredScore, *, plain: bool) -> Text:
    text.append("score", "bold")
    for said, style in remarks([score], plain=plain):
        text.append(f"  {said}", style)
    about = {
        "because": score.skipped,
        "span": score.span_id and score.span_id[:_ID],
        "response": score.response_id,
        "key": score.key,
        "session": score.session,
    }
    for what, value in about.items():
        if value:
            text.append(f"  {what} {screen.printable(value)}".replace("\n", " "), "dim")
    return text


def _notes(span: StoredSpan, *, plain: bool) -> Iterator[tuple[str, str]]:
    if span.status == "error":
        yield f"error {span.error_type or ''}".rstrip(), "red"
    if span.input_tokens is not None or span.output_tokens is not None:
        counts = (span.input_tokens, span.output_tokens)
        sent, received = (
            "?" if count is None else f"{'~' * about}{count:,}"
            for count, about in zip(counts, estimated(span.attributes), strict=True)
        )
        yield f"{sent} in, {received} out", "green"
    if (spent := cost(span.attributes)) is not None:
        yield money(spent, plain=plain), "yellow"
    if (waited := wait(span.attributes)) is not None:
        yield waited[0], "dim"
    if (rate := speed(span.attributes)) is not None:
        yield rate, "dim"
    reasons = span.attributes.get(semconv.RESPONSE_FINISH_REASONS)
    if isinstance(reasons, list) and reasons:
        yield ", ".join(str(reason) for reason in reasons), "dim"
    if span.session:
        yield f"session {span.session}", "dim"
