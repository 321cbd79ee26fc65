"""Answers as JSON: whether they can be read at all, and whether they fit a schema."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from clearspan.assess import jsonschema_lite
from clearspan.assess.answers import CUT, AnswerEvaluator, answers, is_cut
from clearspan.assess.evaluator import Evaluator, Subject
from clearspan.assess.jsonschema_lite import Problem
from clearspan.evaluators.structure.reading import NotJson, read
from clearspan.record import Invocation
from clearspan.score import Score

__all__ = ["MatchesSchema", "ValidJson"]

_SHOWN = 5


class ValidJson(AnswerEvaluator):
    """Whether the answer is JSON (RFC 8259): 1 or 0, label `valid` or `invalid`.

    JSON in a fenced block counts as well, unless `strict`. With `only_asked`, calls that did not ask for JSON
    are skipped.
    """

    threshold = 1.0

    def __init__(self, *, strict: bool = False, only_asked: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.strict = strict
        self.only_asked = only_asked

    def judge(self, text: str, call: Subject) -> Score:
        """Try to read it."""
        if self.only_asked and getattr(call, "params", {}).get("output_type") != "json":
            return Score(skipped="the call did not ask for JSON")
        try:
            document = read(text, strict=self.strict)
        except NotJson as error:
            return Score(value=0.0, label="invalid", explanation=str(error))
        return Score(value=1.0, label="valid", metadata={"fenced": document.fenced})


class MatchesSchema(Evaluator):
    """Whether the answer fits a JSON Schema: the share of documents that do, label `valid` or `invalid`.

    `schema` is a JSON Schema, or a pydantic model. Without one, the call's own count: what its record has
    under the parameter `output_schema`, and for tool calls the parameters of the tool definitions.
    `metadata` counts the broken rules by their word (`required`, `type`, ...); the explanation tells the places.

    What `assess.jsonschema_lite` does not cover (such as `unevaluatedProperties`) is left to the library
    `jsonschema`, of 4.18 or later, where it is installed; references to other documents are never fetched. Where nobody
    can tell, the call is skipped. Raises `ValueError` for a schema that is none.
    """

    threshold = 1.0
    requires = frozenset({"output|tool_calls"})

    def __init__(self, schema: Any = None, *, strict: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.schema = None if schema is None else _schema_of(schema)
        self.strict = strict

    def evaluate(self, call: Any) -> Score:
        """Hold every document of the call against its schema."""
        if any(is_cut(text) for text in answers(call)):
            return Score(skipped=CUT)
        verdicts = list(self._verdicts(call))
        if not verdicts:
            return Score(skipped="no schema is known for the answer")
        open_words = sorted({word for verdict in verdicts for word in verdict.unchecked})
        if open_words and all(verdict.fits for verdict in verdicts):
            return Score(skipped=f"{', '.join(open_words)} cannot be checked without jsonschema")
        return _score(verdicts)

    def _verdicts(self, call: Subject) -> Iterator[_Verdict]:
        schema = self.schema
        if schema is None:
            yield from _of_tools(call)
            schema = getattr(call, "params", {}).get("output_schema")
        if schema is None:
            return
        for text in answers(call):
            try:
                value = read(text, strict=self.strict).value
            except NotJson as error:
                yield _Verdict([Problem("", "json")], (), str(error))
            else:
                yield _checked(value, schema)


class _Verdict:
    """What was found of one document."""

    def __init__(
        self, problems: list[Problem], unchecked: tuple[str, ...], why: str | None = None
    ) -> None:
        self.problems = problems
        self.unchecked = unchecked
        self.why = why or ", ".join(
            f"{problem.path or '/'}: {problem.keyword}" for problem in problems[:_SHOWN]
        )

    @property
    def fits(self) -> bool:
        return not self.problems


def _score(verdicts: list[_Verdict]) -> Score:
    fitting = sum(verdict.fits for verdict in verdicts)
    words = Counter(problem.keyword for verdict in verdicts for problem in verdict.problems)
    return Score(
        value=fitting / len(verdicts),
        label="valid" if fitting == len(verdicts) else "invalid",
        explanation="; ".join(verdict.why for verdict in verdicts if verdict.why) or None,
        metadata={"problems": dict(sorted(words.items()))},
    )


def _of_tools(call: Subject) -> Iterator[_Verdict]:
    if not isinstance(call, Invocation):
        return
    known = {tool.get("name"): tool.get("parameters") for tool in call.tools}
    for message in call.output:
        for part in message.get("parts", ()):
            schema = known.get(part.get("name"))
            if part.get("type") != "tool_call" or schema is None:
                continue
            given: Any = part.get("arguments", {})
            yield _checked(given, schema)


def _checked(value: Any, schema: Any) -> _Verdict:
    strange = jsonschema_lite.unknown(schema)
    found = _by_library(value, schema) if strange else None
    if found is not None:
        return _Verdict(found, ())
    return _Verdict(jsonschema_lite.problems(value, schema), tuple(strange))


def _by_library(value: Any, schema: Any) -> list[Problem] | None:
    """What `jsonschema` says, which is given a registry that fetches nothing; `None` without it.

    Raises the library's own errors for a schema that cannot be read.
    """
    try:
        validators = import_module("jsonschema.validators")
        registry = import_module("referencing").Registry()
    except ImportError:
        return None
    made = validators.validator_for(schema, default=validators.Draft202012Validator)
    return [
        Problem("".join(f"/{step}" for step in error.absolute_path), str(error.validator))
        for error in made(schema, registry=registry).iter_errors(value)
    ]


def _schema_of(given: Any) -> Any:
    if callable(made := getattr(given, "model_json_schema", None)):
        return made()
    if not isinstance(given, (Mapping, bool)):
        raise ValueError(  # noqa: TRY004 - a wrong option, as the others are
            f"clearspan: matches_schema: schema must be a JSON Schema or a pydantic model, not {given!r}"
        )
    return given
