"""`clearspan tail`: spans as they are stored, a line each."""

from __future__ import annotations

import time
from collections.abc import Iterator

import click
from rich.text import Text

from clearspan import semconv
from clearspan.cli import screen
from clearspan.cli.stored import opened, span_json, store_option
from clearspan.exporters.console import cost, duration, estimated, money, speed, wait
from clearspan.exporters.store import StoredSpan, StoreError, StoreNotFound, StoreReader

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
@click.option("--json", "as_json", is_flag=True, help="Print each span as a line of JSON.")
@store_option
def command(seconds: float | None, limit: int | None, as_json: bool, store: str | None) -> None:  # noqa: FBT001 -- click passes options by name
    """Print every span that is stored from now on, until Ctrl-C.

    Waits for the store when there is none yet.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    console = screen.console()
    try:
        with opened(store) as reader:
            for number, span in enumerate(_arriving(reader, deadline), 1):
                if as_json:
                    screen.line(span_json(span))
                else:
                    line = _line(span, plain=console.options.ascii_only)
                    console.print(line, soft_wrap=not console.is_terminal)
                if number == limit:
                    return
    except KeyboardInterrupt:
        return


def _arriving(reader: StoreReader, deadline: float | None) -> Iterator[StoredSpan]:
    """The spans from now on, in the order of storing, until `deadline` (monotonic seconds)."""
    after = _beginning(reader)
    failed = 0
    while True:
        try:
            found = _tail(reader, after)
            last = after if found else _last(reader)
            failed = 0
        except StoreError:
            failed += 1
            if failed > _PATIENCE:
                raise
            found, last = [], after  # one that is just being replaced looks broken for a moment
        for span in found:
            after = span.id
            yield span
        if deadline is not None and time.monotonic() >= deadline:
            return
        if not found:
            if last < after:
                after = 0  # another file has taken the place
            time.sleep(
                _POLL if deadline is None else min(_POLL, max(0.0, deadline - time.monotonic()))
            )


def _beginning(reader: StoreReader) -> int:
    try:
        after = reader.last_id()
    except StoreNotFound:
        click.echo(f"clearspan: waiting for the store {reader.path!r}", err=True)
        return 0
    click.echo(f"clearspan: following the store {reader.path!r}; stop with Ctrl-C", err=True)
    return after


def _tail(reader: StoreReader, after: int) -> list[StoredSpan]:
    try:
        return reader.tail(after)
    except StoreNotFound:
        return []


def _last(reader: StoreReader) -> int:
    try:
        return reader.last_id()
    except StoreNotFound:
        return 0


def _line(span: StoredSpan, *, plain: bool) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{screen.moment(span.start_ns)}  ", "dim")
    text.append(f"{span.trace_id[:_ID]}  ", "cyan")
    text.append(f"{duration(span.duration_ns):>7}  ")
    text.append(
        screen.printable(span.name).replace("\n", " "), "red" if span.status == "error" else "bold"
    )
    for note, style in _notes(span, plain=plain):
        text.append(f"  {screen.printable(note)}", style)
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
