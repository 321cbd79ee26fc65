"""`clearspan doctor`: is it installed right, set right, patched, and does telemetry arrive?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from clearspan.cli import screen
from clearspan.cli.stored import store_option

__all__ = ["command"]


@click.command(
    epilog="""\b
Examples:
  clearspan doctor
  clearspan doctor --no-send --json
  clearspan doctor --fetch-tokenizers
  OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 clearspan doctor""",
    short_help="Check the installation, the settings and the destination.",
)
@click.option(
    "--send/--no-send", default=True, help="Send a test span to the destination.  [default: send]"
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the test span may take.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option(
    "--fetch-tokenizers",
    is_flag=True,
    help="First download what OpenAI's tokens are counted with, if it is missing.",
)
@store_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    send: bool,  # noqa: FBT001 -- click passes options by name
    timeout: float,
    as_json: bool,  # noqa: FBT001 -- as above
    fetch_tokenizers: bool,  # noqa: FBT001 -- as above
    store: str | None,
) -> None:
    """Check the installation, the settings and the destination.

    Shows the versions, what is recorded of each library and why not, every setting with where it
    comes from, and whether a test span arrives. Exits with 1 when a check fails. Header values and
    keys are never printed.
    """
    from clearspan.cli import tokenizers
    from clearspan.cli.checkup import examine

    if fetch_tokenizers:
        tokenizers.fetch()
    given: dict[str, Any] = {} if store is None else {"store": store}
    report = examine(given, send=send, timeout=timeout)
    report.versions["tokenizers"] = tokenizers.presence()
    if as_json:
        screen.document({"ok": report.ok, **asdict(report)})
    else:
        from clearspan.cli.prescription import prescription

        screen.console().print(prescription(report))
    ctx.exit(0 if report.ok else 1)
