"""What is kept of content, mode by mode; nothing that must go survives anywhere."""

from __future__ import annotations

import enum
import json
import pathlib
import re
from typing import Any

import pytest
from hypothesis import given, strategies as st

from clearspan.core import fence
from clearspan.emit import redact, walk
from clearspan.emit.boxed import Boxed
from clearspan.emit.content import ContentPolicy, Kept
from clearspan.record import CallContext, ErrorInfo, Message

SECRET = "sk-proj-aB3dE6gH9jK2mN5pQ8sT1vW4"
CANARY = "canary-7"


def policy(mode: str = "full", limit: int = 4096, *rules: Any, **more: Any) -> ContentPolicy:
    return ContentPolicy(mode, limit, redact.resolve(rules, mode), **more)


def sound(kept: Kept, limit: int = 4096) -> Any:
    """The kept value, when its JSON is its own, valid and small enough."""
    assert kept.encoded is not None
    assert len(kept.encoded.encode()) <= limit
    assert json.loads(kept.encoded) == kept.value
    return kept.value


def said(text: Any, **more: Any) -> Message:
    message: Any = {"role": "user", "parts": [{"type": "text", "content": text}], **more}
    return message


EVERYWHERE: list[Any] = [
    {
        "role": "user",
        "name": f"n {CANARY}",
        "parts": [
            {"type": "text", "content": f"t {CANARY}"},
            {"type": "blob", "modality": "audio", "content": "QUJD", "transcript": f"b {CANARY}"},
            {"type": "uri", "modality": "image", "uri": f"https://x/{CANARY}"},
            {"type": "file", "modality": "image", "file_id": f"f {CANARY}"},
        ],
    },
    {
        "role": "assistant",
        "finish_reason": "stop",
        "parts": [
            {"type": "reasoning", "content": f"r {CANARY}"},
            {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"deep": [{"x": CANARY}]}},
            {"type": "tool_call", "id": "c2", "name": "f", "arguments": f'{{"raw": "{CANARY}'},
        ],
    },
    {
        "role": "tool",
        "parts": [{"type": "tool_call_response", "id": "c1", "response": {CANARY: (1, CANARY)}}],
    },
    {"type": "text", "content": f"a system part {CANARY}"},
]


# -- modes -----------------------------------------------------------------------------------------------


def test_whether_content_is_wanted() -> None:
    wanted = {mode: policy(mode).wanted for mode in ("off", "metadata", "redacted", "full")}
    assert wanted == {"off": False, "metadata": True, "redacted": True, "full": True}


def test_off_keeps_nothing() -> None:
    off = policy("off")
    assert off.messages(EVERYWHERE) == Kept(())
    assert off.tools([{"type": "function", "name": "f"}]) == Kept(())
    assert off.value(CANARY) == Kept(None)


@pytest.mark.parametrize("mode", ["metadata", "redacted", "full"])
def test_what_is_not_there_is_not_there(mode: str) -> None:
    assert policy(mode).messages([]) == Kept(())
    assert policy(mode).tools([]) == Kept(())
    assert policy(mode).value(None) == Kept(None)


def test_full_keeps_all_of_it() -> None:
    kept = sound(policy().messages(EVERYWHERE))
    assert kept == json.loads(json.dumps(EVERYWHERE))
    assert sound(policy().value({"a": [1, "b", None, 1.5, True]})) == {
        "a": [1, "b", None, 1.5, True]
    }
    assert sound(policy().value("text")) == "text"


def test_metadata_keeps_the_shape_without_a_word() -> None:
    assert sound(policy("metadata").messages(EVERYWHERE)) == [
        {
            "role": "user",
            "parts": [
                {"type": "text", "content": "", "length": 10},
                {"type": "blob", "modality": "audio", "content": "", "length": 4},
                {"type": "uri", "modality": "image"},
                {"type": "file", "modality": "image"},
            ],
        },
        {
            "role": "assistant",
            "finish_reason": "stop",
            "parts": [
                {"type": "reasoning", "content": "", "length": 10},
                {"type": "tool_call", "id": "c1", "name": "f"},
                {"type": "tool_call", "id": "c2", "name": "f"},
            ],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1"}]},
        {"type": "text", "content": "", "length": 22},
    ]
    assert policy("metadata").value({"x": CANARY}) == Kept(None)


def test_metadata_of_messages_that_are_none() -> None:
    odd: Any = [
        CANARY,
        5,
        {"role": "user", "parts": CANARY},
        {"role": "user", "parts": [CANARY, 5]},
    ]
    assert sound(policy("metadata").messages(odd)) == [
        {"content": "", "length": 8},
        {},
        {},
        {"role": "user", "parts": [{"content": "", "length": 8}, {}]},
    ]


@pytest.mark.parametrize("mode", ["metadata", "redacted", "full"])
def test_tools_keep_their_names_only(mode: str) -> None:
    tools: Any = [
        {"type": "function", "name": "f", "description": CANARY, "parameters": {"type": "object"}},
        {"type": "search"},
        CANARY,
    ]
    names = [{"type": "function", "name": "f"}, {"type": "search"}, {}]
    assert sound(policy(mode).tools(tools)) == names
    full = sound(policy(mode, tool_schemas=True).tools(tools))
    assert full == (names if mode == "metadata" else tools)


# -- messages of any make ----------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = "red"


class Odd:
    def __str__(self) -> str:
        raise AssertionError


def test_what_json_cannot_hold_is_named() -> None:
    given: Any = [
        {
            "role": "user",
            "parts": ({"type": "text", "content": [Odd(), Colour.RED, float("nan"), b"12"]},),
            5: pathlib.PurePosixPath("/x"),
        },
        (1, "two"),
        Odd(),
    ]
    named = f"<{__name__}.Odd>"
    assert sound(policy().messages(given)) == [
        {
            "role": "user",
            "parts": [{"type": "text", "content": [named, "red", None, "<bytes of 2 bytes>"]}],
            "5": "/x",
        },
        [1, "two"],
        named,
    ]


def test_subclasses_are_read_without_their_methods() -> None:
    class Own(dict[str, Any]):
        def items(self) -> Any:
            raise AssertionError

        __getitem__ = __iter__ = keys = items

    assert sound(policy().value([Own(a=Own(b=1))])) == [{"a": {"b": 1}}]


def test_deep_and_circular_values_end() -> None:
    circle: list[Any] = [CANARY]
    circle.append(circle)
    assert sound(policy().value(circle))[0] == CANARY
    message = said("x")
    message["parts"].append({"type": "tool_call", "arguments": {"a": circle}})
    assert sound(policy().messages([message]))[0]["parts"][0]["content"] == "x"
    for kept in (policy().params({"n": circle}), policy().labels({"gen_ai.n": circle})):
        assert CANARY in json.dumps(kept)


def test_lone_surrogates_are_replaced_in_the_value_too() -> None:
    given: Any = [
        {"role": "us\ud800er", "parts": [{"type": "text", "content": "a\ud83d\ude00\udc00"}]}
    ]
    for one in (policy(), policy("redacted")):
        (kept,) = sound(one.messages(given))
        assert kept == {"role": "us\ufffder", "parts": [{"type": "text", "content": "a😀\ufffd"}]}


def test_nothing_of_the_callers_is_changed() -> None:
    given = [said(f"x {SECRET}" * 2000)]
    before = json.dumps(given)
    policy("redacted").messages(given)
    assert json.dumps(given) == before


# -- sizes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["redacted", "full"])
@pytest.mark.parametrize("sign", ["a", "漢", "😀", "\x01", '"'])
def test_one_huge_text(mode: str, sign: str) -> None:
    text = sign * 10_000_000
    for kept in (policy(mode).messages([said(text)]), policy(mode).value({"x": text})):
        value = sound(kept)
        body = value[0]["parts"][0]["content"] if isinstance(value, list) else value["x"]
        found, missing = re.fullmatch(r"(.*)…\[(\d+) more\]", body, re.DOTALL).groups()  # type: ignore[union-attr]
        assert len(found) + int(missing) == 10_000_000
        assert len(found) > 400


@pytest.mark.parametrize("mode", ["metadata", "redacted", "full"])
def test_thousands_of_messages(mode: str) -> None:
    kept = sound(
        policy(mode, 131_072).messages([said(f"message {n}") for n in range(5000)]), 131_072
    )
    assert len(kept) < 5000
    assert sum(item.get("omitted_before", 0) for item in kept) == 5000 - len(kept)


def test_a_huge_blob_is_left_out_and_told_of() -> None:
    blob: Any = {
        "type": "blob",
        "modality": "image",
        "mime_type": "image/png",
        "content": "A" * 10**7,
    }
    (kept,) = sound(policy().messages([{"role": "user", "parts": [blob]}]))
    assert kept["parts"] == [{**blob, "content": "", "omitted": 10**7}]
    small: Any = {**blob, "content": "A" * 100}
    assert sound(policy().messages([{"role": "user", "parts": [small]}]))[0]["parts"] == [small]
    empty: Any = {**blob, "content": ""}
    assert sound(policy().messages([{"role": "user", "parts": [empty]}]))[0]["parts"] == [empty]


@given(st.lists(st.text(max_size=200), max_size=40), st.integers(1024, 4096))
def test_any_messages_fit(texts: list[str], limit: int) -> None:
    for mode in ("metadata", "redacted", "full"):
        if texts:
            sound(policy(mode, limit).messages([said(text) for text in texts]), limit)


# -- secrets and personal data ---------------------------------------------------------------------------


def contains(kept: Kept, *words: str) -> bool:
    return any(word in f"{kept.value!r} {kept.encoded}" for word in words)


PLACES: dict[str, Any] = {
    "text": lambda s: [said(f"my key is {s} ok")],
    "own line": lambda s: [said(f"key:\n{s}\n")],
    "reasoning": lambda s: [{"role": "assistant", "parts": [{"type": "reasoning", "content": s}]}],
    "name": lambda s: [said("x", name=s)],
    "arguments": lambda s: [{"parts": [{"type": "tool_call", "arguments": {"a": [{"b": s}]}}]}],
    "raw arguments": lambda s: [{"parts": [{"type": "tool_call", "arguments": f'{{"k": "{s}'}]}],
    "response": lambda s: [{"parts": [{"type": "tool_call_response", "response": s}]}],
    "key": lambda s: [{"parts": [{"type": "tool_call", "arguments": {s: 1, f"x {s}": 2}}]}],
    "uri": lambda s: [{"parts": [{"type": "uri", "uri": f"https://h/?k={s}"}]}],
    "transcript": lambda s: [
        {"parts": [{"type": "blob", "modality": "audio", "content": "QQ==", "transcript": s}]}
    ],
    "no real blob": lambda s: [{"parts": [{"type": "blob", "content": s}]}],
    "blob in arguments": lambda s: [
        {"parts": [{"type": "tool_call", "arguments": {"type": "blob", "modality": "x", "content": s}}]}
    ],
    "system part": lambda s: [{"type": "text", "content": s}],
    "no message": lambda s: [s, [s]],
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("mode", ["metadata", "redacted", "full"])
def test_a_secret_is_scrubbed_in_every_place(place: str, mode: str) -> None:
    kept = policy(mode).messages(PLACES[place](SECRET))
    sound(kept)
    assert not contains(kept, SECRET, SECRET[8:])
    if mode == "full":
        assert contains(kept, "[secret]")


def test_a_secret_is_scrubbed_in_values_and_schemas() -> None:
    for kept in (
        policy().value({"query": f"with {SECRET}"}),
        policy().value([f"{SECRET}"]),
        policy().value(SECRET),
        policy(tool_schemas=True).tools([{"name": "f", "description": SECRET}]),
    ):
        sound(kept)
        assert contains(kept, "[secret]")
        assert not contains(kept, SECRET)


def test_fields_that_are_named_like_secrets_are_scrubbed_whatever_they_hold() -> None:
    given = {"password": "hunter2", "db": [{"API-Key": "x", "api_key": ""}], "password_hint": "cat"}
    for kept in (policy().value(given), policy("redacted").value(given)):
        assert sound(kept) == {
            "password": "[secret]",
            "db": [{"API-Key": "[secret]", "api_key": ""}],
            "password_hint": "cat",
        }
    schema = {"properties": {"password": {"type": "string"}}}
    assert sound(policy(tool_schemas=True).tools([schema])) == [schema]


@pytest.mark.parametrize("limit", [1024, 4096])
@pytest.mark.parametrize("mode", ["full", "redacted"])
def test_no_cut_leaves_half_a_secret(limit: int, mode: str) -> None:
    secret = f"eyJ{'a1' * 600}.eyJ{'b2' * 600}.{'c3' * 100}"
    for start in (*range(limit - 60, limit + 10, 7), limit + 8000, limit + 8100, limit + 8190):
        # What is scrubbed before it moves what stands at the first cut forward.
        for before in ("", f"-----BEGIN PRIVATE KEY-----{'z' * 3000}-----END PRIVATE KEY-----"):
            text = (before + "word " * (start // 5))[: max(start, len(before))] + " " + secret
            kept = policy(mode, limit).value([text + " tail" * 4000])
            sound(kept, limit)
            assert not contains(kept, "a1a1", "b2b2", "c3c3"), start


def test_personal_data_goes_in_mode_redacted_and_when_asked_for() -> None:
    given: Any = [
        {
            "role": "user",
            "parts": [
                {"type": "text", "content": "ann@example.org, 4111 1111 1111 1111"},
                {
                    "type": "tool_call",
                    "name": "f",
                    "arguments": {"to": "ann@example.org", "ann@example.org": 1},
                },
            ],
        }
    ]
    text, call = sound(policy("redacted").messages(given))[0]["parts"]
    assert text["content"] == "[email], [card]"
    assert call["arguments"] == {"to": "[email]", "[email]": 1}
    text, call = sound(policy("full", 4096, "email").messages(given))[0]["parts"]
    assert text["content"] == "[email], 4111 1111 1111 1111"
    assert sound(policy().messages(given)) == given


def test_a_redactor_sees_texts_and_not_what_holds_a_message_together() -> None:
    given: Any = [
        {"role": "user", "finish_reason": "stop", "parts": [
            {"type": "text", "content": "a"},
            {"type": "tool_call", "id": "1", "name": "f", "arguments": {"query": "b", "2 x": "c"}},
            {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "QUJD"},
        ]},
    ]  # fmt: skip
    kept = sound(policy("full", 4096, lambda text: "gone").messages(given))
    assert kept == [
        {"role": "user", "finish_reason": "stop", "parts": [
            {"type": "text", "content": "gone"},
            {"type": "tool_call", "id": "1", "name": "gone", "arguments": {"query": "gone", "gone": "gone"}},
            {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "QUJD"},
        ]},
    ]  # fmt: skip


def test_a_redactor_sees_text_without_secrets() -> None:
    seen: list[str] = []

    def note(text: str) -> str:
        seen.append(text)
        return text

    policy("full", 4096, note).value(SECRET)
    assert seen == ["[secret]"]


def test_a_failing_redactor_closes_each_text_and_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(text: str) -> str:
        raise ValueError

    monkeypatch.setenv("CLEARSPAN_STRICT", "0")
    fence.reset()
    broken = policy("full", 4096, fail)
    kept = broken.messages([said(f"a {CANARY}"), said(f"b {CANARY}")])
    assert [item["parts"][0]["content"] for item in sound(kept)] == [redact.FAILED] * 2
    assert broken.error(ErrorInfo("x", CANARY)).message == redact.FAILED
    assert broken.context(CallContext(metadata={"m": CANARY})).metadata == {
        redact.FAILED: redact.FAILED
    }
    assert fence.failures() == {"redact": 6}
    fence.reset()


def test_functions_of_the_programs_own_are_let_go_of_at_the_end() -> None:
    own = Boxed(str.upper)
    kept = ContentPolicy("full", 4096, (str.strip, own, str.title))
    assert (kept.slow, ContentPolicy("full", 4096, (str.strip,)).slow) == (True, False)
    assert kept.value(" a ").value == "A"
    thread = own._thread
    assert thread is not None
    assert thread.is_alive()
    kept.close()
    assert not thread.is_alive()


# -- what stands beside content ----------------------------------------------------------------------------


def test_the_message_of_an_error_is_content() -> None:
    error = ErrorInfo("rate_limit", f"{CANARY} {SECRET}", "stack", "openai.RateLimitError")
    for mode in ("off", "metadata"):
        assert policy(mode).error(error) == ErrorInfo(
            "rate_limit", None, "stack", "openai.RateLimitError"
        )
    assert policy().error(error).message == f"{CANARY} [secret]"
    assert policy("redacted").error(ErrorInfo("x", "a@b.io \udc00")).message == "[email] \ufffd"
    assert policy().error(ErrorInfo("x")) == ErrorInfo("x")


def test_the_message_of_an_error_is_bounded() -> None:
    assert policy().error(ErrorInfo("x", "y" * 100_000)).message == "y" * 2048
    straddling = "y " * 1000 + " " * 30 + SECRET + " z" * 9000
    assert SECRET[:12] not in str(policy().error(ErrorInfo("x", straddling)).message)


def test_what_the_application_said() -> None:
    said = CallContext(
        session="s",
        user="u",
        tags=("t",),
        metadata={"m": f"{CANARY} {SECRET}"},
        prompt=("greeting", "v1"),
        variant={"v": "a"},
        variables={"name": f"Ann {SECRET}"},
    )
    for mode in ("off", "metadata", "redacted", "full"):
        kept = policy(mode).context(said)
        assert (kept.session, kept.user, kept.prompt) == ("s", "u", ("greeting", "v1"))
        assert kept.metadata == {"m": f"{CANARY} [secret]"}
        wanted = {"name": "Ann [secret]"} if mode in ("redacted", "full") else {}
        assert kept.variables == wanted


def test_a_stricter_mode_keeps_no_more_of_what_the_application_said() -> None:
    said = CallContext(
        session="ring +44 20 7946 0958",
        user="ada@b.io",
        tags=("c@d.io",),
        metadata={"m": "10.1.2.3"},
    )
    looser = policy("redacted").context(said)
    assert (looser.user, looser.tags, looser.metadata) == ("[email]", ("[email]",), {"m": "[ip]"})
    assert policy("metadata").context(said) == policy("off").context(said) == looser
    assert policy("full").context(said).user == "ada@b.io"


def test_labels_of_the_application_are_cleaned_and_ours_left() -> None:
    labels = {
        "shop.note": f"{SECRET} a@b.io",
        "shop.list": [SECRET, 1],
        "shop.count": 3,
        "gen_ai.response.id": "resp-1",
        "clearspan.x": 5,
    }
    assert policy("redacted").labels(labels) == {
        "shop.note": "[secret] [email]",
        "shop.list": ["[secret]", 1],
        "shop.count": 3,
        "gen_ai.response.id": "resp-1",
        "clearspan.x": 5,
    }
    assert policy(limit=1024).labels({"long": "x" * 5000}) == {"long": "x" * 1024}


# -- what becomes alike ------------------------------------------------------------------------------------

PEOPLE = ("a@x.io", "b@x.io", "c@x.io")


def test_keys_that_become_alike_stay_apart() -> None:
    people = {name: number for number, name in enumerate(PEOPLE)}
    assert sound(policy("redacted").value(people)) == {"[email]": 0, "[email]1": 1, "[email]2": 2}
    assert sound(policy().value(people)) == people
    assert sound(policy().value({1: "a", "1": "b"})) == {"1": "a", "11": "b"}


def test_what_the_application_named_stays_apart() -> None:
    named = {name: name[0] for name in PEOPLE}
    kept = {"[email]": "a", "[email]1": "b", "[email]2": "c"}
    assert policy("redacted").context(CallContext(metadata=named)).metadata == kept
    assert policy("redacted").labels(named) == kept


@pytest.mark.parametrize("mode", ["off", "metadata", "redacted"])
def test_a_stack_ends_with_the_name_that_is_told(mode: str) -> None:
    raw = "app.Failed_for_ann@example.org"
    stack = f'Traceback\n  File "app.py", line 1, in <module>\n{raw}'
    kept = policy(mode).error(ErrorInfo(raw, None, stack, raw))
    assert kept.exception == "[email]"
    assert kept.stacktrace == stack.replace(raw, "[email]")
    assert policy().error(ErrorInfo(raw, None, stack, raw)).stacktrace == stack


def test_a_stack_that_names_nothing_stays() -> None:
    for stack in ("stack", "", None):
        assert policy("redacted").error(ErrorInfo("x", None, stack, "a@b.io")).stacktrace == stack
        assert policy("redacted").error(ErrorInfo("x", None, stack)).stacktrace == stack


def test_what_a_generator_gave_in_pieces_is_redacted_as_a_whole() -> None:
    pieces = ["Write to ann", ".smith@exa", "mple.com", {"usage": 3}]
    assert sound(policy("redacted").value(pieces)) == ["Write to [email]", {"usage": 3}]
    own = policy("full", 4096, lambda text: text.replace(CANARY, "bird"))
    assert sound(own.value([CANARY[:3], CANARY[3:], None])) == ["bird", None]
    own.close()


# -- the short way -------------------------------------------------------------------------------------------


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The texts that are looked through together."""
    found: list[tuple[str, ...]] = []
    holds_secret = redact.holds_secret

    def noting(*texts: str) -> bool:
        found.append(texts)
        return holds_secret(*texts)

    monkeypatch.setattr(redact, "holds_secret", noting)
    return found


PLAIN: list[Any] = [said("a"), {"role": "assistant", "parts": [], "finish_reason": "stop"}]
CALLED: list[Any] = [said("a"), {"role": "tool", "parts": [{"type": "tool_call", "name": "f"}]}]


def test_messages_of_texts_are_looked_through_once(looked: list[tuple[str, ...]]) -> None:
    assert sound(policy().messages(PLAIN)) == PLAIN
    assert looked == [("user", "a", "assistant", "stop")]


def test_what_the_short_way_had_seen_when_it_gave_up_is_not_seen_twice(
    looked: list[tuple[str, ...]],
) -> None:
    assert sound(policy().messages(CALLED)) == CALLED
    (texts,) = looked
    assert [texts.count(each) for each in ("user", "a", "tool", "f")] == [1, 1, 1, 1]


def test_a_secret_in_messages_of_texts_is_taken_out(looked: list[tuple[str, ...]]) -> None:
    dirty = [said(f"x {SECRET}"), said("b", finish_reason=SECRET)]
    clean = [said("x [secret]"), said("b", finish_reason="[secret]")]
    assert sound(policy().messages(dirty)) == clean
    assert sound(policy().messages(dirty)) == clean, "as it is the second time"
    assert len(looked) == 2


def test_only_messages_go_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(walk, "spoken", never)
    assert sound(policy().value(PLAIN)) == PLAIN
    assert sound(policy(tool_schemas=True).tools([{"type": "function", "name": "f"}])) == [
        {"type": "function", "name": "f"}
    ]
    assert sound(policy("full", 4096, str.upper).messages([said("a")])) == [said("A")]


TEXTS = st.text(max_size=6) | st.sampled_from([f"key {SECRET}", "x" * 13_000, "y" * 5_000, "\ud800"])  # fmt: skip
SPOKEN = st.builds(
    lambda role, parts: {"role": role, "parts": parts},
    TEXTS,
    st.lists(st.builds(lambda kind, content: {"type": kind, "content": content},
                       st.sampled_from(["text", "reasoning", "refusal", "other"]), TEXTS), max_size=4),
)  # fmt: skip


@given(st.lists(SPOKEN, min_size=1, max_size=4))
def test_the_short_way_keeps_what_the_long_way_keeps(given_ones: list[Any]) -> None:
    kept = policy().messages(given_ones)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(walk, "spoken", lambda *_: None)
        assert policy().messages(given_ones) == kept
    sound(kept)
    assert not contains(kept, SECRET)
