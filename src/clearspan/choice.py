"""One answer of a model while it is being put together from whole objects or from pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import GeneratorType
from typing import Any, cast

from clearspan.core import jsonfast
from clearspan.core.held import held
from clearspan.core.pieces import LONGEST, Pieces, Room
from clearspan.record import Message, Part

__all__ = ["Answers", "Choice", "Said", "messages_of", "text_of"]

_CHOICES = 10_000
_THINKING, _THOUGHT = "<think>", "</think>"
_MESSAGE_REASONS = {"tool_calls": "tool_call", "function_call": "tool_call"}


class Choice:
    """One answer of the model while it is being put together; parts stay in order of appearance."""

    __slots__ = ("finish", "parts", "role", "room")

    def __init__(self, room: Room | None = None) -> None:
        self.role = "assistant"
        self.finish: str | None = None
        self.parts: dict[Any, dict[str, Any]] = {}
        self.room = room or Room(LONGEST)

    def _part(self, key: tuple[object, object], blank: Mapping[str, Any]) -> dict[str, Any] | None:
        """The part of that key, made where there is none yet and may be."""
        part = self.parts.get(key)
        if part is None and self.room.begin():
            part = self.parts[key] = dict(blank)
        return part

    def piece(self, kind: str, text: str, key: object) -> None:
        """A piece of text; pieces of one kind and key are one part."""
        part = self._part((kind, key), {"type": kind})
        if part is not None:
            part.setdefault("content", Pieces()).add(text, self.room)

    def tool(self, key: object, call_id: str | None, name: str | None, arguments: Any) -> None:
        """A tool call, or a piece of one."""
        part = self._part(("tool_call", key), {"type": "tool_call"})
        if part is None:
            return
        pieces: Pieces = part.setdefault("arguments", Pieces())
        if call_id:
            part["id"] = call_id
        if name:
            part["name"] = name
        if isinstance(arguments, str):
            pieces.add(arguments, self.room)
        elif arguments is not None:
            self._release(pieces.other)
            pieces.other = arguments if self.room.whole(arguments) else None

    def sound(self, data: str | None, transcript: str | None) -> None:
        """A piece of speech (base64), and of what is said in it."""
        part = self._part(("blob", "audio"), {"type": "blob", "modality": "audio"})
        if part is None:
            return
        part.setdefault("content", Pieces())
        if data:
            part["content"].add(data, self.room)
        if transcript:
            part.setdefault("transcript", Pieces()).add(transcript, self.room)

    def whole(self, part: Mapping[str, Any], key: object) -> None:
        """A part that comes at once; of one that is too large there stays what it was."""
        place = ("whole", key if key is not None else len(self.parts))
        self.drop(place)
        if self.room.begin():
            self.parts[place] = dict(part) if self.room.whole(part) else _gist(part)

    def drop(self, key: tuple[object, object]) -> None:
        """Forget a part: another one comes in its place."""
        part = self.parts.pop(key, None)
        if part is not None:
            self.room.parts += 1
            if key[0] == "whole":
                self._release(part)
            for pieces in part.values():
                if type(pieces) is Pieces:
                    self.room.left += pieces.kept
                    self._release(pieces.other)

    def _release(self, value: Any) -> None:
        self.room.left += held(value)

    def think_apart(self) -> None:
        """Make thinking that stands in front of the answer in a tag, as deepseek-r1 writes it, a part of its own."""
        said = self.parts.get(("text", None))
        pieces: Pieces = said["content"] if said is not None else Pieces()
        text = pieces.bare().lstrip()
        if not text.startswith(_THINKING):
            return
        thought, closed, rest = text.removeprefix(_THINKING).partition(_THOUGHT)
        later = {key: part for key, part in self.parts.items() if key != ("text", None)}
        self.parts = {}
        if thought.strip():
            made = Pieces(thought.strip(), 0 if closed else pieces.missing)
            self.parts[("reasoning", "tag")] = {"type": "reasoning", "content": made}
        if rest.strip():
            made = Pieces(rest.lstrip(), pieces.missing)
            self.parts[("text", None)] = {"type": "text", "content": made}
        self.parts.update(later)

    def sealed(self, finish: str | None) -> Message:
        """The message that came of it; tool arguments are parsed where they are an object."""
        message: Message = {
            "role": self.role,
            "parts": [_joined(part) for part in self.parts.values()],
        }
        if finish is not None:
            message["finish_reason"] = finish
        return message


class Answers(dict[int, Choice]):
    """The answers of one call by their index, and the room that they have together."""

    __slots__ = ("room",)

    def __init__(self, longest: int = LONGEST) -> None:
        super().__init__()
        self.room = Room(longest)

    def choice(self, index: int) -> Choice:
        """The answer of that index, made when it is first spoken of."""
        answer = self.get(index)
        if answer is None:
            answer = Choice(self.room)
            if len(self) < _CHOICES:
                self[index] = answer
            else:
                self.room.cut += 1
        return answer

    def _ordered(self) -> list[Choice]:
        return [self[index] for index in sorted(self)]

    def kinds(self) -> set[object]:
        """The types of the parts that there are."""
        return {kind for answer in self.values() for kind, _ in answer.parts}

    def lengths(self) -> dict[object, int]:
        """The types of the parts that there are, and how many characters of each are kept."""
        found: dict[object, int] = {}
        for answer in self.values():
            for part in answer.parts.values():
                said = part.get("content")
                length = (
                    said.kept if type(said) is Pieces else len(said) if type(said) is str else 0
                )
                kind = part.get("type")
                found[kind] = found.get(kind, 0) + length
        return found

    def reasons(self) -> list[str | None]:
        """Why each ended, in the provider's word, by their index."""
        return [answer.finish for answer in self._ordered()]

    def raw(self) -> list[Message]:
        """The answers as they stand."""
        return [answer.sealed(answer.finish) for answer in self._ordered()]

    def told(self, missing: str | None) -> list[Message]:
        """The answers in the words of the conventions; `missing` is the reason of those that told none."""
        return [
            answer.sealed(_MESSAGE_REASONS.get(answer.finish or "", answer.finish) or missing)
            for answer in self._ordered()
        ]

    def clear(self) -> None:
        """Forget them all."""
        super().clear()
        self.room = Room(self.room.longest)

    def empty(self) -> None:
        """Forget what was said; there stays how each ended."""
        for answer in list(self.values()):
            answer.parts = {}
        self.room = Room(self.room.longest)


class Said:
    """The half of a draft that is the answer: everything that adapters tell of it goes through methods.

    `keeps` says whether it is put together at all; `pieces` counts what came, kept or not.
    `longest` is how many characters of one text are kept; settable before the first of them comes.
    """

    __slots__ = ("_answers", "keeps", "longest", "pieces")

    def __init__(self) -> None:
        self._answers: Answers | None = (
            None  # made when the answer is read, away from the caller's thread
        )
        self.longest = LONGEST
        self.keeps = True
        self.pieces = 0

    @property
    def _choices(self) -> Answers:
        if self._answers is None:
            self._answers = Answers(self.longest)
        return self._answers

    def text(self, piece: str | None, choice: int = 0, key: object = None) -> None:
        """A piece of the answer's text; pieces with the same `key` are one part."""
        self._piece("text", piece, choice, key)

    def texts(self, pieces: list[str], key: object = None) -> None:
        """Pieces of the first answer's text, of the part with that `key`, none of them empty."""
        self.pieces += len(pieces)
        answer = self.choice(0)
        if self.keeps:
            answer.piece("text", "".join(pieces), key)

    def reasoning(self, piece: str | None, choice: int = 0, key: object = None) -> None:
        """A piece of the model's reasoning."""
        self._piece("reasoning", piece, choice, key)

    def refusal(self, piece: str | None, choice: int = 0, key: object = None) -> None:
        """A piece of a refusal (a part of type `refusal`, which the conventions admit)."""
        self._piece("refusal", piece, choice, key)

    def _piece(self, kind: str, piece: str | None, choice: int, key: object) -> None:
        said = piece if type(piece) is str else text_of(piece)
        if said:
            self.pieces += 1
            answer = self.choice(choice)
            if self.keeps:
                answer.piece(kind, said, key)

    def tool_call(
        self,
        choice: int = 0,
        key: object = 0,
        *,
        id: str | None = None,  # noqa: A002 -- the conventions' name
        name: str | None = None,
        arguments: Any = None,
    ) -> None:
        """A tool call, or a piece of one; text arguments with the same `key` are joined."""
        self.pieces += 1
        answer = self.choice(choice)
        if self.keeps:
            answer.tool(key, id, name, arguments)

    def audio(
        self, data: str | None = None, transcript: str | None = None, choice: int = 0
    ) -> None:
        """A piece of the answer's sound (base64) and of what is said in it; all pieces are one part."""
        if not data and not transcript:
            return
        self.pieces += 1
        answer = self.choice(choice)
        if self.keeps:
            answer.sound(data, transcript)

    def part(self, part: Mapping[str, Any], choice: int = 0, key: object = None) -> None:
        """Any other part of an answer, whole (audio, image, server-side tool call, ...)."""
        self.pieces += 1
        answer = self.choice(choice)
        if self.keeps:
            answer.whole(part, key)

    def lengths(self) -> dict[object, int]:
        """The types of the answers' parts, and how many characters of each are kept."""
        return self._choices.lengths()

    def finish(self, reason: str | None, choice: int = 0) -> None:
        """Why the model stopped, in the provider's word."""
        if reason:
            self.choice(choice).finish = reason

    @property
    def answers(self) -> list[Message]:
        """The answers as they stand, whether or not they will be told; one for each choice."""
        return self._choices.raw()

    def choice(self, index: int) -> Choice:
        """The answer of that index, made when it is first spoken of."""
        found = None if self._answers is None else self._answers.get(index)
        return self._choices.choice(index) if found is None else found

    @property
    def cut(self) -> bool:
        """Whether some of the answer was not kept, so that nothing may be counted in what was."""
        return self._choices.room.cut > 0


def _gist(part: Mapping[str, Any]) -> dict[str, Any]:
    """What something too large was."""
    kept = {name: part[name] for name in ("type", "modality", "mime_type") if name in part}
    content = part.get("content")
    size = len(content) if isinstance(content, str) else held(part)
    return {**kept, "content": "", "omitted": size}


def _joined(part: dict[str, Any]) -> Part:
    joined: dict[str, Any] = {}
    for name, value in part.items():
        if type(value) is not Pieces:
            joined[name] = value
        elif name == "arguments":
            made = _arguments(value)
            if made is not None:
                joined[name] = made
        elif value.missing and name == "content" and part["type"] == "blob":
            # Half a recording is none; its size says what was there.
            joined[name], joined["omitted"] = "", value.kept + value.missing
        else:
            joined[name] = value.text()
    return joined  # type: ignore[return-value]  # a part by construction


def _arguments(pieces: Pieces) -> Any:
    """Arguments as an object where they are one; pieces that are no text replace nothing but none."""
    if not pieces.some:
        return pieces.other
    joined = pieces.text()
    parsed = None if pieces.missing else jsonfast.loads(joined)
    return parsed if isinstance(parsed, dict) else joined


def text_of(given: object) -> str:
    """The text that was given; applications also give what is none."""
    return given if isinstance(given, str) else ""


def messages_of(given: Any) -> Iterator[Message]:
    """What was given as one message or several, in the conventions' form; the rest is left out."""
    several: Any = given
    if type(given) is not list and type(given) is not GeneratorType:
        one_alone = type(given) is dict or isinstance(given, (str, Mapping))
        several = [given] if one_alone else given if isinstance(given, Iterable) else ()
    for one in several:
        if type(one) is dict and "parts" in one:
            made: Any = one  # in the conventions' form
            yield made
        elif (message := _message(one)) is not None:
            yield message


def _message(given: Any) -> Message | None:
    """A message, from the form that most vendors use."""
    if isinstance(given, str):
        return {"role": "user", "parts": [{"type": "text", "content": given}]}
    if not isinstance(given, Mapping):
        return None
    content = given.get("content")
    if "parts" not in given and isinstance(content, str):
        rest = {name: value for name, value in given.items() if name != "content"}
        return cast("Message", {**rest, "parts": [{"type": "text", "content": content}]})
    return cast("Message", given)
