"""What may be kept of content: capture mode, redaction, truncation. Applied once, in `Draft.seal`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from clearspan.core import jsonfast, read
from clearspan.emit import redact
from clearspan.emit.fit import fit, noted
from clearspan.record import CallContext, ErrorInfo, Message
from clearspan.score import Score

__all__ = ["ContentPolicy", "Kept"]

# Redaction runs before the final cut, on more than will be kept. Of a text that is cut even before
# that, the last part is dropped afterwards: there a cut may have left half of a secret, or of a
# name, that no pattern knows any more.
_EDGE = 4_096
_DEPTH = 16
_OURS = ("gen_ai.", "openai.", "code.", "clearspan.")
_MAX_MESSAGE = 2_048
_MAX_WORD = 200
# What labels, reasons and types of errors look like, and content hardly ever does.
_WORD = re.compile(r"[a-z][a-z_.:|-]{0,49}|[A-Z][A-Za-z]{0,59}")
_WITHHELD = "withheld"


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float))


# What feedback tells of itself: no words of anybody's. A user's name is the hash that stands for one.
_WORDLESS: Mapping[str, Callable[[Any], bool]] = {
    "raw": _is_number,
    "scale": lambda given: isinstance(given, list) and all(map(_is_number, given)),
    "source": lambda given: given in ("end_user", "annotator", "implicit"),
    "user": lambda given: (
        isinstance(given, str) and re.fullmatch("[0-9a-f]{32}", given) is not None
    ),
}


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
    def wanted(self) -> bool:
        """Whether any content is to be collected at all."""
        return self.mode != "off"

    def messages(self, messages: list[Message]) -> Kept:
        """Clean messages (or system parts); in mode `metadata` only their structure stays."""
        if not messages or self.mode == "off":
            return _NOTHING
        if self.mode == "metadata":
            return self._fitted([_outline(message) for message in messages], _messages)
        return self._fitted(messages, _messages)

    def tools(self, tools: list[Mapping[str, Any]]) -> Kept:
        """Clean tool definitions. They are the developer's, so mode `metadata` keeps the names."""
        if not tools or self.mode == "off":
            return _NOTHING
        if self.tool_schemas and self.mode != "metadata":
            return self._fitted(tools, _texts)
        return self._fitted([_only(tool, ("type", "name")) for tool in tools], _texts)

    def value(self, value: Any) -> Kept:
        """Clean any value; nothing of it stays in mode `metadata`."""
        if value is None or self.mode in ("off", "metadata"):
            return _NO_VALUE
        return self._fitted(value, _texts)

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
            variant={name: self._text(text) for name, text in context.variant.items()},
            metadata={name: self._text(text) for name, text in context.metadata.items()},
            variables={
                name: self._text(text) for name, text in context.variables.items() if wanted
            },
            documents=tuple([self._text(text) for text in context.documents if wanted]),
            references=tuple([self._text(text) for text in context.references if wanted]),
        )

    def labels(self, labels: dict[str, Any]) -> dict[str, Any]:
        """Clean attributes that the application named itself; ours hold no free text."""
        return {
            name: value if name.startswith(_OURS) else self._label(value)
            for name, value in labels.items()
        }

    def _label(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        return [self._label(item) for item in value] if isinstance(value, list) else value

    def _maybe(self, text: str | None) -> str | None:
        return None if text is None else self._text(text)

    def _text(self, text: str) -> str:
        return self._bounded(text, self.limit)[: self.limit]

    def error(self, error: ErrorInfo) -> ErrorInfo:
        """Messages of exceptions quote prompts: they stay only where content does."""
        if self.mode in ("off", "metadata"):
            return dataclasses.replace(error, message=None)
        if error.message is None:
            return error
        message = self._bounded(error.message, _MAX_MESSAGE)
        return dataclasses.replace(error, message=message[:_MAX_MESSAGE])

    def score(self, score: Score, *, plain: bool) -> Score:
        """Clean what a score says. One that is `plain` holds no text of the call, by its evaluator's word.

        What an exception says is nobody's word. Where no content is kept, of feedback only what is no text stays.
        """
        score = self._aimed(score)
        if plain and score.error is None:
            return score
        wanted = self.mode in ("redacted", "full")
        metadata = self.value(dict(score.metadata)).value if wanted else _wordless(score)
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
        longest = limit + 2 * _EDGE
        valid = jsonfast.valid(text[:longest])
        clean = redact.apply(redact.scrub(valid), self.redactors)
        if len(text) <= longest:
            return clean
        kept = clean[: max(0, len(clean) - _EDGE)]
        return noted(kept, len(text) - len(kept))

    def _fitted(self, value: Any, walk: _Walk) -> Kept:
        """`value` clean and cut, with its JSON text."""
        longest = self.limit + 2 * _EDGE
        if not self.redactors:
            # Looking once through all texts is much cheaper than through each of them.
            seen: list[str] = []
            whole = walk(value, _Texts(lambda text: _noting(text, longest, seen), longest))
            if not redact.holds_secret("\n".join(seen)):
                return Kept(*fit(whole, self.limit))
        clean = walk(value, _Texts(lambda text: self._bounded(text, self.limit), longest))
        return Kept(*fit(clean, self.limit))


class _Texts(NamedTuple):
    """What happens to each text, and how long a blob may be at most."""

    change: Callable[[str], str]
    longest: int


_Walk = Callable[[Any, _Texts], Any]


def _noting(text: str, longest: int, seen: list[str]) -> str:
    kept = text if len(text) <= longest else text[: longest - _EDGE]
    seen.append(jsonfast.valid(kept))
    return seen[-1] if kept is text else noted(seen[-1], len(text) - len(kept))


def _texts(value: Any, texts: _Texts, depth: int = _DEPTH) -> Any:
    """`value` as JSON can hold it, with every text in it changed, those among the keys too."""
    cls = type(value)
    if cls is str:
        return texts.change(value)
    if value is None or cls is bool or cls is int:
        return value
    if (cls is list or cls is tuple) and depth > 0:
        return [_texts(item, texts, depth - 1) for item in value]
    if cls is dict and depth > 0:
        return {_key(key, texts): _field(key, value[key], texts, depth) for key in value}
    bare = read.plain(value, depth)
    # What is still a container was of a class of the host's, and is one of Python's own now.
    return _texts(bare, texts, depth) if isinstance(bare, (str, list, dict)) else bare


# A name that somebody gave in a program, not a person's data.
_NAME = re.compile(r"[A-Za-z_][A-Za-z_.\-]{0,63}")


def _key(key: Any, texts: _Texts) -> str:
    name = _spelt(key)
    return name if _NAME.fullmatch(name) else texts.change(name)


def _spelt(key: Any) -> str:
    return key if type(key) is str else str(read.plain(key, 1))


def _field(key: Any, item: Any, texts: _Texts, depth: int) -> Any:
    if type(item) is str and item and type(key) is str and redact.names_secret(key):
        return redact.MARK
    return _texts(item, texts, depth - 1)


# What makes a message a message: no text of anybody's, and meaningless when changed.
_STRUCTURE = frozenset({"role", "type", "finish_reason", "modality", "mime_type", "id"})


def _messages(messages: Any, texts: _Texts) -> Any:
    """Messages, or system parts, with every text changed but not what holds them together."""
    if not isinstance(messages, list):
        return _texts(messages, texts)
    return [
        _message(item, texts) if type(item) is dict else _texts(item, texts) for item in messages
    ]


def _message(message: dict[str, Any], texts: _Texts) -> dict[str, Any]:
    blob = message.get("type") == "blob" and "modality" in message
    kept: dict[str, Any] = {}
    for name, item in message.items():
        key = _spelt(name)
        if key == "parts":
            kept[key] = _messages(item, texts)
        elif key in _STRUCTURE and type(item) is str:
            kept[key] = jsonfast.valid(item)
        elif blob and key == "content" and type(item) is str:
            # Base64 is no text to redact. Half a blob is none; its size says what was there.
            kept[key] = item if len(item) <= texts.longest else ""
            if not kept[key] and item:
                kept["omitted"] = len(item)
        else:
            kept[key] = _texts(item, texts)
    return kept


_OUTLINE = ("type", "id", "name", "modality", "mime_type")


def _only(item: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: item[name] for name in names if name in item} if type(item) is dict else {}


def _outline(message: Any) -> dict[str, Any]:
    """A message's shape without a word of it; lengths are in characters."""
    parts = message.get("parts") if type(message) is dict else None
    if not isinstance(parts, list):
        return _part_outline(message)
    kept = _only(message, ("role", "finish_reason"))
    kept["parts"] = [_part_outline(part) for part in parts]
    return kept


def _part_outline(part: Any) -> dict[str, Any]:
    kept = _only(part, _OUTLINE)
    if "tool" not in str(kept.get("type")):
        kept.pop("name", None)  # a tool's name is the developer's; a file's is the user's
    content = part.get("content") if type(part) is dict else part
    if isinstance(content, str):
        kept.update(content="", length=len(content))
    return kept


def _wordless(score: Score) -> dict[str, Any]:
    """What of a person's feedback is no text."""
    if score.kind != "human":
        return {}
    return {
        name: value
        for name, value in score.metadata.items()
        if name in _WORDLESS and _WORDLESS[name](value)
    }
