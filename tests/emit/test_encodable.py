"""Nothing leaves that UTF-8 cannot hold: one such text would cost what is sent along with it."""

from __future__ import annotations

import json

from clearspan.draft import Draft
from clearspan.emit import projection
from clearspan.record import CallContext, ErrorInfo, Invocation, Timing, Usage

BAD, GOOD = "a\ud800", "a\ufffd"

RECORD = Invocation(
    "execute_tool",
    Timing(1, 2),
    name=BAD,
    model=BAD,
    provider=BAD,
    server_address=BAD,
    response_id=BAD,
    finish_reasons=(BAD,),
    params={"stop_sequences": [BAD], "tool_type": BAD, "reasoning_level": BAD},
    input=({"role": "user", "parts": [{"type": "text", "content": BAD}]},),
    input_value=BAD,
    output_value=[BAD],
    usage=Usage(source=BAD),
    error=ErrorInfo(BAD),
    extras={BAD: BAD, "list": [BAD, 1], "tuple": (BAD,), "number": 1},
    context=CallContext(
        session=BAD,
        user=BAD,
        tags=(BAD,),
        metadata={BAD: BAD},
        variant={BAD: BAD},
        variables={BAD: BAD},
        prompt=(BAD, BAD),
    ),
)


def test_on_spans() -> None:
    found = projection.attributes(RECORD)
    json.dumps(found, ensure_ascii=False).encode()  # raises for what cannot be sent
    assert {
        name: value
        for name, value in found.items()
        if name.startswith(("clearspan.metadata.", "clearspan.variant.", "gen_ai.prompt."))
    } == {
        f"clearspan.metadata.{GOOD}": GOOD,
        f"clearspan.variant.{GOOD}": GOOD,
        f"gen_ai.prompt.variable.{GOOD}": GOOD,
        "gen_ai.prompt.name": GOOD,
        "gen_ai.prompt.version": GOOD,
    }
    assert (found[GOOD], found["list"], found["tuple"]) == (GOOD, [GOOD, 1], [GOOD])
    assert found["gen_ai.conversation.id"] == found["session.id"] == GOOD
    assert found["gen_ai.tool.type"] == found["clearspan.usage.source"] == GOOD
    assert json.loads(found["gen_ai.input.messages"])[0]["parts"][0]["content"] == GOOD


def test_at_the_start_of_a_span() -> None:
    draft = Draft("execute_tool")
    draft.name = draft.model = draft.provider = draft.server_address = BAD
    draft.params["tool_type"] = BAD
    found = projection.start_attributes(draft)
    assert set(found.values()) == {"execute_tool", GOOD}
    assert len(found) == 6
    assert projection.span_name("execute_tool", BAD, BAD) == f"execute_tool {GOOD}"


def test_the_halves_of_one_character_are_joined() -> None:
    found = projection.attributes(Invocation("chat", Timing(1, 2), model="\ud83d\ude00"))
    assert found["gen_ai.request.model"] == "😀"
