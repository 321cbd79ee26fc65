"""The texts that go into a pipeline and come out of it, for guards. Of `generate`, which speaks in ids, there are none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from clearspan.core import read
from clearspan.core.unseen import UNSEEN
from clearspan.formats.speech import put, requested, walk
from clearspan.provider import Call, Slot, Speech
from clearspan.providers.transformers.parameters import inner
from clearspan.providers.transformers.pipeline_inputs import conversations

__all__ = ["SPEECH"]

_ASKED = ("inputs", "question", "context", "sequences", "text_inputs", "text", "query")
_ANSWERED = ("generated_text", "summary_text", "translation_text", "text", "answer")
_FIELDS = {"summarization": "summary_text", "translation": "translation_text"}
_WRITING = ("text-generation", "text2text-generation", "summarization", "translation", "image-text-to-text")  # fmt: skip
_HOLDS = "generated_text"


def _asked(kwargs: Mapping[str, Any]) -> Iterator[Slot]:
    """Texts and conversations, one or several; what is read as it goes along is not looked at."""
    for name in _ASKED:
        yield from _given(kwargs.get(name), (name,))
    yield from _cells(kwargs.get("table"), ("table",))


def _given(given: Any, path: tuple[str | int, ...]) -> Iterator[Slot]:
    if type(given).__name__ == "Chat":
        yield from requested(inner(given, "messages"), (*path, "messages"))
        return
    listed = read.items(given)
    if listed and conversations(listed) and read.fields(listed[0]) is None:
        for at, chat in enumerate(listed):
            yield from _given(chat, (*path, at))
        return
    fields = read.fields(given)
    if fields is not None:
        for name in _ASKED:
            yield from requested(dict.get(fields, name), (*path, name))
        yield from _cells(dict.get(fields, "table"), (*path, "table"))
        return
    yield from requested(given, path)


def _cells(table: Any, path: tuple[str | int, ...]) -> Iterator[Slot]:
    """The texts of a table, its columns' names among them; those of a data frame are out of reach."""
    if table is not None and read.fields(table) is None and not read.items(table):
        yield Slot(UNSEEN, path)
    for text, way in walk(table, path, deep=True):
        yield Slot(text, way)


def _answered(result: Any, path: tuple[str | int, ...] = ()) -> Iterator[Slot]:
    """The texts of the results. Of a conversation that was carried on, what was added to it."""
    fields = read.fields(result)
    if fields is None:
        for at, item in enumerate(read.items(result)):
            yield from _answered(item, (*path, at))
        return
    for name in _ANSWERED:
        said = dict.get(fields, name)
        if messages := read.items(said):
            source, way = messages[-1], (*path, name, len(messages) - 1)
            texts = walk(source, way)
        else:
            texts = walk(said, (*path, name), wanted=True)
        for text, at_ in texts:
            yield Slot(text, at_, at_, "assistant", whole=True)


def _reply(call: Call, text: str, answer: Any) -> Any:
    """Results in the form that the task gives them: a list of one for each text that was asked for."""
    del answer
    task = read.text(inner(call.instance, "task")) or ""
    inputs = call.kwargs.get("inputs")
    if not task.startswith(_WRITING):
        return None
    if task in ("text-generation", "image-text-to-text"):
        several = _several(inputs)
        made = [[{_HOLDS: _said(one, text)}] for one in several or [inputs]]
        return made if several is not None else made[0]
    field = next((name for begin, name in _FIELDS.items() if task.startswith(begin)), _HOLDS)
    # What these tasks lay around `__call__` takes the first of each of several.
    several = _several(inputs)
    return [{field: text}] if several is None else [[{field: text}] for _ in several]


def _several(inputs: Any) -> list[Any] | None:
    """Each of several inputs; `None` where there is one."""
    listed = read.items(inputs)
    alone = not listed or (conversations(listed) and read.fields(listed[0]) is not None)
    return None if alone else listed


def _said(asked: Any, text: str) -> Any:
    messages = read.items(inner(asked, "messages")) or (
        read.items(asked) if conversations(asked) else []
    )
    return [*messages, {"role": "assistant", "content": text}] if messages else text


def _attach(result: Any, tap: Any) -> bool:
    """Look at each result of a lazy call when it is made."""
    held = vars(result) if type(result).__name__ == "PipelineIterator" else {}
    if "infer" not in held or held.get("loader_batch_size") is not None:
        return False
    infer, judged = held["infer"], tap.whole

    def guarded(item: Any, **params: Any) -> Any:
        return judged(infer(item, **params))

    held["infer"] = guarded
    return True


def _apart(call: Call, result: Any) -> list[Call] | None:
    """The calls that each of several inputs would have been, where each has its result."""
    several = _several(call.kwargs.get("inputs"))
    if several is None or type(result) is not list or len(several) != len(result):
        return None
    return [call._replace(kwargs={**call.kwargs, "inputs": each}) for each in several]


def _elsewhere(call: Call) -> bool:
    """Whether somebody is given the text while it is being made."""
    given = call.kwargs
    standing = inner(call.instance, "_forward_params")
    sources = (given, given.get("generate_kwargs"), standing, read.get(standing, "generate_kwargs"))
    return any(read.get(source, "streamer") is not None for source in sources)


SPEECH = Speech(
    _asked, put, _answered, _answered, _reply, attach=_attach, elsewhere=_elsewhere, apart=_apart
)
