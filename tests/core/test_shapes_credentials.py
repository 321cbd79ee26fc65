"""Credentials by their shape: what each is called, where it stands, and what is none."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, strategies as st

from clearspan.core.shapes import credentials

LONG = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7aB3dE6gH9jK2m"
HEX = "0123456789abcdef" * 4
KINDS = [
    ("OPENAI_API_KEY", f"sk-{LONG}"),
    ("OPENAI_API_KEY", f"sk-proj-{LONG}"),
    ("OPENAI_API_KEY", "sk-abcdefghijklmnopqrstuvwxyz"),
    ("ANTHROPIC_API_KEY", f"sk-ant-api03-{LONG}"),
    ("OPENROUTER_API_KEY", f"sk-or-v1-{HEX}"),
    ("LANGFUSE_SECRET_KEY", "sk-lf-01234567-89ab-4cde-8f01-23456789abcd"),
    ("STRIPE_API_KEY", f"sk_live_{LONG}"),
    ("STRIPE_API_KEY", f"pk_test_{LONG}"),
    ("GITHUB_TOKEN", f"ghp_{LONG}"),
    ("GITHUB_TOKEN", f"github_pat_{LONG}"),
    ("GITLAB_TOKEN", f"glpat-{LONG}"),
    ("NPM_TOKEN", f"npm_{LONG}"),
    ("PYPI_TOKEN", f"pypi-{LONG}"),
    ("HUGGINGFACE_TOKEN", f"hf_{LONG}"),
    ("GROQ_API_KEY", f"gsk_{LONG}"),
    ("REPLICATE_TOKEN", f"r8_{LONG}"),
    ("XAI_API_KEY", f"xai-{LONG}"),
    ("NVIDIA_API_KEY", f"nvapi-{LONG}"),
    ("PERPLEXITY_API_KEY", f"pplx-{LONG}"),
    ("DIGITALOCEAN_TOKEN", f"dop_v1_{HEX}"),
    ("SHOPIFY_TOKEN", f"shpat_{HEX[:32]}"),
    ("SUPABASE_TOKEN", f"sbp_{HEX[:40]}"),
    ("LINEAR_API_KEY", f"lin_api_{LONG}"),
    ("FIREWORKS_API_KEY", f"fw_{LONG[:24]}"),
    ("NOTION_TOKEN", f"ntn_{LONG}"),
    ("TAVILY_API_KEY", f"tvly-dev-{LONG}"),
    ("PINECONE_API_KEY", f"pcsk_{LONG[:6]}_{LONG}"),
    ("SENDGRID_API_KEY", f"SG.{LONG[:22]}.{LONG}"),
    ("GOOGLE_OAUTH_TOKEN", f"GOCSPX-{LONG[:28]}"),
    ("GOOGLE_OAUTH_TOKEN", f"ya29.{LONG}"),
    ("GOOGLE_OAUTH_TOKEN", f"1//0{LONG}"),
    ("VAULT_TOKEN", f"hvs.{LONG}"),
    ("ATLASSIAN_TOKEN", f"ATATT3x{LONG}"),
    ("TAILSCALE_KEY", f"tskey-auth-{LONG}"),
    ("AGE_SECRET_KEY", f"AGE-SECRET-KEY-1{HEX.upper()[:58]}"),
    ("SQUARE_TOKEN", f"sq0atp-{LONG[:22]}"),
    ("DATABRICKS_TOKEN", f"dapi{HEX[:32]}"),
    ("NEW_RELIC_KEY", "NRAK-A1B2C3D4E5F6G7H8I9J0K1L2M3N"),
    ("LANGSMITH_API_KEY", f"lsv2_pt_{HEX[:32]}_{HEX[:10]}"),
    ("FIGMA_TOKEN", f"figd_{LONG}"),
    ("DOPPLER_TOKEN", f"dp.pt.{LONG}"),
    ("SENTRY_TOKEN", f"sntrys_{LONG}{LONG}"),
    ("GRAFANA_TOKEN", f"glsa_{LONG[:32]}_{HEX[:8]}"),
    ("GRAFANA_TOKEN", f"glc_{LONG}"),
    ("MAILGUN_API_KEY", f"key-{HEX[:32]}"),
    ("TWILIO_API_KEY", f"SK{HEX[:32]}"),
    ("STRIPE_API_KEY", f"whsec_{LONG[:32]}"),
    ("HUBSPOT_TOKEN", "pat-na1-01234567-89ab-4cde-8f01-23456789abcd"),
    ("POSTMAN_API_KEY", f"PMAK-{HEX[:24]}-{HEX[:34]}"),
    ("DOCKER_TOKEN", f"dckr_pat_{LONG[:27]}"),
    ("TERRAFORM_TOKEN", f"{LONG[:14]}.atlasv1.{LONG}{LONG[:27]}"),
    ("RUBYGEMS_API_KEY", f"rubygems_{HEX[:48]}"),
    ("FLY_TOKEN", f"fo1_{LONG}"),
    ("FLY_TOKEN", f"FlyV1 fm2_{LONG}"),
    ("AIRTABLE_TOKEN", f"pat{LONG[:14]}.{HEX}"),
    ("GITLAB_TOKEN", f"glrt-{LONG[:20]}"),
    ("DISCORD_BOT_TOKEN", f"MTIzNDU2Nzg5MDEyMzQ1Njc4.{LONG[:6]}.{LONG[:38]}"),
    ("AWS_ACCESS_KEY", "AKIAIOSFODNN7EXAMPLE"),
    ("GOOGLE_API_KEY", f"AIza{LONG[:35]}"),
    ("SLACK_TOKEN", f"xoxb-{LONG}"),
    ("SLACK_TOKEN", f"xapp-1-{LONG}"),
    ("TELEGRAM_BOT_TOKEN", f"1234567890:AA{LONG[:33]}"),
    ("JWT", f"eyJ{LONG}.eyJ{LONG}.{LONG}"),
    ("PRIVATE_KEY", f"-----BEGIN RSA PRIVATE KEY-----\n{LONG}\n-----END RSA PRIVATE KEY-----"),
    ("PRIVATE_KEY", f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n{LONG}\n-----END PGP PRIVATE KEY BLOCK-----"),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "secret"), KINDS)
@pytest.mark.parametrize(("before", "after"), [("", ""), ("it is ", " ok"), ('{"k": "', '"}'), ("é\n", "\né")])  # fmt: skip
def test_a_credential_is_named_and_placed(type_: str, secret: str, before: str, after: str) -> None:
    (one,) = credentials.find(before + secret + after)
    assert one == (type_, len(before), len(before) + len(secret))
    assert one.type in credentials.TYPES
    assert credentials.holds(before + secret + after)


@pytest.mark.parametrize(
    ("type_", "text", "secret"),
    [
        ("BEARER_TOKEN", f"Authorization: Bearer {LONG}", LONG),
        ("BASIC_AUTH", "Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("URL_CREDENTIALS", "postgres://u:p4ss@host/db", "u:p4ss"),
        ("AZURE_STORAGE_KEY", f"AccountName=x;AccountKey={LONG}{LONG}==;", f"{LONG}{LONG}=="),
        ("WEBHOOK_URL", f"https://hooks.slack.com/services/T0000/B0000/{LONG}", f"T0000/B0000/{LONG}"),
        ("WEBHOOK_URL", f"https://discord.com/api/webhooks/123456789012345678/{LONG}", f"123456789012345678/{LONG}"),
        ("AZURE_SAS", f"https://a.blob.core.windows.net/c?sv=2022-11-02&sig={LONG}%3D", f"{LONG}%3D"),
        ("CURL_CREDENTIALS", "curl -sS -u ann:blue7sky https://a.example", "blue7sky"),
        ("CURL_CREDENTIALS", "curl --user 'ann:sea' x", "sea"),
        ("NAMED_SECRET", "SNYK_TOKEN=550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440000"),
        ("NAMED_SECRET", '"CI_DEPLOY_PASSWORD": "blue7sky77"', "blue7sky77"),
        ("NAMED_SECRET", "db_password = 'correct4horse'", "correct4horse"),
        ("NAMED_SECRET", "password: blue7sky", "blue7sky"),
        ("NAMED_SECRET", "password=blue7sky&user=ann", "blue7sky"),
        ("NAMED_SECRET", "pwd = Blu3sky&4", "Blu3sky&4"),
        ("NAMED_SECRET", '{"password": "246810"}', "246810"),
        ("NAMED_SECRET", '{\\"passwd\\": \\"blue7sky\\"}', "blue7sky"),
        ("NAMED_SECRET", "Passphrase: tea+milk", "tea+milk"),
        ("NAMED_SECRET", "My password is Blue7Sky.", "Blue7Sky"),
        ("OPENAI_API_KEY", f"api_key=sk-{LONG}", f"sk-{LONG}"),
    ],
)  # fmt: skip
def test_a_credential_within_what_names_it(type_: str, text: str, secret: str) -> None:
    assert [(one.type, text[one.start : one.end]) for one in credentials.find(text)] == [(type_, secret)]  # fmt: skip


CLEAN = f"""550e8400-e29b-41d4-a716-446655440000
trace_id=4bf92f3577b34da6a3ce929d0e0e4736
00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
md5 d41d8cd98f00b204e9800998ecf8427e
sha256 {HEX}
commit da39a3ee5e6b4b0d3255bfef95601890afd80709
heroku key 550e8400-e29b-41d4-a716-446655440000
chatcmpl-9a8B7c6D5e4F3g2H1i0J
resp_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b
<div class="sk-cube-grid-item-1 sk-fading-circle-12">
sk-learn-contrib-2024-release-notes
sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1
sk-****************1234567890abcdef
api_key=YOUR_API_KEY_1234
api_key = "your-api-key-123"
password: ${{DB_PASSWORD_1}}
password = {{{{ vault.secret1 }}}}
password=<password-1234>
secret_key: [REDACTED-12345]
api_key=os.environ["KEY_1"]
api_key: env.OPENAI_KEY_1
api_key=process.env.KEY1
client_secret=https://docs.example.com/v1
the password is required
password: ********
password=<your password>
password=None
password: incorrect!
password: string|null
password: 8-16 characters
password: sha256
password is base64 encoded
password is at least 8 characters
password=get_pw1()
password=self.password1
password={{{{pw1}}}}
password=****1234
passwords: 3 of 4 users1
password_hash=abc1234
Password: secret42
password=Example_1
pwd=$PWD
pwd=/srv/data1
PWD=C:\\Users1\\x
npm_config_registry npm_lifecycle_event
hf_hub_download gsk_utils
fw_configurationparametersvalue
tvly-documentationandtutorials
pcsk_environment_variable_name_here
ya29.short
SG.example
https://github.com/org/repo
data:image/png;base64,{LONG}{LONG}
AKIASHORT
xoxb-your-token
xoxb-your-token-1234567890
xoxp-YOUR-TOKEN-HERE-1
glrt-your-token-here1234
whsec_your_secret_1234567890abcdef
curl -u $USER:$PASS https://a.example
curl -o out.txt https://a.example/a:b
docker run -u 1000:1000 image
SNYK_TOKEN=<uuid>
NEXT_TOKEN=abc123def456
MAX_TOKENS=4096
pattern.0123456789
dp.page.1234
key-value-store-0123456789
https://a.example/?sig=short1
Mt. Everest.is.8849
-----BEGIN PUBLIC KEY-----
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{LONG} me@host
10:AAbc
Basic English, Bearer of news""".splitlines()


@pytest.mark.parametrize("text", CLEAN)
def test_ids_names_and_placeholders_are_no_credentials(text: str) -> None:
    assert credentials.find(text) == []


def test_texts_made_of_ordinary_words_and_numbers_hold_none() -> None:
    """Three hundred made-up lines: ids, hashes, dates, versions, code and prose."""
    words = "the model answered with a table of keys tokens secrets and their owners"
    for n in range(300):
        text = (
            f"{words[n % 7 :]} {n:032x} {n * 7919:08x}-{n:04x}-4{n % 999:03x}-8{n % 777:03x}-{n:012x} "
            f"v{n}.{n % 9}.0 2024-{n % 12 + 1:02}-01T10:{n % 60:02}:00Z key{n}=value{n} token_{n} call_{n}(a, b={n}) "
            f"https://example.com/{n}?id={n:016x} user{n} sk_{n} pk-{n} id_{n:020}"
        )
        assert credentials.find(text) == []
        assert not credentials.holds(text)


def test_all_of_several() -> None:
    text = f"a ghp_{LONG} b sk-{LONG} c"
    assert [one.type for one in credentials.find(text)] == ["GITHUB_TOKEN", "OPENAI_API_KEY"]


PASSWORD = next(made.pattern for made in credentials.SHAPES if "pwd" in made.hints)
COOKIE = next(made.pattern for made in credentials.SENT if made.type == "COOKIE")
RUN = "pwd=1" * 50


def begun(pattern: re.Pattern[str], dear: str, text: str) -> int:
    """At how many places of `text` the `dear` part of a pattern is begun, which may try hundreds of lengths."""
    before, found, _ = pattern.pattern.partition(dear)
    assert found
    return sum(1 for _ in re.finditer(before, text, pattern.flags))


@pytest.mark.parametrize(
    "text",
    ["pwd=1" * 2_000, "pwd=a1." * 2_000, "pwd=1.&." * 2_000, f"{RUN}(" * 40, f"{RUN}.," * 40,
     f"{RUN}.... " * 40, f"{RUN}.&a=(" * 40],
    ids=["run", "dots", "signs", "calls", "commas", "ends", "fields"],
)  # fmt: skip
def test_the_end_of_a_password_is_not_looked_for_at_each_of_many_names(text: str) -> None:
    assert text.count("pwd") >= 2_000
    assert begun(PASSWORD, "(?P<secret>", text) < 60


def test_the_value_of_a_cookie_is_not_looked_for_where_it_has_no_name() -> None:
    assert begun(COOKIE, r"(?=[^\n", "Cookie: =" * 1_000) == 0
    assert begun(COOKIE, r"(?=[^\n", "Cookie: a=bc" * 10) == 10


def test_what_is_seen_early_changes_no_password() -> None:
    """Half of these made-up texts hold one; each is found where it is by the pattern that tries every length."""
    slow = re.compile(credentials._NAMED_SHORT.replace(credentials._MAY_END, ""), PASSWORD.flags)
    assert slow.pattern != PASSWORD.pattern
    draw = random.Random(7)
    ends = ["", ".", ". ", "... ", ".....", "(", ")", " ", "&q=1", ".&q=1", "&&", ".,", ".:&", "\n"]
    found = 0
    for _ in range(3_000):
        signs = draw.choice(["ab1!.:", "ab1.&", "a1.:&=", "pwd=1.&", "pwd=1&", "a1"])
        length = draw.choice([draw.randint(0, 20), draw.randint(245, 270), draw.randint(100, 300)])
        apart = draw.choice([0.0, 0.005, 0.1])
        value = [draw.choice(" &(;," if draw.random() < apart else signs) for _ in range(length)]
        text = "".join(["pwd=", draw.choice(["a1", "&", ""]), *value, draw.choice(ends), "a1"])
        places = [match.span("secret") for match in slow.finditer(text)]
        assert [match.span("secret") for match in PASSWORD.finditer(text)] == places
        found += bool(places)
    assert 500 < found < 2_900


# -- hints ---------------------------------------------------------------------------------------------------


def shape(type_: str, *hints: str) -> credentials.Credential:
    return credentials.Credential(type_, hints, "x", ())


OVERLAPPING = credentials._Hints(
    (
        shape("KEY", "key"),
        shape("KEY=", "key=", "api_key="),
        shape("END", "ey="),
        shape("SAME", "secret", "key"),
        shape("KEYS", "keyring", "monkey"),
        shape("WIDE", "ü", "鍵", "😀"),
    )
)


def by_hand(shapes: tuple[credentials.Credential, ...], text: str) -> list[str]:
    """One hint after the other."""
    return [made.type for made in shapes if any(hint in text for hint in made.hints)]


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("", []),
        ("nothing", []),
        ("key", ["KEY", "SAME"]),
        ("key=1", ["KEY", "KEY=", "END", "SAME"]),
        ("my api_key=1", ["KEY", "KEY=", "END", "SAME"]),
        ("a monkey", ["KEY", "SAME", "KEYS"]),
        ("monkeyring", ["KEY", "SAME", "KEYS"]),
        ("monkey=", ["KEY", "KEY=", "END", "SAME", "KEYS"]),
        ("they= secret", ["END", "SAME"]),
        ("KEY", []),
        ("k\u00e9y", []),
        ("k\ud800ey", []),
        ("über", ["WIDE"]),
        ("ein 鍵 hier", ["WIDE"]),
        ("😀key", ["KEY", "SAME", "WIDE"]),
        ("\ud83d\ude00", []),
        ("\ud800key=\udfff", ["KEY", "KEY=", "END", "SAME"]),
        ("ü" * 1_000 + "\ud800" + "é" * 1_000 + "key", ["KEY", "SAME", "WIDE"]),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_every_hint_is_found_also_one_within_another(text: str, types: list[str]) -> None:
    assert [made.type for made in OVERLAPPING.found(text)] == types
    assert by_hand(OVERLAPPING._shapes, text) == types


@pytest.mark.parametrize("sent", [False, True])
def test_every_hint_of_every_shape_is_found_at_any_place(sent: bool) -> None:
    shapes = (*credentials.SHAPES, *(credentials.SENT if sent else ()))
    for made in shapes:
        for hint in made.hints:
            for text in (hint, f"é\ud800 {hint}", f"{hint}\ud800", f"{'x' * 300}{hint}{'y' * 300}"):
                found = credentials.likely(text, sent=sent)
                assert any(each is made for each in found), hint
                assert [each.type for each in found] == by_hand(shapes, text)


@given(st.lists(st.sampled_from([*(hint for made in (*credentials.SHAPES, *credentials.SENT) for hint in made.hints),
                                 "é", "\ud800", " ", "k", "e", "y", "=", "😀"]), max_size=8))  # fmt: skip
def test_hints_found_at_once_are_those_found_one_by_one(pieces: list[str]) -> None:
    text = "".join(pieces)
    for sent, shapes in ((False, credentials.SHAPES), (True, (*credentials.SHAPES, *credentials.SENT))):  # fmt: skip
        assert [made.type for made in credentials.likely(text, sent=sent)] == by_hand(shapes, text)


@pytest.mark.parametrize(("before", "after"), [("\ud800", ""), ("", "\udfff"), ("鍵 ", " 鍵"), ("é" * 999, "😀")])  # fmt: skip
def test_a_credential_beside_what_utf8_cannot_hold_or_holds_in_several_bytes(
    before: str, after: str
) -> None:
    text = f"{before} ghp_{LONG} {after}"
    (one,) = credentials.find(text)
    assert (one.type, text[one.start : one.end]) == ("GITHUB_TOKEN", f"ghp_{LONG}")
    assert credentials.holds(text)


def test_a_pattern_is_made_once_and_not_before_somebody_asks() -> None:
    made = credentials.Credential("A", ("a",), r"a \ b  # spaces are none, but for this one", ())
    assert "pattern" not in vars(made)
    pattern = made.pattern
    assert vars(made)["pattern"] is made.pattern is pattern
    assert pattern.fullmatch("a b")
    assert pattern.flags == re.VERBOSE | re.ASCII


def test_a_text_without_hints_makes_no_pattern() -> None:
    made = [shape("A", "key"), shape("B", "secret")]
    hints = credentials._Hints(tuple(made))
    assert hints.found("a key") == made[:1]
    assert hints.found("nothing") == []
    assert [vars(each).get("pattern") for each in made] == [None, None]


def test_all_patterns_can_be_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    for shape in credentials.SHAPES:
        monkeypatch.setitem(vars(shape), "pattern", shape.pattern)
        del vars(shape)["pattern"]
    compile_ = credentials.re.compile
    monkeypatch.setattr(
        credentials.re, "compile", lambda *given: made.append(given[0]) or compile_(*given)
    )  # type: ignore[func-returns-value]  # that is `None`
    credentials.make_ready()
    assert len(made) == len(credentials.SHAPES)
    credentials.find("key=" + "a1" * 20)
    assert len(made) == len(credentials.SHAPES)
