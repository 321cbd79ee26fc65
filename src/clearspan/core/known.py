"""Keys that the program's own clients hold: known by value, whatever they look like.

Servers repeat in their errors what they were sent, and a key need not be shaped like one. So clients tell theirs
here, and what is kept of any text is without them. They stay in this process, and are written nowhere.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from operator import is_
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from clearspan.core import read
from clearspan.core.keyrings import HEAD, Index
from clearspan.core.remembering import short
from clearspan.core.shapes import credentials

__all__ = [
    "forget",
    "generation",
    "note",
    "note_address",
    "note_client",
    "note_headers",
    "note_http_client",
    "note_key",
    "note_query",
    "note_request",
    "of_http_client",
    "recalled",
    "within",
    "without",
]

_SHORTEST: Final = 16
"""Characters. What stands for a key where none is needed (`unused`, `EMPTY`, `lm-studio`) is shorter, or has no digit."""
_SHORTEST_KEY: Final = HEAD
"""The same of a value with a digit and a letter that is a key for certain, not just a header."""
_LONGEST: Final = 8_192
"""No server takes headers of more; a longer value is not looked at."""
_SHORT: Final = 256
_MOST: Final = 1_024
_BATCH: Final = 64
"""So many more are known before the oldest go, and those that came last are told apart."""
_CLIENTS: Final = 256

T = TypeVar("T")
Seen = tuple[object, ...]
"""What a client held when it was looked at."""

_DIGIT, _LETTER = re.compile(r"\d"), re.compile(r"[A-Za-z]")
_WORDS = re.compile(r"[A-Za-z]+|\d+")
_NO_KEY = (
    "a an any api dummy empty example fake for foo here in is key keys lm local localhost mock needed no none not null "
    "ollama open openai placeholder required sample secret sk studio test testing tests the this token unset unused use "
    "used value vllm with without xxx your"
)
"""Of such words is made what a program writes where a client wants a key and the server needs none."""

_STANDS_FOR_NONE = frozenset(_NO_KEY.split())

# Only ever told apart by their values; the numbers tell which was used last.
_keys: dict[str, int] = {}
_young: dict[str, None] = {}
_index = Index(())
_clients: dict[int, tuple[Seen, tuple[str, ...], Any]] = {}
_no_keys: set[tuple[Callable[[str], bool], str]] = set()
_uses = itertools.count()
_changes = itertools.count(1)
_generation = [0]


def note(value: object) -> list[str]:
    """Keep `value` out of all that is recorded, if it can be a key; answers what is. The 1024 used last are known."""
    return _note(value, _may_be)


def note_key(value: object) -> list[str]:
    """The same for what a client holds as its key: it may be all letters, if no words that stand for none."""
    return _note(value, _is_key)


def note_headers(headers: object) -> list[str]:
    """The same for the values of request headers, less the scheme (`Bearer`) before them; each cookie is one."""
    if not isinstance(headers, Mapping):
        return []
    items: Iterable[tuple[Any, Any]] = headers.items()
    told = [each for each in items if type(each[0]) is str and type(each[1]) is str]
    return [key for name, value in told for key in _note_header(name, value)]


def note_query(given: object) -> list[str]:
    """The same for the parameters of a query."""
    if not isinstance(given, Mapping):
        return []
    items: Iterable[tuple[Any, Any]] = given.items()
    told = [value for name, value in items if type(name) is str and not _is_ordinary(name)]
    return [key for value in told for key in note(value)]


def note_address(url: str) -> list[str]:
    """The same for what an address holds: its login, also as it is sent (RFC 7617), its query, a key in its path."""
    certain, likely = _in_address(url)
    noted = [key for value in certain for key in note_key(value)]
    return noted + [key for value in likely for key in note(value)]


def note_request(request: object) -> None:
    """The same for a request that was sent: its headers and query, whoever put them there."""
    if not read.of_http(request):
        return
    note_headers(getattr(request, "headers", None))
    for name, value in parse_qsl(urlsplit(str(getattr(request, "url", ""))).query):
        note_query({name: value})


def note_http_client(client: object) -> list[str]:
    """The same for what an `httpx` client sends with each request: headers, cookies, parameters, logins."""
    held = getattr(client, "__dict__", None)
    if type(held) is not dict:
        return []
    # Not by its own reading of each header, which would be made anew for every call.
    headers = _headers(tuple(getattr(held.get("_headers"), "raw", ())))
    noted = [key for name, value in headers for key in _note_header(name, value)]
    jar = getattr(held.get("_cookies"), "jar", None)
    if jar is not None and getattr(jar, "_cookies", None):
        # Other threads may be adding to it.
        with contextlib.suppress(RuntimeError):
            noted += [key for cookie in list(jar) for key in note(cookie.value)]
    noted += note_query(held.get("_params"))
    login = getattr(held.get("_auth"), "__dict__", None)
    for value in list(login.values()) if type(login) is dict else ():
        noted += note_key(value.rpartition(" ")[2] if type(value) is str else value)
    return noted


def recalled(client: object, held: Seen) -> Any:
    """What was told of a client when its keys were noted last; `None` where it holds other parts now, or nobody knows.

    Nothing of the host's is asked whether it is equal.
    """
    before = _clients.get(id(client))
    if before is None or len(before[0]) != len(held):
        return None
    # Of the kinds that were kept none can change in itself, but for dictionaries, of which there are copies.
    if not all(map(is_, before[0], held)) and not all(map(_is_still, before[0], held)):
        return None
    for key in before[1]:
        _use(key)
    return before[2]


def note_client(
    client: object, held: Seen | None, look: Callable[[], list[str]], tell: Callable[[], T]
) -> T:
    """Note what a client holds by `look`, and answer what `tell` does, which is `recalled` from then on.

    `held` are the parts that they look at as they are: what cannot be changed, and dictionaries of texts. `None` where
    there are others; of anything else nobody can tell.
    """
    kept = None if held is None else _still(held)  # before it is looked at: it may change meanwhile
    noted = tuple(look())
    told = tell()
    if kept is not None and _length(kept) <= _LONGEST:
        if len(_clients) >= _CLIENTS:
            _clients.clear()
        _clients[id(client)] = kept, noted, told
    return told


def _length(part: Any) -> int:
    cls = type(part)
    if cls is tuple:
        return sum(map(_length, part))
    if cls is dict:
        return _length((*part, *part.values()))
    return len(part) if cls is str or cls is bytes else 0


# By id: a class of the host's may have a hash of its own.
_STILL = frozenset(map(id, (type(None), str, bytes, bool, int, tuple, type)))


def _is_address(part: object) -> bool:
    """Whether it is of an address, as libraries that speak HTTP have them. Their headers and cookies can be changed."""
    return read.of_http(part) and read.qualname(type(part)) in ("URL", "QueryParams")


def _is_still(was: object, part: Any) -> bool:
    """Whether a part that may be another object, or have changed in itself, is what was kept of it."""
    if part is was:
        return True
    if type(part) is not type(was):
        return False
    if type(part) is dict:
        return _texts(part) == was
    return id(type(part)) in _STILL and bool(part == was)


def _texts(part: dict[Any, Any]) -> dict[str, str] | None:
    """A copy of a dictionary of texts; `None` of any other."""
    own = part.copy()  # at one stroke: other threads may change it
    return own if all(type(each) is str for each in (*own, *own.values())) else None


def _still(held: Seen) -> Seen | None:
    """These parts, whatever becomes of them; `None` where one of them may change in itself, or is of anybody's class."""
    kept: list[object] = []
    for part in held:
        if type(part) is dict:
            own = _texts(part)
            if own is None:
                return None
            kept.append(own)
        elif id(type(part)) in _STILL or _is_address(part):
            kept.append(part)
        else:
            return None
    return tuple(kept)


def of_http_client(client: object) -> Seen | None:
    """What `note_http_client` looks at, of an `httpx` client, as parts; `None` where some of it may change in itself."""
    held = getattr(client, "__dict__", None)
    if type(held) is not dict:
        return None
    headers = getattr(held.get("_headers"), "_list", None)
    jar = getattr(held.get("_cookies"), "jar", None)
    cookies = getattr(jar, "_cookies", None) if jar is not None else None
    if type(headers) is not list or cookies or held.get("_auth") is not None:
        return None
    return (held.get("_params"), *headers)


def generation() -> int:
    """Another number whenever another key is known, or one less: what was found out about a text holds until then."""
    return _generation[0]


def within(text: str) -> bool:
    """Whether one of them stands in `text`."""
    return bool(_found(text))


def without(text: str, mark: str) -> str:
    """`text` with `mark` in the place of each of them, the longer first: one may begin as another does."""
    for key in sorted(_found(text), key=len, reverse=True):
        text = text.replace(key, mark)
    return text


def forget() -> None:
    """Know of none."""
    global _index
    _clients.clear()
    _no_keys.clear()
    _keys.clear()
    _young.clear()
    _index = Index(())
    _generation[0] = next(_changes)


def _found(text: str) -> set[str]:
    """Those that stand in `text`."""
    if len(text) < _SHORTEST_KEY:
        return set()
    # In this order: what is no longer young is in the index already.
    young = tuple(_young)
    return {key for key in young if key in text} | _index.found(text)


def _note_header(name: str, value: str) -> list[str]:
    if _is_ordinary(name):
        return []
    if name.lower() in ("cookie", "set-cookie"):
        return [key for cookie in value.split(";") for key in note(cookie.partition("=")[2])]
    said = value.rpartition(" ")[2]
    return (note_key if credentials.is_name(name) else note)(said)


def _note(value: object, fits: Callable[[str], bool]) -> list[str]:
    if type(value) is not str or not _SHORTEST_KEY <= len(value) <= _LONGEST:
        return []
    if value not in _keys:
        if (fits, value) in _no_keys:
            return []
        if not fits(value):
            if len(value) <= _SHORT:
                if len(_no_keys) >= 4 * _MOST:
                    _no_keys.clear()
                _no_keys.add((fits, value))
            return []
    _use(value)
    return [value]


def _use(key: str) -> None:
    """It is used now, so that it stays known."""
    _keys[key] = next(_uses)
    if key not in _young and key not in _index:
        _young[key] = None
        _generation[0] = next(_changes)
        if len(_young) > _BATCH:
            _settle()
            _generation[0] = next(_changes)


def _settle() -> None:
    """Let those go that were used longest ago, and put the young among the others.

    No lock is waited for on the callers' threads, so two of them may do this at once: the index of the one that began
    first may come last, without keys that the other has just settled and that are young no more. It finds them below;
    but for that moment each key is among the young or in the index. A copy of a dictionary is made at once.
    """
    global _index
    used = _keys.copy()
    for old in sorted(used, key=used.__getitem__)[:-_MOST]:
        _keys.pop(old, None)
    young = tuple(_young)
    _index = Index(_keys.copy())
    for key in young:
        if key in _index or key not in _keys:
            _young.pop(key, None)
    # Used again, or settled by another thread, since the copy was made.
    for key in _keys.copy():
        if key not in _index:
            _young[key] = None


def _may_be(value: str) -> bool:
    return (
        len(value) >= _SHORTEST
        and _DIGIT.search(value) is not None
        and _LETTER.search(value) is not None
    )


def _is_key(value: str) -> bool:
    if len(value) < _SHORTEST and not (
        len(value) >= _SHORTEST_KEY and _DIGIT.search(value) and _LETTER.search(value)
    ):
        return False
    words = _WORDS.findall(value.lower())
    return not all(word in _STANDS_FOR_NONE or (len(word) < 5 and word.isdigit()) for word in words)


_ORDINARY = re.compile(
    r"accept(?:-.*)?|connection|host|user-agent|referer|http-referer|origin|via|date|content-.*|x-stainless-.*"
    r"|x-title|traceparent|tracestate|baggage|b3|x-b3-.*|x-datadog-.*|x-amzn-trace-id|.*(?:request|correlation|trace)-?id"
    r"|.*-version|.*-beta|idempotency-key|x-idempotency-key|version|model|deployment|after|before|limit|order|include.*",
    re.IGNORECASE,
)


@short(512)
def _is_ordinary(name: str) -> bool:
    """Whether a header or parameter of this name tells what is asked, and never who may ask."""
    return _ORDINARY.fullmatch(name) is not None


@short(256, of=lambda raw: sum(len(value) for _, value in raw))
def _headers(raw: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[str, str], ...]:
    told = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw]
    return tuple([(name, value) for name, value in told if not _is_ordinary(name)])


# What follows these in a path is the name of a model or of who rents it.
_NAMED = frozenset(("deployments", "models", "model", "engines", "projects", "accounts"))
_RANDOM = re.compile(
    r"(?=(?:\D*\d){3})(?:(?=(?:[^a-z]*[a-z]){2})(?=(?:[^A-Z]*[A-Z]){2})[A-Za-z0-9]{16,256}|[0-9a-f]{32,256})"
)


@short(256)
def _in_address(url: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        parts = urlsplit(url)
    except ValueError:  # what the client will refuse as an address
        return (), ()
    certain: list[str] = []
    login = parts.netloc.rpartition("@")[0]
    if login:
        plain = unquote(login)
        certain += plain.partition(":")[2], base64.b64encode(plain.encode()).decode()
    path = parts.path.split("/")
    likely = [value for name, value in parse_qsl(parts.query) if not _is_ordinary(name)]
    likely += [
        step
        for before, step in itertools.pairwise(path)
        if before not in _NAMED and _RANDOM.fullmatch(step)
    ]
    return tuple(certain), tuple(likely)
