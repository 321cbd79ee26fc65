"""Writes the reference pages that are tables of the code: `python docs/generate.py`.

The pages are committed, so that they can be read without building anything; a test compares them
with what this would write.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

import clearspan
from clearspan import registry, semconv, testing
from clearspan.cli import main as cli
from clearspan.emit import measures, projection
from clearspan.emit.scores import SCORE_ROWS
from clearspan.runtime import books
from clearspan.settings import SETTINGS, Setting

HERE = Path(__file__).parent / "reference"
NOTE = "% Written by docs/generate.py from the code; edit that instead.\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return (
        "\n".join(
            "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines
        )
        + "\n"
    )


def code(value: object) -> str:
    return f"`{value}`" if value not in (None, "") else ""


def settings() -> str:
    rows = [
        (
            code(item.name),
            code(item.variable),
            code(item.standard),
            code(shown(item)),
            item.note,
        )
        for item in SETTINGS
    ]
    return (
        "# Settings\n\n"
        "Every setting is an argument of `clearspan.init`. Arguments win over `CLEARSPAN_*` variables, "
        "which win over the standard `OTEL_*` ones.\n\n"
        "- A value that cannot be used raises `clearspan.SettingError` at `init`, naming the setting and the remedy; "
        "one of an `OTEL_*` variable is ignored with a warning.\n"
        "- An argument that does not exist is a `TypeError`, as with any function.\n"
        "- A variable `CLEARSPAN_*` that nothing reads, a misspelt one say, is told by a warning at `init`, and fails "
        "`clearspan doctor`: the program may have been set up for another release. A setting that changes nothing as "
        "the others stand (`spool_age` without `spool`) is told as well.\n"
        "- `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER` and `OTEL_LOGS_EXPORTER` are OpenTelemetry's. `none` keeps "
        "that signal from the receiver that `OTEL_EXPORTER_OTLP_ENDPOINT` names, and from nothing else: not from an "
        "`endpoint`, nor from the store, which is used where no receiver is named. To record nothing, set "
        "`CLEARSPAN_DISABLED=true`; to keep no prompts, `CLEARSPAN_CONTENT=off`.\n\n"
        + table(("argument", "variable", "standard variable", "default", "meaning"), rows)
    )


def shown(item: Setting) -> str:
    if item.default is None or item.default == ():
        return ""
    return item.default if isinstance(item.default, str) else item.shown(item.default)


TYPES = {
    "_text": "string", "_whole": "int", "_double": "double", "_flag": "boolean", "_texts": "string[]", "_wholes": "int[]", "<lambda>": "int",
}  # fmt: skip


def attributes() -> str:
    rows = [(code(row.name), TYPES[row.type.__name__], row.note) for row in projection.ROWS]
    own = sorted(
        value for name, value in vars(semconv).items()
        if name.isupper() and isinstance(value, str) and value.startswith("clearspan.") and not name.startswith("METRIC_")
    )  # fmt: skip
    names = {row.name for row in projection.ROWS} | {row.attribute for row in SCORE_ROWS}
    return (
        "# Attributes\n\n"
        "What stands on a span, by the OpenTelemetry GenAI conventions. A fact that is not known is "
        "absent, never zero. Names that the conventions do not have begin with `clearspan.`; they "
        "and `openai.*` go with the calls that have such a fact.\n\n"
        "## Facts of an operation\n\n"
        + table(("attribute", "type", "meaning"), rows)
        + "\n## Content\n\nPresent unless the content mode is `off`; JSON text on spans, structured values on "
        "the operation-details event.\n\n"
        + table(
            ("attribute", "meaning"),
            [
                (code(semconv.INPUT_MESSAGES), "what the model was given"),
                (code(semconv.OUTPUT_MESSAGES), "what it answered, one message for each choice"),
                (code(semconv.SYSTEM_INSTRUCTIONS), "system instructions that the API takes apart"),
                (
                    code(semconv.TOOL_DEFINITIONS),
                    "tools the model may call; names only unless `tool_schemas` is on",
                ),
                (
                    code(semconv.TOOL_CALL_ARGUMENTS) + ", " + code(semconv.TOOL_CALL_RESULT),
                    "of an executed tool",
                ),
                (
                    code(semconv.RETRIEVAL_QUERY_TEXT) + ", " + code(semconv.RETRIEVAL_DOCUMENTS),
                    "of a retrieval",
                ),
                (code(semconv.INPUT) + ", " + code(semconv.OUTPUT), "of any other step"),
            ],
        )
        + "\n## Evaluations\n\nOn the event `gen_ai.evaluation.result`, which stands in the context of the span "
        "that was judged.\n\n"
        + table(("attribute", "meaning"), [(code(row.attribute), row.note) for row in SCORE_ROWS])
        + "\n## Names of our own\n\nA name that ends in a dot is a prefix.\n\n"
        + "\n".join(f"- `{name}`" for name in own if name not in names)
        + "\n"
    )


def sampled() -> list[tuple[str, ...]]:
    """The instruments of all samplers, each once."""
    found = {
        item.name: item
        for name in registry.names(registry.SAMPLERS)
        for item in registry.load(registry.SAMPLERS, name).instruments
    }
    return [(code(item.name), item.kind, code(item.unit), item.note) for item in found.values()]


def metrics() -> str:
    rows = [
        (code(item.name), item.kind, code(item.unit), item.vocabulary, item.note)
        for item in measures.INSTRUMENTS
    ]
    buckets = {
        "seconds of client operations and tools": semconv.DURATION_BUCKETS,
        "tokens": semconv.TOKEN_BUCKETS,
        "seconds of agents": semconv.AGENT_BUCKETS,
        "seconds of workflows": semconv.WORKFLOW_BUCKETS,
        "calls of an agent": semconv.COUNT_BUCKETS,
    }
    return (
        "# Metrics\n\n"
        "`metric_names` chooses the vocabulary: `current` (what backends read today), `next` (what the "
        "conventions are about to say) or `both`. `any` below means that an instrument belongs to both.\n\n"
        + table(("instrument", "kind", "unit", "vocabulary", "meaning"), rows)
        + "\n## Devices, process and machine\n\nRead when metrics are collected, by what `hardware` names.\n\n"
        + table(("instrument", "kind", "unit", "meaning"), sampled())
        + "\n## The books of clearspan itself\n\nBy the names of OpenTelemetry's conventions for SDKs (in development), "
        "once something was recorded; what they mean stands in [Accounts](../explanation/accounts.md).\n\n"
        + table(
            ("instrument", "kind", "unit", "meaning"),
            [(code(row.name), row.kind, code(row.unit), row.note) for row in books.BOOKS],
        )
        + "\n## Bucket boundaries\n\n"
        + table(
            ("for", "boundaries"),
            [(name, ", ".join(map(str, values))) for name, values in buckets.items()],
        )
        + "\nAttribute sets are closed: operation, provider, models, server, service tier, and what the "
        "convention adds for an instrument (`error.type`, `gen_ai.token.type`, `gen_ai.token.modality`, "
        "tool, agent or workflow name, outcome, phase, kind of limit, currency). Of the context only what "
        "`metric_context` names reaches a metric, and only that of the cost; content and ids never do. An "
        "instrument has at most `metric_series` attribute sets: what comes beyond is gathered in one that is "
        "marked `otel.metric.overflow`.\n"
    )


def commands() -> str:
    parts = ["# Command line\n"]
    settings = {**cli.context_settings, "terminal_width": 80}
    with click.Context(cli, info_name="clearspan", **settings) as group:
        for name in cli.list_commands(group):
            command = cli.get_command(group, name)
            if command is not None:
                with click.Context(command, group, info_name=name) as context:
                    parts.append(
                        f"## clearspan {name}\n\n```text\n{command.get_help(context)}\n```\n"
                    )
    return "\n".join(parts)


def api() -> str:
    parts = [
        "# API\n\nWhat `import clearspan` offers. Everything is imported when it is first used.\n",
        (
            "The decorators `workflow`, `agent`, `task`, `tool`, `retrieval`, `model` and `embedding` are "
            "`observe(kind=...)`.\n"
        ),
    ]
    for name in clearspan.__all__:
        found = getattr(clearspan, name)
        home = getattr(found, "__module__", "")
        if name in _KINDS or not home.startswith("clearspan"):
            continue
        kind = "autoclass" if isinstance(found, type) else "autofunction"
        options = "\n:members:\n:show-inheritance:" if kind == "autoclass" else ""
        parts.append(
            f"## {name}\n\n```{{eval-rst}}\n.. {kind}:: {home}.{found.__qualname__}{indented(options)}\n```\n"
        )
    parts.append("# Further types\n\nWhat the above answer or take.\n")
    parts.extend(
        f"## {name.rpartition('.')[2]}\n\n```{{eval-rst}}\n.. autoclass:: {name}\n   :members:\n```\n"
        for name in _FURTHER
    )
    return "\n".join(parts)


_FURTHER = (
    "clearspan.provider.Probe",
    "clearspan.provider.Passage",
    "clearspan.provider.Tap",
    "clearspan.response.ResponseRef",
    "clearspan.runtime.state.ProviderStatus",
    "clearspan.runtime.state.QueueStatus",
    "clearspan.runtime.queues.Delivery",
    "clearspan.core.ledger.Accounts",
)
_KINDS = ("workflow", "agent", "task", "tool", "retrieval", "model", "embedding")


def indented(text: str) -> str:
    return text.replace("\n", "\n   ")


def test_kit() -> str:
    parts = ["# Test kit\n\nWhat `clearspan.testing` offers.\n"]
    for name in testing.__all__:
        found = getattr(testing, name)
        kind = "autoclass" if isinstance(found, type) else "autofunction"
        options = "\n   :members:" if kind == "autoclass" else ""
        parts.append(
            f"## {name}\n\n```{{eval-rst}}\n.. {kind}:: {found.__module__}.{found.__qualname__}{options}\n```\n"
        )
    return "\n".join(parts)


def evaluators() -> str:
    parts = [
        (
            "# Evaluators\n\nThose that come with clearspan. By name where the defaults will do "
            '(`evaluators=["pii"]`), else as an object with options. What a call must have for it to be judged '
            "stands under *requires*; a call without it is skipped, visibly.\n"
        ),
    ]
    for title, package in (("Code", "evaluators"), ("Judges", "judges")):
        made = registered(package)
        rows = [
            (
                code(name),
                code(f"clearspan.{package}.{cls.__name__}"),
                ", ".join(sorted(wanted.replace("|", " or ") for wanted in cls.requires)),
                {"maximize": "high", "minimize": "low", "neutral": ""}[cls.direction],
                "" if cls.threshold is None else str(cls.threshold),
                " ".join((cls.__doc__ or "").split("\n\n")[0].split()),
            )
            for name, cls in made.items()
        ]
        head = ("name", "class", "requires", "good is", "threshold", "what it tells")
        parts.append(f"## {title}\n\n{table(head, rows)}")
    parts.append("# Their options\n")
    parts.extend(
        f"## {package}.{cls.__name__}\n\n```{{eval-rst}}\n.. autoclass:: {cls.__module__}.{cls.__qualname__}\n```\n"
        for package in ("evaluators", "judges")
        for cls in registered(package).values()
    )
    return "\n".join(parts)


def registered(package: str) -> dict[str, Any]:
    """The registered evaluators whose classes stand in `clearspan.<package>`, by name."""
    found = {
        name: registry.load(registry.EVALUATORS, name)
        for name in registry.names(registry.EVALUATORS)
    }
    return {
        name: cls
        for name, cls in found.items()
        if cls.__module__.startswith(f"clearspan.{package}.")
    }


PAGES = {
    "evaluators.md": evaluators,
    "settings.md": settings,
    "attributes.md": attributes,
    "metrics.md": metrics,
    "cli.md": commands,
    "api.md": api,
    "test-kit.md": test_kit,
}


def pages() -> dict[str, str]:
    """The text of every page, by file name."""
    return {name: NOTE + "\n" + write() for name, write in PAGES.items()}


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8")
