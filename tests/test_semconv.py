"""Our literals against the constants of OpenTelemetry's own package, wherever names overlap."""

from __future__ import annotations

import importlib
import itertools
from typing import Any

import pytest
from opentelemetry.semconv.schemas import Schemas

from clearspan import semconv as sc
from clearspan.record import Operation

ATTRIBUTES = "opentelemetry.semconv.attributes"
INCUBATING = "opentelemetry.semconv._incubating"

# Younger than the constants of the package; a later release of it may have them.
YOUNGER = {
    "gen_ai.conversation.compacted",
    "gen_ai.prompt.variable.",
    "gen_ai.prompt.version",
    "gen_ai.request.previous_response.id",
    "gen_ai.request.reasoning.level",
    "gen_ai.request.stream_cursor",
    "gen_ai.response.status",
    "gen_ai.retrieval.top_k",
    "gen_ai.token.modality",
    "gen_ai.usage.audio.input_tokens",
    "gen_ai.usage.audio.output_tokens",
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.image.input_tokens",
    "gen_ai.usage.image.output_tokens",
    "gen_ai.usage.text.input_tokens",
    "gen_ai.usage.text.output_tokens",
}
YOUNGER_METRICS = {
    "gen_ai.client.inference.duration",
    "gen_ai.client.inference.operation.input_tokens",
    "gen_ai.client.inference.operation.output_tokens",
    "gen_ai.client.inference.time_per_output_chunk",
    "gen_ai.client.inference.time_to_first_chunk",
    "gen_ai.client.inference.usage.cache_read.input_tokens",
    "gen_ai.client.inference.usage.cache_write.input_tokens",
    "gen_ai.client.inference.usage.input_tokens",
    "gen_ai.client.inference.usage.output_tokens",
    "gen_ai.client.inference.usage.reasoning.output_tokens",
    "gen_ai.execute_tool.duration",
    "gen_ai.invoke_agent.duration",
    "gen_ai.invoke_agent.inference_calls",
    "gen_ai.invoke_agent.tool_calls",
    "gen_ai.invoke_workflow.duration",
}
# No values of the conventions' own list: some are younger than the package, some are ours.
FURTHER_OPERATIONS = {
    "create_batch",
    "decision",
    "fetch_response",
    "moderation",
    "task",
}


def ours() -> dict[str, str]:
    return {
        name: value for name, value in vars(sc).items() if name.isupper() and type(value) is str
    }


def theirs(module: str) -> dict[str, str]:
    """Constants of a module by their names; the deprecated ones are those we replace."""
    found = vars(importlib.import_module(module))
    return {name: value for name, value in found.items() if name.isupper() and type(value) is str}


def of_signal(prefix: str) -> dict[str, str]:
    return {name: value for name, value in ours().items() if name.startswith(prefix)}


def attribute_names() -> set[str]:
    """Every attribute of the conventions that we have a name for."""
    told = {*of_signal("METRIC_"), *of_signal("EVENT_"), "SCHEMA_URL", "SCOPE"}
    return {
        value
        for name, value in ours().items()
        if name not in told and not value.startswith("clearspan.")
    }


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_attribute_is_one_of_the_conventions() -> None:
    known = set().union(
        *(
            theirs(module).values()
            for module in (
                f"{ATTRIBUTES}.code_attributes",
                f"{ATTRIBUTES}.error_attributes",
                f"{ATTRIBUTES}.exception_attributes",
                f"{ATTRIBUTES}.server_attributes",
                f"{INCUBATING}.attributes.gen_ai_attributes",
                f"{INCUBATING}.attributes.openai_attributes",
                f"{INCUBATING}.attributes.otel_attributes",
                f"{INCUBATING}.attributes.session_attributes",
                f"{INCUBATING}.attributes.user_attributes",
            )
        )
    )
    assert attribute_names() - known <= YOUNGER


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("module", "prefix", "namespace"),
    [
        (f"{ATTRIBUTES}.code_attributes", "", "code."),
        (f"{ATTRIBUTES}.error_attributes", "", "error."),
        (f"{ATTRIBUTES}.exception_attributes", "", "exception."),
        (f"{ATTRIBUTES}.server_attributes", "", "server."),
        (f"{INCUBATING}.attributes.gen_ai_attributes", "GEN_AI_", "gen_ai."),
        (f"{INCUBATING}.attributes.openai_attributes", "", "openai."),
        (f"{INCUBATING}.attributes.otel_attributes", "OTEL_", "otel.component."),
        (f"{INCUBATING}.attributes.session_attributes", "", "session."),
        (f"{INCUBATING}.attributes.user_attributes", "", "user."),
    ],
)
def test_the_same_name_means_the_same(module: str, prefix: str, namespace: str) -> None:
    known = {name.removeprefix(prefix): value for name, value in theirs(module).items()}
    mine = {name: value for name, value in ours().items() if value.startswith(namespace)}
    shared = known.keys() & mine.keys()
    assert shared
    assert {name: mine[name] for name in shared} == {name: known[name] for name in shared}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_metric_is_one_of_the_conventions() -> None:
    known = {
        name
        for module in ("gen_ai_metrics", "otel_metrics")
        for name in theirs(f"{INCUBATING}.metrics.{module}").values()
    }
    assert known & set(of_signal("METRIC_").values())
    metrics = set(of_signal("METRIC_").values()) - {
        sc.METRIC_OVERFLOW
    }  # an attribute, of the SDK's specification
    own = {name for name in metrics if name.startswith("clearspan.")}
    assert own == {
        "clearspan.client.operation.time_to_first_content",
        "clearspan.client.operation.phase.duration",
        "clearspan.client.operation.decode.rate",
        "clearspan.client.operation.output.rate",
        "clearspan.client.operation.cost",
        "clearspan.client.operation.energy",
        "clearspan.client.operation.count",
        "clearspan.client.operation.retries",
        "clearspan.client.active_calls",
        "clearspan.queue.size",
        "clearspan.queue.capacity",
        *(
            f"clearspan.client.rate_limit.{what}"
            for what in ("limit", "remaining", "reset", "retry_after")
        ),
        *(
            f"clearspan.evaluation.{what}"
            for what in ("score", "results", "errors", "skipped", "duration", "cost")
        ),
    }
    assert metrics - own - known <= YOUNGER_METRICS


def test_events() -> None:
    assert of_signal("EVENT_") == {
        "EVENT_DETAILS": "gen_ai.client.inference.operation.details",
        "EVENT_EVALUATION": "gen_ai.evaluation.result",
        "EVENT_EXCEPTION": "gen_ai.client.operation.exception",
    }


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_operations() -> None:
    module = importlib.import_module(f"{INCUBATING}.attributes.gen_ai_attributes")
    known = {member.value for member in module.GenAiOperationNameValues}
    assert {str(operation) for operation in Operation} - known <= FURTHER_OPERATIONS


def test_the_schema() -> None:
    assert Schemas.V1_37_0.value == sc.SCHEMA_URL


def test_no_name_stands_twice() -> None:
    names = list(ours().values())
    assert sorted(names) == sorted({*names})


def test_prefixes_end_in_a_dot_and_only_they() -> None:
    assert {name for name, value in ours().items() if value.endswith(".")} == {
        "METADATA",
        "PROMPT_VARIABLE",
        "RATE_LIMIT",
        "VARIANT",
    }


BUCKETS: dict[str, Any] = {
    name: value for name, value in vars(sc).items() if name.endswith("_BUCKETS")
}


@pytest.mark.parametrize("name", BUCKETS)
def test_boundaries_rise(name: str) -> None:
    assert all(lower < upper for lower, upper in itertools.pairwise(BUCKETS[name]))
    assert BUCKETS[name][0] >= 0
