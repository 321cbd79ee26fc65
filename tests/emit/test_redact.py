"""What is taken out of texts: secrets of every known shape, personal data by rule, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st

from clearspan.core import fence, known
from clearspan.core.shapes import credentials, entities
from clearspan.emit import personal, redact
from clearspan.emit.boxed import Boxed

# -- secrets ---------------------------------------------------------------------------------------------

DIGITS = "0123456789"
LONG = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7aB3dE6gH9jK2m"
SECRETS = [
    f"sk-{LONG}",
    f"sk-proj-{LONG}_{LONG}-{LONG}",
    f"sk-ant-api03-{LONG}",
    f"sk-or-v1-{LONG}",
    f"sk_live_{LONG}",
    f"sk_test_{LONG}",
    "sk-abcdefghijklmnopqrstuvwxyz",
    f"pk_live_{LONG}",
    f"rk_test_{LONG}",
    f"ghp_{LONG}",
    f"gho_{LONG}",
    f"github_pat_{LONG}",
    f"glpat-{LONG}",
    f"npm_{LONG}",
    f"pypi-{LONG}",
    f"hf_{LONG}",
    f"gsk_{LONG}",
    f"r8_{LONG}",
    f"xai-{LONG}",
    f"nvapi-{LONG}",
    f"pplx-{LONG}",
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAIOSFODNN7EXAMPLE",
    f"AIza{LONG}",
    f"xoxb-{LONG}",
    f"eyJ{LONG}.eyJ{LONG}.{LONG}",
    f"eyJ{LONG}.eyJ{LONG}",
    f"-----BEGIN RSA PRIVATE KEY-----\n{LONG}\n{LONG}\n-----END RSA PRIVATE KEY-----",
    f"-----BEGIN PRIVATE KEY-----\n{LONG}\n-----END PRIVATE KEY-----",
]
AROUND = [
    ("", ""),
    ("my key is ", " ok"),
    ("line\n", "\nline"),
    ("tab\t", "\t"),
    ('{"k": "', '"}'),
    ("(", ")."),
    ("é", "é"),
    ("\x1b[0m ", "\x00"),
]


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret[:12])
def test_a_secret_is_scrubbed_wherever_it_stands(secret: str) -> None:
    for before, after in AROUND:
        assert redact.holds_secret(before + secret + after)
        assert redact.scrub(before + secret + after) == f"{before}[secret]{after}"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"Authorization: Bearer {LONG}", "Authorization: Bearer [secret]"),
        (f"authorization: bearer {LONG}", "authorization: bearer [secret]"),
        (f"BEARER {LONG}", "BEARER [secret]"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [secret]"),
        ('"authorization": "Basic dXNlcjpwYXNz"', '"authorization": "Basic [secret]"'),
        ("https://user:pass@host/x", "https://[secret]@host/x"),
        ("redis://:hunter2@host:6379/0", "redis://[secret]@host:6379/0"),
        ("postgres://u:p%40x:y@h", "postgres://[secret]@h"),
        ("api_key=abc123def456", "api_key=[secret]"),
        ("OPENAI_API_KEY = 'abc123def456'", "OPENAI_API_KEY = '[secret]'"),
        ('{"apiKey":"abc123def456"}', '{"apiKey":"[secret]"}'),
        ('{\\"api-key\\": \\"abc123def456\\"}', '{\\"api-key\\": \\"[secret]\\"}'),
        ("aws_secret_access_key: wJalrXUtnFEMI/K7MDENG/bPx", "aws_secret_access_key: [secret]"),
        ("client_secret=abc123def456&x=1", "client_secret=[secret]&x=1"),
        ("auth-token: abc123def456", "auth-token: [secret]"),
        ("ACCESS_TOKEN=abc123def456;", "ACCESS_TOKEN=[secret];"),
        ("password: correct4horse", "password: [secret]"),
        ("PASSWD=correct4horse", "PASSWD=[secret]"),
        ("Secret_Key=abc123def456", "Secret_Key=[secret]"),
        (f"two: sk-{LONG} and ghp_{LONG}", "two: [secret] and [secret]"),
        (f"-----BEGIN EC PRIVATE KEY-----\n{LONG}", "[secret]"),
    ],
)
def test_a_secret_with_its_surroundings(text: str, clean: str) -> None:
    assert redact.holds_secret(text)
    assert redact.scrub(text) == clean
    assert redact.scrub(clean) == clean


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain words",
        "a risk-management-strategy-for-teams",
        "pip install sk-learn",
        "task-oriented-dialogue-systems-2024",
        "the key: value pairs of a token bucket",
        "a secret plan, a password policy",
        "password: required",
        "api_key=os.environ['KEY']",
        "api_key = get_secret(name)",
        "Bearer authentication",
        "basic functionality",
        "see https://host:8080/path and mailto:a@b.c",
        "https://host/user:x",
        "http://example.com/@user",
        "-----BEGIN CERTIFICATE-----",
        "AKIAshort",
        "eyJhbGciOi",
        "hf_hub",
        "pk_customer_identifier_column",
        "xoxo-love",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert not redact.holds_secret(text)
    assert redact.scrub(text) == text


@pytest.mark.parametrize(
    "name",
    ["api_key", "apiKey", "X-Api-Key", "OPENAI_API_KEY", "password", "passwd", "db_password",
     "client_secret", "access_token", "auth-token", "token", "secret", "refresh_token", "private_key", "pwd", "cookie", "dbPassphrase", "secret_key", "Authorization", "aws_secret_access_key"],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert redact.names_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "key",
        "_",
        "tokens",
        "token_2",
        "max_tokens",
        "token_count",
        "eos_token",
        "next_page_token",
        "password_hint",
        "author",
        "api",
        "content",
        "secretary",
    ],
)
def test_names_of_other_things(name: str) -> None:
    assert not redact.names_secret(name)


# -- personal data ---------------------------------------------------------------------------------------

RULES: dict[str, dict[str, str]] = {
    "email": {
        "write to ann.o'neil+x@mail.example.co.uk!": "write to [email]!",
        "<a@b.de>, c_d@e.io": "<[email]>, [email]",
        "a@b": "a@b",
        "@handle and a @ b.c": "@handle and a @ b.c",
        "j\u00fcrgen@m\u00fcller.de, ann\uff20example.com": "[email], [email]",
    },
    "iban": {
        "to DE89370400440532013000 please": "to [iban] please",
        "DE89 3704 0044 0532 0130 00.": "[iban].",
        "ES91 2100 0418 4502 0005 1332 this week": "[iban] this week",
        "gb29nwbk60161331926819": "[iban]",
        "NO93 8601 1117 947": "[iban]",
        "DE89370400440532013001": "DE89370400440532013001",
        "AB12 word word word": "AB12 word word word",
        "MT84MALT011000012345MTLCAST001SAND": "MT84MALT011000012345MTLCAST001SAND",
    },
    "card": {
        "4111111111111111": "[card]",
        "4111 1111 1111 1111 12/26 123": "[card] 12/26 123",
        "order 12 4111-1111-1111-1111": "order 12 [card]",
        "ref 1234 5678 4111 1111 1111 1111": "ref 1234 5678 [card]",
        "3782 822463 10005, 5555 5555 5555 4444.": "[card], [card].",
        "4111 1111 1111 1111 5555 5555 5555 4444": "[card] [card]",
        "6011000990139424x": "[card]x",
        "4111111111111112": "4111111111111112",
        "1699999999999": "1699999999999",
        "9111111111111111": "9111111111111111",
        "0.4111111111111111": "0.4111111111111111",
        "41111111111111111111111": "41111111111111111111111",
        "1 2 3 4 5 6": "1 2 3 4 5 6",
        "4111\u00a01111\u00a01111\u00a01111 na\u00efve": "[card] na\u00efve",
        "675900123455 and 180000123456784": "[card] and [card]",
    },
    "ssn": {
        "is 536-22-1234.": "is [ssn].",
        "000-12-1234 666-12-1234 901-12-1234 123-00-1234 123-12-0000": (
            "000-12-1234 666-12-1234 901-12-1234 123-00-1234 123-12-0000"
        ),
        "1536-22-1234": "1536-22-1234",
        "SSN: 536221234 and 536221234": "SSN: [ssn] and 536221234",
    },
    "ip": {
        "from 192.168.0.1:80": "from [ip]:80",
        "256.1.1.1 and 1.2.3": "256.1.1.1 and 1.2.3",
        "2001:db8::1 or ::ffff:192.0.2.1": "[ip] or ::ffff:[ip]",
        "std::vector at 10:30:45": "std::vector at 10:30:45",
    },
    "phone": {
        "Call 555 123 4567.": "Call [phone].",
        "+49 170 1234567, or +49 (0)170 1234567": "[phone], or [phone]",
        "+14155550123": "[phone]",
        "(020) 7946-0958": "[phone]",
        "(555) 123-4567 ext 5": "[phone] ext 5",
        "2024-01-15 call 555.123.4567": "2024-01-15 call [phone]",
        "on 2024-01-15 at 10:30:45": "on 2024-01-15 at 10:30:45",
        "15.01.2024 and 15 01 2024": "15.01.2024 and 15 01 2024",
        "12 34": "12 34",
        "+12": "+12",
        "3.14159 and 12345678901": "3.14159 and 12345678901",
        "Desk: (734)555-0182x4406, call me at 2125550147": "Desk: [phone], call me at [phone]",
        "order 2125550147": "order 2125550147",
    },
}


@pytest.mark.parametrize(
    ("rule", "text"), [(rule, text) for rule, cases in RULES.items() for text in cases]
)
def test_a_rule_takes_what_it_names_and_leaves_the_rest(rule: str, text: str) -> None:
    assert personal.RULES[rule](text) == RULES[rule][text]


def test_every_rule_has_cases_both_ways() -> None:
    assert tuple(RULES) == tuple(personal.RULES) == redact.BUILT_IN
    for rule, cases in RULES.items():
        changed = {text == clean for text, clean in cases.items()}
        assert changed == {True, False}, rule


# -- no text is slow ---------------------------------------------------------------------------------------


HOSTILE = [
    "sk-", "sk-a", "a@", "a.", "@", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "-----END ", "eyJ", "-eyJ", "eyJaaaaaaaa.",
    "://a:", "://", "Bearer ", "password=", "api_key:", "authorization: ", "1 ", "4 ", "1", "4", "1-", "AA11 ", "AA11", "(1)",
    "+1", "+1 ", "1.", "a", " ", "\\\\", '"', "key='",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_long_texts_of_every_hostile_shape_are_gone_through(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    rules = (redact.scrub, *personal.RULES.values())
    for end in ("", "!"):
        assert isinstance(redact.apply(text + end, rules), str)


@given(st.text())
def test_clean_text_stays_clean(text: str) -> None:
    clean = redact.scrub(text)
    assert redact.scrub(clean) == clean
    assert (clean == text) or redact.holds_secret(text)


@given(st.text(alphabet="0123456789 -.()+@:abcx\u00a0\uff11", max_size=60))
def test_what_an_evaluator_calls_personal_is_taken_out(text: str) -> None:
    kinds = {"EMAIL_ADDRESS", "IBAN_CODE", "CREDIT_CARD", "US_SSN", "IP_ADDRESS", "PHONE_NUMBER"}
    found = entities.find(text, kinds)
    if found:
        assert redact.apply(text, tuple(personal.RULES.values())) != text


# -- choosing and running them -----------------------------------------------------------------------------


def shout(text: str) -> str:
    return text.upper()


def test_only_what_was_asked_for_is_run_where_all_is_kept() -> None:
    assert redact.resolve((), "full") == ()
    rule, own = redact.resolve(("card", shout), "full")
    assert rule is personal.RULES["card"]
    # What is not ours is not trusted to come to an end.
    assert isinstance(own, Boxed)
    assert own.function is shout


@pytest.mark.parametrize("mode", ["off", "metadata", "redacted"])
def test_every_other_mode_runs_every_rule_and_none_twice(mode: str) -> None:
    built_in = tuple(personal.RULES.values())
    assert redact.resolve((), mode) == built_in
    *rules, own = redact.resolve(("card", shout), mode)
    assert tuple(rules) == built_in
    assert isinstance(own, Boxed)
    assert own.function is shout


def test_an_unknown_rule_is_named() -> None:
    with pytest.raises(KeyError, match="zip"):
        redact.resolve(("email", "zip"), "full")


def test_redactors_run_in_order() -> None:
    assert redact.apply("a", (lambda text: text + "b", shout)) == "AB"
    assert redact.apply("a", ()) == "a"


def _raise(text: str) -> str:
    raise ValueError(text)


BROKEN: dict[str, Callable[[str], Any]] = {
    "raises": _raise,
    "gives nothing": lambda text: None,
    "gives bytes": lambda text: text.encode(),
}


@pytest.mark.parametrize("redactor", BROKEN.values(), ids=BROKEN)
def test_a_broken_redactor_closes_the_text(redactor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARSPAN_STRICT", "0")
    fence.reset()
    later: list[str] = []

    def after(text: str) -> str:
        later.append(text)
        return text

    assert redact.apply("a secret", (redactor, after)) == redact.FAILED
    assert later == []
    assert fence.failures() == {"redact": 1}
    fence.reset()


# -- texts that were looked through already ------------------------------------------------------------------

KEY = "Blue7SkyOverTheBay9"
SECRET = f"my key is sk-{LONG}"


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are looked through."""
    found: list[str] = []
    holds = credentials.holds

    def noting(text: str) -> bool:
        found.append(text)
        return holds(text)

    monkeypatch.setattr(credentials, "holds", noting)
    return found


def test_a_text_that_holds_nothing_is_looked_through_once(looked: list[str]) -> None:
    assert not redact.holds_secret("hello", "world")
    assert not redact.holds_secret("hello")
    assert not redact.holds_secret("world", "hello", "world")
    assert looked == ["hello\nworld"]
    assert not redact.holds_secret("hello", "who?", "world")
    assert looked == ["hello\nworld", "who?"]


def test_of_no_texts_none_holds_a_secret(looked: list[str]) -> None:
    assert not redact.holds_secret()
    assert looked == []


def test_a_text_is_looked_through_again_when_another_key_is_known(looked: list[str]) -> None:
    text = f"the server said {KEY}"
    assert not redact.holds_secret(text, "hello")
    assert known.note_key(KEY) == [KEY]
    assert redact.holds_secret("hello", text)
    assert redact.holds_secret(text)
    assert not redact.holds_secret("hello")
    assert looked == [f"{text}\nhello", "hello"]
    known.note_key(KEY)  # it is known already
    assert not redact.holds_secret("hello")
    assert looked == [f"{text}\nhello", "hello"]


@pytest.mark.parametrize("secret", [SECRET, f"the server said {KEY}"], ids=["shaped", "known"])
def test_a_text_with_a_secret_is_never_taken_for_clean(secret: str, looked: list[str]) -> None:
    known.note_key(KEY)
    for _ in range(3):
        assert redact.holds_secret(secret)
        assert redact.holds_secret("hello", secret, "world")
        assert redact.holds_secret(secret, "hello")
    assert not redact.holds_secret("hello")
    assert looked[-1] == "hello", "nobody knew it to be clean"
    for _ in range(3):
        assert redact.holds_secret("hello", secret)


def test_a_secret_is_seen_wherever_it_stands_among_many() -> None:
    others = [f"text {n}" for n in range(20)]
    assert not redact.holds_secret(*others)
    for n in range(20):
        assert redact.holds_secret(*others[:n], SECRET, *others[n:])


def test_two_halves_of_a_key_are_no_key() -> None:
    known.note_key(KEY)
    assert not redact.holds_secret(KEY[:9], KEY[9:])
    assert redact.holds_secret(KEY[:9] + KEY[9:])


def test_not_every_text_is_remembered_for_ever(
    looked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redact, "_REMEMBERED", 10)
    for n in range(200):
        assert not redact.holds_secret(f"text {n}", "the same")
        assert len(redact._clean[0][1]) <= 12
    looked.clear()
    assert not redact.holds_secret("text 0")
    assert looked == ["text 0"]


@given(st.lists(st.text(max_size=5) | st.sampled_from(["hello", SECRET, KEY]), max_size=6))
def test_whatever_was_asked_before_the_answer_is_that_of_the_texts(texts: list[str]) -> None:
    known.note_key(KEY)
    for _ in range(2):
        assert redact.holds_secret(*texts) is (SECRET in texts or KEY in texts)
