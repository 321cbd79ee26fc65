"""What may be kept of content: capture mode, redaction, truncation. Applied once, in `Draft.seal`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from clearspan.core import jsonfast, known
from clearspan.core.marks import length, noted
from clearspan.emit import names, redact, walk
from clearspan.emit.boxed import Boxed
from clearspan.emit.fit import fit
from clearspan.emit.outline import only, outline, wordless
from clearspan.emit.walk import EDGE, Walk, Way, noting
from clearspan.record import OTHER, CallContext, ErrorInfo, Message, Part, TokenScore
from clearspan.semconv import LOGPROBS

if TYPE_CHECKING:
    from clearspan.score import Score

__all__ = ["ContentPolicy", "Kept"]

_MAX_MESSAGE = 2_048
_MAX_WORD = 200
# What labels, reasons and types of errors look like, and content hardly ever does.
_WORD = re.compile(r"[a-z][a-z_.:|-]{0,49}|[A-Z][A-Za-z]{0,59}")
_WITHHELD = "withheld"
_STOPS = "stop_sequences"


class Kept(NamedTuple):
    """Clean content, its JSON text, and whether something was cut."""

    value: Any
    encoded: str | None = None


_NOTHING = Kept(())
_NO_VALUE = Kept(None)


@dataclasses.dataclass(frozen=True, slots=True)
class ContentPolicy:
    """One content mode (`off`, `metadata`, `redacted`, `full`) with its redactors and size cap.

    `limit` bounds the JSON of each content attribute, in bytes of UTF-8. Tool definitions keep
    their names only, unless `tool_schemas` asks for descriptions and parameters.
    """

    mode: str = "full"
    limit: int = 131_072
    redactors: Sequence[redact.Redactor] = ()
    tool_schemas: bool = False

    @property
    def slow(self) -> bool:
        """Whether cleaning may take long: functions of the application's own have a say in it."""
        return any(isinstance(each, Boxed) for each in self.redactors)

    def close(self) -> None:
        """Let the threads of those functions go."""
        for each in self.redactors:
            if isinstance(each, Boxed):
                each.close()

    @property
    def wanted(self) -> bool:
        """Whether any content is to be collected at all."""
        return self.mode != "off"

    def messages(self, messages: Sequence[Message | Part]) -> Kept:
        """Clean messages (or system parts); in mode `metadata` only their structure stays."""
        if not messages or self.mode == "off":
            return _NOTHING
        if self.mode == "metadata":
            return self._fitted([outline(message) for message in messages], walk.messages)
        return self._fitted(messages, walk.messages)

    def tools(self, tools: Sequence[Mapping[str, Any]]) -> Kept:
        """Clean tool definitions. They are the developer's, so mode `metadata` keeps the names."""
        if not tools or self.mode == "off":
            return _NOTHING
        if self.tool_schemas and self.mode != "metadata":
            return self._fitted(tools, walk.value)
        return self._fitted([only(tool, ("type", "name")) for tool in tools], walk.value)

    def value(self, value: Any) -> Kept:
        """Clean any value; nothing of it stays in mode `metadata`."""
        if value is None or self.mode in ("off", "metadata"):
            return _NO_VALUE
        return self._fitted(names.joined(value, self.redactors), walk.value)

    def tokens(self, rows: list[list[TokenScore]]) -> Kept:
        """Clean tokens with their log probabilities; none of an answer of which something must not be kept."""
        if self.mode in ("off", "metadata"):
            return _NO_VALUE
        kept = [
            row if names.stays("".join([score[0] for score in row]), self.redactors) else []
            for row in rows
        ]
        told = [[list(score[:2]) for score in row] for row in kept]
        clean = ContentPolicy(self.mode, self.limit)
        return clean.value(told) if any(kept) else _NO_VALUE

    def name(self, text: Any) -> Any:
        """Clean a name, an id or a word of an API: those of known words are nobody's, others may be anything.

        Credentials are taken out in every mode. The built-in rules leave alone what looks like an id,
        functions of the application's own are asked.
        """
        if type(text) is not str:
            return text
        if self.redactors or len(text) > names.SHORT or self.limit < names.SHORT:
            return names.clean(text, self.redactors, self.limit)
        return names.short(text, known.generation())

    def context(self, context: CallContext) -> CallContext:
        """Clean what the application said; the variables of a prompt are content like the prompt."""
        wanted = self.mode in ("redacted", "full")
        return dataclasses.replace(
            context,
            session=self._maybe(context.session),
            user=self._maybe(context.user),
            tags=tuple([self._text(tag) for tag in context.tags]),
            prompt=None
            if context.prompt is None
            else (self._text(context.prompt[0]), self._maybe(context.prompt[1])),
            variant=self._named(context.variant),
            metadata=self._named(context.metadata),
            variables=self._named(context.variables) if wanted else {},
            documents=tuple([self._text(text) for text in context.documents if wanted]),
            references=tuple([self._text(text) for text in context.references if wanted]),
        )

    def _named(self, texts: Mapping[str, str]) -> dict[str, str]:
        clean: dict[str, str] = {}
        for name, text in texts.items():
            said = text and redact.names_secret(name)
            clean[names.apart(self.name(name), clean)] = redact.MARK if said else self._text(text)
        return clean

    def params(self, params: dict[str, Any]) -> dict[str, Any]:
        """Clean what was asked for. The texts at which a model is to stop are content, the rest is ids and settings."""
        kept = {name: self._names(value) for name, value in params.items()}
        stops = kept.pop(_STOPS, None)
        if stops is not None and self.mode in ("redacted", "full"):
            kept[_STOPS] = self._label(stops)
        return kept

    def labels(self, labels: dict[str, Any]) -> dict[str, Any]:
        """Clean attributes that the application named itself; ours hold no free text, but what servers said."""
        clean: dict[str, Any] = {}
        for name, value in labels.items():
            if name == LOGPROBS:
                clean[name] = value  # clean already, and no longer one text
            elif name.startswith(names.OWN):
                clean[name] = self._names(value) if type(value) is list else self.name(value)
            else:
                said = type(value) is str and value and redact.names_secret(name)
                told = names.apart(self.name(name), clean)
                clean[told] = redact.MARK if said else self._label(value)
        return clean

    def _names(self, value: Any, depth: int = 4) -> Any:
        if type(value) is not list:
            return self.name(value)
        # No parameter is that deep, but a list may hold itself.
        return [self._names(item, depth - 1) for item in value] if depth else []

    def _label(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        return [self._label(item) for item in value] if isinstance(value, list) else value

    def _maybe(self, text: str | None) -> str | None:
        return None if text is None else self._text(text)

    def _text(self, text: str) -> str:
        return self._bounded(text, self.limit)[: self.limit]

    def error(
        self, error: ErrorInfo, said: Callable[[], Iterable[str] | None] = tuple
    ) -> ErrorInfo:
        """Messages of exceptions quote prompts: they stay only where content does. Types go to metrics: no text does.

        `said` answers the texts of the request, which a code does not repeat; `None` where nobody knows them.
        """
        exception = self.name(error.exception)
        told = error.type
        if told == error.exception:
            told = exception
        elif self.name(told) != told or not names.is_code(told, said):
            told = exception or OTHER
        message = None
        if error.message is not None and self.mode not in ("off", "metadata"):
            message = self._bounded(error.message, _MAX_MESSAGE)[:_MAX_MESSAGE]
        return dataclasses.replace(
            error,
            type=told,
            message=message,
            stacktrace=_ending(error.stacktrace, error.exception, exception),
            exception=exception,
            cause=self.name(error.cause),
        )

    def score(self, score: Score, *, plain: bool) -> Score:
        """Clean what a score says. One that is `plain` holds no text of the call, by its evaluator's word.

        What an exception says is nobody's word. Where no content is kept, of feedback only what is no text stays.
        """
        score = self._aimed(score)
        if plain and score.error is None:
            return score
        wanted = self.mode in ("redacted", "full")
        metadata = self.value(dict(score.metadata)).value if wanted else wordless(score)
        said = score.explanation if wanted else None
        return dataclasses.replace(
            score,
            label=self._word(score.label),
            error=self._word(score.error),
            skipped=self._word(score.skipped),
            explanation=None if said is None else self._bounded(said, _MAX_MESSAGE)[:_MAX_MESSAGE],
            metadata=dict(metadata or {}),
        )

    def _aimed(self, score: Score) -> Score:
        """The score, its target named as the call's own record names it."""
        target = score.target
        if target is None or (target.session is None and target.key is None):
            return score
        session, key = self._maybe(target.session), self._maybe(target.key)
        return dataclasses.replace(
            score, target=dataclasses.replace(target, session=session, key=key)
        )

    def _word(self, text: str | None) -> str | None:
        """A label or a type. It goes to metrics too: one word, where content must not be told."""
        if text is None or _WORD.fullmatch(text):
            return text
        if self.mode in ("off", "metadata"):
            return _WITHHELD
        return self._text(text)[:_MAX_WORD]

    def _bounded(self, text: str, limit: int) -> str:
        """A text without what must not be kept; of one much longer than `limit`, its beginning."""
        longest = limit + 2 * EDGE
        valid = jsonfast.valid(text[:longest])
        clean = redact.apply(redact.scrub(valid), self.redactors)
        if len(text) <= longest:
            return clean
        kept = clean[: max(0, len(clean) - EDGE)]
        return noted(kept, length(text) - len(kept))

    def _fitted(self, value: Any, way: Way) -> Kept:
        """`value` clean and cut, with its JSON text."""
        longest = self.limit + 2 * EDGE
        if not self.redactors:
            # Looking once through all texts is much cheaper than through each of them.
            seen: list[str] = []
            whole = walk.spoken(value, longest, seen) if way is walk.messages else None
            if whole is None:
                seen = []
                whole = way(value, Walk(lambda text: noting(text, longest, seen), longest))
            if not redact.holds_secret(*seen):
                return Kept(*fit(whole, self.limit))
        clean = way(value, Walk(lambda text: self._bounded(text, self.limit), longest, self.name))
        return Kept(*fit(clean, self.limit))


def _ending(stack: str | None, raw: str | None, clean: str | None) -> str | None:
    """A stack whose last line names the exception as it is named elsewhere."""
    if not stack or not raw or not stack.endswith(raw):
        return stack
    return f"{stack[: -len(raw)]}{clean}"
