"""Credentials: keys of the providers, tokens, private keys, and values of fields named as secret.

Most texts hold none of the `hints`, so the patterns are seldom run. All hints are looked for at once (Aho and
Corasick, CACM 18(6), 1975), which takes 2 ns a character. Every repetition that something may fail behind is
bounded, so that no text makes a search slow.
"""

from __future__ import annotations

import functools
import re

from ahocorasick_rs import BytesAhoCorasick, Implementation

from clearspan.core.shapes.span import Span, apart
from clearspan.core.unwound import gate

__all__ = [
    "SENT",
    "SHAPES",
    "TYPES",
    "Credential",
    "find",
    "holds",
    "is_name",
    "likely",
    "make_ready",
]


class Credential:
    """Credentials of one shape. `hints` are looked for first: most texts hold none of them.

    `kinds` are narrower types, by how the match begins.
    """

    def __init__(self, type_: str, hints: tuple[str, ...], pattern: str, kinds: tuple[tuple[str, str], ...]) -> None:  # fmt: skip
        self.type = type_
        self.hints = hints
        self.kinds = kinds
        self._pattern = pattern

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        """What it matches is the credential, or its group `secret` where it has one. Made when a hint is found."""
        return re.compile(self._pattern, re.VERBOSE | re.ASCII)

    def make(self) -> re.Pattern[str]:
        """Make the pattern, if it is not made yet."""
        return self.pattern

    def type_of(self, found: str) -> str:
        """What the credential `found` is called."""
        return next((type_ for start, type_ in self.kinds if found.startswith(start)), self.type)


def _shape(type_: str, hints: str, pattern: str, kinds: str = "") -> Credential:
    pairs = (kind.partition("=") for kind in kinds.split())
    narrower = tuple((start, name) for name, _, starts in pairs for start in starts.split("|"))
    return Credential(type_, tuple(hints.split()), pattern, narrower)


_NAMES = r"""[aAcCpPsS](?:
      (?<=[aA])[pP][iI][_-]?[kK][eE][yY]
    | (?<=[aA])[cC]{2}[eE][sS]{2}[_-]?(?:[kK][eE][yY]|[tT][oO][kK][eE][nN])
    | (?<=[aA])[uU][tT][hH](?:[_-]?[tT][oO][kK][eE][nN]|[oO][rR][iI][zZ][aA][tT][iI][oO][nN])
    | (?<=[cC])[lL][iI][eE][nN][tT][_-]?[sS][eE][cC][rR][eE][tT]
    | (?<=[pP])[aA][sS]{2}[wW](?:[oO][rR])?[dD]
    | (?<=[sS])[eE][cC][rR][eE][tT][_-]?[kK][eE][yY]
)"""
_APART = r"(?<![A-Za-z0-9])"
_TOKENS = rf"""{_APART}(?:
      (?:hf|gsk|r8)_[A-Za-z0-9]{{16,}} | (?:xai|nvapi|pplx)-[\w\-]{{20,}}
    | (?:dop|doo|dor)_v1_[0-9a-f]{{32,}} | shp(?:at|ca|pa|ss)_[0-9a-fA-F]{{32}} | sbp_[0-9a-f]{{32,}}
    | (?:lin_api|fw|ntn)_(?=[A-Za-z]{{0,64}}\d)[A-Za-z0-9]{{24,}} | tvly-(?=[A-Za-z\-]{{0,64}}\d)[A-Za-z0-9\-]{{24,}}
    | pcsk_(?=[A-Za-z_]{{0,64}}\d)\w{{24,}}
)"""
_PLACES = r"""(?<![A-Za-z0-9])(?:
      SG\.[\w\-]{16,64}\.[\w\-]{16,64}
    | GOCSPX-[\w\-]{20,} | ya29\.[\w\-]{20,} | 1//0[\w\-]{30,}
    | hv[sb]\.[\w\-]{20,} | ATATT3x[\w\-=]{20,} | tskey-[a-z]{2,12}-[\w\-]{12,}
    | AGE-SECRET-KEY-1[0-9A-Z]{50,} | sq0(?:atp|csp)-[\w\-]{20,}
)"""
_VENDORS = rf"""{_APART}(?:
      dapi[0-9a-f]{{32}} | NRAK-[A-Z0-9]{{27}} | lsv2_[a-z]{{2}}_[0-9a-f]{{32}}(?:_[0-9a-f]{{8,12}})? | figd_[\w\-]{{36,}}
    | dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9.]{{36,}} | sntry[su]_[A-Za-z0-9+/=_\-]{{40,}}
    | glsa_[A-Za-z0-9]{{32}}_[0-9a-fA-F]{{8}} | glc_(?=[A-Za-z+/=]{{0,64}}\d)[A-Za-z0-9+/=]{{32,}}
    | key-[0-9a-f]{{32}} | SK[0-9a-f]{{32}} | whsec_(?=[A-Za-z+/=]{{0,64}}\d)[A-Za-z0-9+/=]{{24,}}
    | pat-[a-z]{{2}}\d-[0-9a-f]{{8}}-[0-9a-f\-]{{27}} | PMAK-[0-9a-f]{{24}}-[0-9a-f]{{34}} | dckr_[po]at_[\w\-]{{20,}}
    | rubygems_[0-9a-f]{{48}} | fo1_[\w\-]{{30,}} | FlyV1\ fm\d[a-z]?_[A-Za-z0-9+/=,_\-]{{40,}}
    | pat[A-Za-z0-9]{{14}}\.[0-9a-f]{{64}}
)(?![A-Za-z0-9])"""
# Whether a password may end in reach, at the end of the run or at a `&`; before a call, or after dots with more behind, none
# does. Else each name in a long run of them would try every length in vain.
_MAY_END = r"""
    (?:(?![^\s"',;<>\\()]{261}) | (?=[^\s"',;<>\\()]{6,257}&(?<=[^\s"',;<>\\().:]&)))
    (?![^\s"',;&<>\\()]{0,260}(?:\( | [.:](?:["',;<>\\)] | &\w{1,32}= | [.:]{3}(?:\s|\Z))))
"""
# A password is short and may be mere digits, so it has a name beside it, and a digit or a sign between letters. What
# usually stands there instead is none: a placeholder, a path, a number's or a hash's type, a call.
_NAMED_SHORT = (
    r"""(?:[pP][aA][sS]{2}(?:[wW](?:[oO][rR])?[dD]|[pP][hH][rR][aA][sS][eE])|(?<![A-Za-z])[pP][wW][dD])
    (?:\\{0,3}["']?\s{0,3}[:=]\s{0,3}\\{0,3}["']?|\ is:?\ ["']?(?=[^\s]{0,64}\d)(?=[^\s]{0,64}[A-Za-z]))
    (?![$%{\[*/~.<]|(?:[A-Za-z]:)?\\|(?i:sha|md|base|argon|utf|varchar|arg|param|field|input|string|text|col|var|min|max)[-_]?\d)
    (?![A-Za-z]{1,64}(?:\.[A-Za-z_]|\[))
    (?=[^\s"',;<>\\()]{0,64}(?:\d|[A-Za-z0-9][!@\#^*?~+&%$][A-Za-z0-9]))
"""
    + _MAY_END
    + r"""
    (?P<secret>(?:[^\s"',;&<>\\()]|&(?!\w{1,32}=)){5,256}(?:[^\s"',;&<>\\().:]|&(?!\w{1,32}=)))
    (?=[\s"',;&<>\\)]|[.:]{1,3}(?:\s|\Z)|\Z)
"""
)
SHAPES = (
    # With a digit, or a long run of letters: package names have neither.
    _shape(
        "API_KEY", "sk- sk_",
        r"sk[-_](?<![A-Za-z0-9]sk[-_])(?:(?=[A-Za-z_\-]{0,64}\d)[A-Za-z0-9_\-]{16,}|[A-Za-z]{20,}[A-Za-z0-9_\-]*)",
        "ANTHROPIC_API_KEY=sk-ant- OPENROUTER_API_KEY=sk-or- LANGFUSE_SECRET_KEY=sk-lf- "
        "STRIPE_API_KEY=sk_live_|sk_test_ OPENAI_API_KEY=sk-",
    ),
    _shape("STRIPE_API_KEY", "pk_live_ pk_test_ rk_live_ rk_test_", rf"{_APART}[pr]k_(?:live|test)_[A-Za-z0-9]{{10,}}"),
    _shape(
        "GITHUB_TOKEN", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- glrt- gldt- glptt- glcbt- glagent- npm_ pypi-",
        rf"{_APART}(?:gh[pousr]_[A-Za-z0-9]{{20,}}|github_pat_\w{{20,}}|gl(?:pat|rt|dt|ptt|cbt|agent)-[\w\-]{{16,}}|npm_[A-Za-z0-9]{{30,}}|pypi-[\w\-]{{30,}})",
        "GITLAB_TOKEN=gl NPM_TOKEN=npm_ PYPI_TOKEN=pypi-",
    ),
    _shape(
        "API_KEY",
        "hf_ gsk_ r8_ xai- nvapi- pplx- _v1_ shp sbp_ lin_api_ fw_ ntn_ tvly- pcsk_",
        _TOKENS,
        "HUGGINGFACE_TOKEN=hf_ GROQ_API_KEY=gsk_ REPLICATE_TOKEN=r8_ XAI_API_KEY=xai- "
        "NVIDIA_API_KEY=nvapi- PERPLEXITY_API_KEY=pplx- DIGITALOCEAN_TOKEN=dop_|doo_|dor_ "
        "SHOPIFY_TOKEN=shp SUPABASE_TOKEN=sbp_ LINEAR_API_KEY=lin_ FIREWORKS_API_KEY=fw_ "
        "TAVILY_API_KEY=tvly- PINECONE_API_KEY=pcsk_ NOTION_TOKEN=ntn_",
    ),
    _shape(
        "API_KEY", "SG. GOCSPX- ya29. 1//0 hvs. hvb. ATATT3x tskey- AGE-SECRET-KEY-1 sq0", _PLACES,
        "SENDGRID_API_KEY=SG. GOOGLE_OAUTH_TOKEN=GOCSPX-|ya29.|1// VAULT_TOKEN=hv ATLASSIAN_TOKEN=ATATT "
        "TAILSCALE_KEY=tskey- AGE_SECRET_KEY=AGE- SQUARE_TOKEN=sq0",
    ),
    _shape(
        "API_KEY",
        "dapi NRAK- lsv2_ figd_ dp. sntry glsa_ glc_ key- SK whsec_ pat PMAK- rubygems_ fo1_ FlyV1",
        _VENDORS,
        "DATABRICKS_TOKEN=dapi NEW_RELIC_KEY=NRAK- LANGSMITH_API_KEY=lsv2_ FIGMA_TOKEN=figd_ DOPPLER_TOKEN=dp. "
        "SENTRY_TOKEN=sntry GRAFANA_TOKEN=glsa_|glc_ MAILGUN_API_KEY=key- TWILIO_API_KEY=SK STRIPE_API_KEY=whsec_ "
        "HUBSPOT_TOKEN=pat- POSTMAN_API_KEY=PMAK- DOCKER_TOKEN=dckr_ RUBYGEMS_API_KEY=rubygems_ FLY_TOKEN=fo1_|FlyV1 "
        "AIRTABLE_TOKEN=pat",
    ),
    _shape("TERRAFORM_TOKEN", ".atlasv1.", rf"{_APART}[A-Za-z0-9]{{14}}\.atlasv1\.[\w\-=]{{60,}}"),
    # Its first part is the number of the bot in base64, so it begins as digits do there.
    _shape("DISCORD_BOT_TOKEN", "MD MT Mj Mz ND NT Nj Nz OD OT", rf"{_APART}[MNO][DTjz][A-Za-z0-9]{{22,26}}\.[\w\-]{{6,7}}\.[\w\-]{{27,40}}(?![\w\-])"),
    _shape("AZURE_SAS", "sig=", r"[?&;]sig=(?P<secret>[A-Za-z0-9%+/=]{40,})"),
    _shape("CURL_CREDENTIALS", "curl", r"""\bcurl\ (?:(?!curl\ )[^\n]){0,200}?(?<=\ )(?:-u|--user)[ =]{1,3}["']?[^\s:"'$]{1,64}:(?P<secret>[^\s"'$]{3,128})"""),
    _shape("AWS_ACCESS_KEY", "AKIA ASIA", rf"{_APART}(?:AKIA|ASIA)[A-Z0-9]{{16}}(?![A-Z0-9])"),
    _shape("GOOGLE_API_KEY", "AIza", r"AIza(?<![A-Za-z0-9]AIza)[\w\-]{30,}"),
    _shape("SLACK_TOKEN", "xox xapp-", r"xox[abeoprs]-(?=[A-Za-z\-]{0,64}\d)[A-Za-z0-9\-]{10,}|(?<![A-Za-z0-9])xapp-\d-[A-Za-z0-9\-]{20,}"),
    _shape(
        "WEBHOOK_URL", "hooks.slack.com/ /api/webhooks/",
        r"(?:hooks\.slack\.com/(?:services|workflows)|discord(?:app)?\.com/api/webhooks)/(?P<secret>[\w/\-]{20,})",
    ),
    _shape("TELEGRAM_BOT_TOKEN", ":AA", r"(?<![A-Za-z0-9])\d{8,10}:AA[\w\-]{32,34}(?![\w\-])"),
    _shape("JWT", "eyJ", r"eyJ(?<![A-Za-z0-9]eyJ)[\w\-]{8,4096}\.eyJ[\w\-]{8,}(?:\.[\w\-]*)?"),
    _shape(
        "PRIVATE_KEY", "PRIVATE",
        r"-----BEGIN\ [A-Z ]{0,32}PRIVATE\ KEY(?:\ BLOCK)?-----[\s\S]*?(?:-----END\ [A-Z ]{0,32}PRIVATE\ KEY(?:\ BLOCK)?-----|\Z)",
    ),
    _shape("BEARER_TOKEN", "earer EARER", r"(?:[Bb]earer|BEARER)\ (?=\S{0,256}\d)(?P<secret>[A-Za-z0-9_\-.~+/=]{12,})"),
    _shape(
        "BASIC_AUTH", "asic ",
        r"""(?:uthorization|UTHORIZATION)\\{0,3}["']?\s{0,3}[:=]\s{0,3}\\{0,3}["']?[Bb]asic\ (?P<secret>[A-Za-z0-9+/=]{6,})""",
    ),
    _shape("URL_CREDENTIALS", "://", r"""://(?P<secret>[^\s/:@"'<>]{0,256}:[^\s/@"'<>]{1,256})@"""),
    _shape("AZURE_STORAGE_KEY", "AccountKey=", r"AccountKey=(?P<secret>[A-Za-z0-9+/]{40,}={0,2})"),
    _shape(
        "NAMED_SECRET",
        "key KEY Key token TOKEN Token secret SECRET Secret passw PASSW Passw uthoriz UTHORIZ",
        # A value, not the code or the placeholder that usually stands there: letters and digits.
        _NAMES + r"""\\{0,3}["']?\s{0,3}[:=]\s{0,3}\\{0,3}["']?
        (?=[^\s"',;&<>\\()]{0,256}\d)(?=[^\s"',;&<>\\()]{0,256}[A-Za-z])
        (?P<secret>[^\s"',;&<>\\()]{10,})(?!\()""",
    ),
    # A variable of the environment; one that counts tokens has no letters, one of a page is lent for a moment.
    _shape(
        "NAMED_SECRET", "_TOKEN _SECRET _PASSWORD _PAT",
        r"""(?<![A-Za-z0-9_])(?!NEXT|PAGE|CSRF|MAX|SYNC)[A-Z][A-Z0-9_]{1,40}_(?:TOKEN|SECRET|PASSWORD|PAT)["']?\s{0,3}[:=]\s{0,3}["']?
        (?=[^\s"',;&<>\\()]{0,256}\d)(?=[^\s"',;&<>\\()]{0,256}[A-Za-z])
        (?P<secret>[^\s"',;&<>\\()]{10,})(?!\()""",
    ),
    _shape("NAMED_SECRET", "passw PASSW Passw passphr PASSPHR Passphr pwd PWD Pwd", _NAMED_SHORT),
)  # fmt: skip
"""The shapes, the narrow before the wide."""

_NEAR = r"""\\{0,3}["']?\s{0,3}[:=]\s{0,3}\\{0,3}["']?"""
_VALUE = r"""(?=[^\s"',;&<>\\()\[\]]{0,256}\d)(?P<secret>[^\s"',;&<>\\()\[\]]{8,})"""
_MAY_NAME = r"""(?:[A-Za-z0-9_.\-]{0,32}[_.\-])?"""
SENT = (
    _shape(
        "URL_PARAMETER",
        "key= Key= KEY= token= Token= TOKEN= sig= ignature= ecret= auth= ssword= redential= ession= sid= jwt= pwd=",
        rf"""[?&]{_MAY_NAME}(?i:(?:api|access|secret|subscription|private)?key|token|sig|signature|secret|auth|password|pwd|credential|session|sid|jwt)=(?=[^\s"'&<>\#;,)\[\]]{{0,512}}\d)(?P<secret>[^\s"'&<>\#;,)\[\]]{{8,}})""",
    ),
    _shape(
        "COOKIE", "ookie OOKIE",
        r"""(?:[Cc]ookie|COOKIE)\\{0,3}["']?\s{0,3}:\s{0,3}\\{0,3}["']?(?=[\w.\-%]{1,64}=)(?=[^\n"'\\<>]{0,512}=[^\s"'\\<>;,\[\]]{8})
        (?P<secret>[\w.\-%]{1,64}=[^\s"'\\<>;,]{0,4096}(?:;\s?[\w.\-%]{1,64}(?:=[^\s"'\\<>;,]{0,4096})?){0,64})""",
    ),
    _shape(
        "AUTHORIZATION", "uthorization UTHORIZATION",
        r"(?:[Aa]uthorization|AUTHORIZATION)" + _NEAR + r"[A-Za-z][A-Za-z0-9_.\-]{1,31}\ " + _VALUE,
    ),
    _shape(
        "HEADER", "auth Auth token Token key Key secret Secret sig Sig ession redential",
        rf"""(?<![A-Za-z0-9])[Xx]-{_MAY_NAME}(?i:auth|token|key|secret|sig|signature|session|credential|credentials)""" + _NEAR + _VALUE,
    ),
)  # fmt: skip
"""How requests carry credentials of no shape: for what is taken out of texts, where rather too much than too little is."""

TYPES = tuple(
    sorted({name for made in SHAPES for name in (made.type, *(name for _, name in made.kinds))})
)
"""What a credential can be called."""

_NAME = re.compile(_NAMES + r"\Z", re.VERBOSE)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LAST = "apikey cookie cookies credential credentials passphrase passwd password passwords pwd secret secrets token"
_KINDS = "private signing encryption master service session"
# Tokens of texts and of pages, which open nothing.
_OPENING_NOTHING = "bos cls continuation cursor decoder end eos first forced last mask next pad page per prefix sep special start stop suffix sync unk"
_ONE = frozenset(_LAST.split())
_TWO = frozenset([f"{kind} key" for kind in _KINDS.split()])
_OF_TEXT = frozenset(_OPENING_NOTHING.split())


def is_name(name: str) -> bool:
    """Whether a field of this name holds a credential, whatever that looks like.

    Its last word tells (`dbPassword`, `refresh_token`), or its last two (`private_key`).
    """
    return _ends_as_one(name[-64:])


@functools.lru_cache(maxsize=4096)
def _ends_as_one(name: str) -> bool:
    if _NAME.search(name[-32:]) is not None:
        return True
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or not name[-1].isalpha():
        return False
    if " ".join(words[-2:]) in _TWO:
        return True
    return words[-1] in _ONE and not (words[-1] == "token" and words[-2:-1] and words[-2] in _OF_TEXT)  # fmt: skip


class _Hints:
    """The hints of some shapes, looked for all at once."""

    def __init__(self, shapes: tuple[Credential, ...]) -> None:
        pairs = [(hint.encode(), made) for made in shapes for hint in made.hints]
        self._shapes = shapes
        self._of = [made for _, made in pairs]
        self._search = BytesAhoCorasick([hint for hint, _ in pairs], implementation=Implementation.DFA)  # fmt: skip

    def found(self, text: str) -> list[Credential]:
        """The shapes of which a hint stands in `text`, in their order."""
        if not gate.enter():  # the program is ending: nobody is in a hurry
            return [made for made in self._shapes if any(hint in text for hint in made.hints)]
        try:
            places = self._search.find_matches_as_indexes(text.encode("utf-8", "surrogatepass"), overlapping=True)  # fmt: skip
        finally:
            gate.leave()
        if not places:
            return []
        likely = {id(self._of[number]) for number, _, _ in places}
        return [made for made in self._shapes if id(made) in likely]


_SHAPED = _Hints(SHAPES)
_CARRIED = _Hints((*SHAPES, *SENT))


def make_ready() -> None:
    """Make all patterns now: for who looks while somebody waits, and for no longer than that may take."""
    for made in SHAPES:
        made.make()


def likely(text: str, *, sent: bool = False) -> list[Credential]:
    """The shapes that `text` may hold, by their hints; those of requests if `sent`."""
    return (_CARRIED if sent else _SHAPED).found(text)


def holds(text: str) -> bool:
    """Whether `text` holds something shaped like a credential, or carried like one."""
    return any(made.pattern.search(text) is not None for made in likely(text, sent=True))


def find(text: str) -> list[Span]:
    """Every credential in `text`, by its start; the narrower type where two shapes match.

    Stricter than `holds`: what only stands for a credential (`sk-xxxx...`, `password=${DB_PASS_1}`) and names
    that are built like one (`sk-cube-grid-item-1`) are left out.
    """
    return apart(
        Span(made.type_of(match.group()), *match.span(match.re.groupindex.get("secret", 0)))
        for made in likely(text)
        for match in made.pattern.finditer(text)
        if _real(match.group(match.re.groupindex.get("secret", 0)))
    )


_STANDS_FOR = re.compile(
    r"[$%{<\[]|[A-Za-z0-9]{2,8}[-_](?:[A-Za-z]{2,8}[-_])?(?:[Yy]our|YOUR|example|EXAMPLE|placeholder|PLACEHOLDER|redacted|REDACTED)(?![A-Za-z0-9])|(?:https?|file)://|[Yy]our|YOUR|env[.:]|(?:os|process|self|this|args|config|settings)\.|.{0,64}(?:[xX]{6}|\*{4}|\.{3})"
)
_SAMPLE = re.compile(
    r"(?:pass(?:word|phrase)?|secret|pwd|example|sample|test|demo|dummy|foo)[-_]?\d{1,4}!?\Z",
    re.IGNORECASE,
)
"""What examples write where a password would stand."""
_DASHED = re.compile(r"[-_]")


def _real(found: str) -> bool:
    if _STANDS_FOR.match(found) or _SAMPLE.match(found):
        return False
    return not found.startswith("sk-") or max(map(len, _DASHED.split(found[3:]))) >= _RUN


_RUN = 12
"""A key after `sk-` has a run of so many letters and digits; words with hyphens between have not."""
