"""`clearspan evaluate`: evaluators over a data set, a store, or recorded telemetry."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from clearspan import registry
from clearspan.assess.evaluator import Evaluator, check, seated
from clearspan.assess.registered import registered
from clearspan.cli import screen
from clearspan.cli.failure import Misuse
from clearspan.cli.moments import since as moment
from clearspan.cli.places import prepare
from clearspan.cli.stored import store_path
from clearspan.exporters.store import StoreError, StoreReader
from clearspan.offline import Report, evaluate

__all__ = ["command"]

_INTERRUPTED = 130
_OURS = "clearspan: "
_FILES = frozenset({".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".db"})


_USE = {
    "gates": "use a share such as 0.9 for all, or NAME=0.9 for one",
    "thresholds": "use NAME=0.5, with the name of the evaluator that it is for",
}


def _pairs(
    ctx: click.Context, parameter: click.Parameter, values: Sequence[str]
) -> list[tuple[str, float]]:
    """Each `NAME=NUMBER` as a pair; a share alone holds for all: an empty name."""
    use = _USE[str(parameter.name)]
    found: list[tuple[str, float]] = []
    for value in values:
        name, _, number = value.rpartition("=")
        try:
            found.append((name.strip(), float(number)))
        except ValueError:
            raise click.BadParameter(f"{number!r} is no number: {use}") from None
        if not name.strip() and parameter.name == "thresholds":
            raise click.BadParameter(f"{value!r} does not say whose: {use}")
    return found


@click.command(
    epilog="""\b
Examples:
  clearspan evaluate answers.jsonl relevance answer_correctness --fail-under relevance=0.9
  clearspan evaluate --store .clearspan/clearspan.db pii toxicity --since 1d
  clearspan evaluate traces.json my_checks:polite --format junit --report report.xml

\b
Exit codes: 0 when no gate was missed, 1 when one was or an evaluator judged nothing at all for
errors, 2 for wrong usage or a source that cannot be read, 130 after Ctrl-C.""",
    short_help="Judge calls that are over: a data set, a store, recorded telemetry.",
)
@click.argument("what", nargs=-1, metavar="[SOURCE] EVALUATOR...")
@click.option(
    "--store", metavar="FILE",
    help="Judge the calls of this store; there is no SOURCE then.",
)  # fmt: skip
@click.option(
    "--since", callback=moment, metavar="TIME",
    help="Of recorded calls only traces since then: 90m, 24h, 7d, or a date.",
)  # fmt: skip
@click.option("--session", help="Of a store only this session.")
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False), help="Append each result to this JSONL file, and go on from what it holds.")  # fmt: skip
@click.option(
    "--fresh", is_flag=True, help="With --out: judge everything anew, and empty the file."
)
@click.option(
    "--fail-under", "gates", callback=_pairs, multiple=True, metavar="[NAME=]SHARE",
    help="The share (0 to 1) of an evaluator's rows that must pass, else the exit code is 1.",
)  # fmt: skip
@click.option(
    "--threshold", "thresholds", callback=_pairs, multiple=True, metavar="NAME=VALUE",
    help="The threshold of an evaluator, in place of its own.",
)  # fmt: skip
@click.option("--limit", "-n", type=click.IntRange(min=1), help="At most so many rows or calls.")
@click.option("--concurrency", type=click.IntRange(min=1), help="How many an evaluator may judge at once.")  # fmt: skip
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds for one judgement.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["table", "json", "junit"]), default="table", show_default=True, help="What is printed.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--report", metavar="FILE", type=click.Path(dir_okay=False), help="Write it to this file instead.")  # fmt: skip
@click.option("--no-progress", is_flag=True, help="No progress bar; there is one on terminals only.")  # fmt: skip
@click.option(
    "--list", "listed", is_flag=True,
    help="List the registered evaluators, what each requires and tells, and do no more.",
)  # fmt: skip
@click.pass_context
def command(
    ctx: click.Context,
    /,
    what: tuple[str, ...],
    store: str | None,
    gates: Sequence[tuple[str, float]],
    thresholds: Sequence[tuple[str, float]],
    form: str,
    as_json: bool,  # noqa: FBT001 -- click passes options by name
    report: str | None,
    fresh: bool,  # noqa: FBT001 -- as above
    no_progress: bool,  # noqa: FBT001 -- as above
    listed: bool,  # noqa: FBT001 -- as above
    **options: Any,
) -> None:
    """Judge calls that are over, by the evaluators and thresholds of the live program.

    SOURCE is a JSONL file with a row a line (id, input, output, context, reference, messages), a store, or
    OTLP-JSON files of any program that follows the GenAI conventions (a file or a folder); - is standard input. An
    EVALUATOR is a registered name, or MODULE:NAME for one of your own.
    """
    form = "json" if as_json else form
    if listed:
        from clearspan.cli import shelf

        shelf.show(as_json=form == "json")
        return
    names = what if store is not None else what[1:]
    if not names:
        raise click.UsageError(f"name at least one evaluator{' after the source' if store is None else ''}; `clearspan evaluate --list` shows them", ctx)  # fmt: skip
    source = what[0] if store is None else None
    made = [_evaluator(name, stored=store is not None) for name in names]
    _limit(made, thresholds)
    options.update(fail_under=_gates(gates, made), progress=False if no_progress else None, resume=not fresh)  # fmt: skip
    _prepare(source, options["out"], report)
    try:
        done = _evaluated(source, store, made, options)
    except KeyboardInterrupt:
        kept = f"; call it again to go on from {options['out']}" if options["out"] else ""
        click.echo(f"clearspan: interrupted{kept}", err=True)
        ctx.exit(_INTERRUPTED)
    _told(done, form, report)
    _warn(done, gates=form != "table" or report is not None)
    ctx.exit(done.exit_code)


def _prepare(source: str | None, out: str | None, report: str | None) -> None:
    """See that what will come can be written, and costs nobody what is there."""
    taken = {"the source itself": source, "the file of --out": out}
    for what, path in taken.items():
        if (
            report is not None
            and path is not None
            and Path(path).resolve() == Path(report).resolve()
        ):
            raise Misuse(f"--report: {report!r} is {what}")
    prepare("--out", out)
    prepare("--report", report)


def _warn(done: Report, *, gates: bool) -> None:
    """What must be seen; the gates only where no table on the screen tells them."""
    missed = [f"gate {gate}" for gate in done.gates() if gate.missed] if gates else []
    for said in (*done.warnings(), *missed):
        click.echo(f"clearspan: {screen.printable(' '.join(said.split()))}", err=True)


def _evaluated(
    source: str | None, store: str | None, made: list[Evaluator], options: Mapping[str, Any]
) -> Report:
    try:
        return evaluate(
            StoreReader(store_path(store)) if source is None else source, made, **options
        )
    except (ValueError, OSError, StoreError) as error:
        raise Misuse(error) from error


def _evaluator(name: str, *, stored: bool) -> Evaluator:
    """The evaluator of that name, of its own kind even where several share a class."""
    module, colon, attribute = name.partition(":")
    try:
        if not colon:
            return registered(name)
        return seated(_own(module, attribute))
    except registry.NotFound as error:
        if _is_file(name):
            said = "give either SOURCE or --store" if stored else "the SOURCE stands first, the evaluators behind it"  # fmt: skip
            raise Misuse(f"{name!r} is a file and no evaluator: {said}") from error
        said = str(error).partition("; clearspan.registry")[0]
        raise Misuse(f"{said} (`clearspan evaluate --list` shows all)") from error
    except Exception as error:  # somebody's module, which raises whatever it likes
        said = str(error)
        said = (
            said if said.startswith(_OURS) else f"evaluator {name}: {type(error).__name__}: {said}"
        )
        raise Misuse(said) from error


def _is_file(name: str) -> bool:
    """Whether a word that should name an evaluator names a file."""
    return Path(name).suffix in _FILES or Path(name).exists()


def _own(module: str, attribute: str) -> Any:
    """An evaluator of the user's, from a module that may lie in the working directory."""
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    found = import_module(module)
    if not hasattr(found, attribute):
        raise ValueError(f"module {module!r} has no {attribute!r}")
    return getattr(found, attribute)


def _limit(made: list[Evaluator], thresholds: Sequence[tuple[str, float]]) -> None:
    known = {each.name: each for each in made}
    for name, threshold in thresholds:
        if name not in known:
            raise Misuse(f"--threshold: there is no evaluator {name!r} here, only {', '.join(known)}")  # fmt: skip
        known[name].threshold = threshold
        try:
            check(known[name])
        except (ValueError, TypeError) as error:
            raise Misuse(error) from error


def _gates(given: Sequence[tuple[str, float]], made: list[Evaluator]) -> dict[str, float]:
    """The shares by name; one without a name holds for those that have none of their own."""
    general = {each.name: share for name, share in given if not name for each in made}
    return {**general, **{name: share for name, share in given if name}}


def _told(done: Report, form: str, path: str | None) -> None:
    forms: Mapping[str, Callable[[], str]] = {"table": lambda: str(done), "junit": done.junit}
    if path is None and form == "json":
        screen.document(done.as_dict())
        return
    import json

    text = forms[form]() if form in forms else json.dumps(done.as_dict(), indent=2, default=str)
    if path is None:
        click.echo(text)
        return
    try:
        Path(path).write_text(f"{text.rstrip(os.linesep)}\n", encoding="utf-8")
    except OSError as error:
        raise Misuse(error) from error
