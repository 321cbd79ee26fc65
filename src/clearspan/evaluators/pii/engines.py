"""Who looks for personal data: clearspan's own shapes, and besides them phonenumbers or Presidio's recognisers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any

from clearspan.core.shapes import entities
from clearspan.core.shapes.cues import Words
from clearspan.core.shapes.span import Span, apart, plain

__all__ = ["REACH", "Find", "finder", "recognisers", "together"]

Find = Callable[[str], Iterable[Span]]
"""Answers everything of the types asked for, by its start."""

REACH = 64
"""How long a finding can be whose type only Presidio knows, in characters: longer ones are left out."""

_ENGINES = ("core", "phonenumbers", "presidio")


def finder(engine: str, types: Sequence[str], regions: Sequence[str], minimum: float) -> Find:
    """The function that looks for `types`.

    Raises `ValueError` for an engine or a type that there is not, or a region that is no ISO code of a country
    with telephones; `ImportError` where a library is not there.
    """
    if engine not in _ENGINES:
        raise ValueError(f"clearspan: pii: engine is one of {', '.join(_ENGINES)}, not {engine!r}")
    known = set(entities.REACH)
    makers: list[Find] = [functools.partial(entities.find, types=frozenset(types))]
    if engine != "core" and "PHONE_NUMBER" in types:
        makers.append(_telephones(regions))
    if engine == "presidio":
        chosen, theirs = _chosen(types)
        known |= theirs
        makers.append(functools.partial(_recognised, chosen, minimum))
    if unknown := set(types) - known:
        raise ValueError(
            f"clearspan: pii: engine {engine!r} knows no {', '.join(sorted(unknown))}; it knows {', '.join(sorted(known))}"
        )
    return makers[0] if len(makers) == 1 else functools.partial(together, makers)


def together(makers: Sequence[Find], text: str) -> list[Span]:
    """What all of them find, the first's before the next's where they overlap."""
    clean = plain(text)
    return apart(span for make in makers for span in make(clean))


def _needed(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        library = module.partition(".")[0].replace("_", "-")
        raise ImportError(f"clearspan: pii: this engine needs {library}: pip install 'clearspan[pii]'") from error  # fmt: skip


# -- phonenumbers ----------------------------------------------------------------------------------------


def _telephones(regions: Sequence[str]) -> Find:
    library = _needed("phonenumbers")
    if unknown := set(regions) - set(library.SUPPORTED_REGIONS):
        raise ValueError(f"clearspan: pii: regions are ISO codes of countries, such as US, not {', '.join(sorted(unknown))}")  # fmt: skip
    return functools.partial(_valid, library, regions)


def _valid(library: Any, regions: Sequence[str], text: str) -> Iterator[Span]:
    """Numbers that are given out: abroad as they stand, at home where the words around say so."""
    if sum(map(str.isdigit, text)) < 6:
        return
    for region in regions:
        words = Words(text)
        for match in library.PhoneNumberMatcher(text, region, leniency=library.Leniency.VALID):
            if match.raw_string.startswith("+") or words.say(match.start, match.end):
                yield Span("PHONE_NUMBER", match.start, match.end)


# -- Presidio --------------------------------------------------------------------------------------------


def _chosen(types: Sequence[str]) -> tuple[list[Any], set[str]]:
    """Those of Presidio's pattern recognisers that know one of `types`, and all types that some know."""
    found: list[Any] = []
    known: set[str] = set()
    for made in recognisers():
        offered = set(made.supported_entities)
        known |= offered
        if offered & set(types):
            found.append(made)
    return found, known


@functools.lru_cache(maxsize=1)
def recognisers() -> tuple[Any, ...]:
    """All of Presidio's pattern recognisers, made once; none of them asks the network."""
    library = _needed("presidio_analyzer")
    shelf = _needed("presidio_analyzer.predefined_recognizers")
    kinds = (getattr(shelf, name) for name in shelf.__all__)
    made = tuple(
        kind()
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, library.PatternRecognizer)
    )
    for one in made:
        if "EMAIL_ADDRESS" in one.supported_entities:
            # its own check would fetch the list of public suffixes from the network
            one.validate_result = _offline()
    return made


def _offline() -> Callable[[str], bool]:
    extract = _needed("tldextract").TLDExtract(suffix_list_urls=(), cache_dir=None)
    return lambda found: extract(found).fqdn != ""


def _recognised(chosen: Sequence[Any], minimum: float, text: str) -> Iterator[Span]:
    for one in chosen:
        for result in one.analyze(text, one.supported_entities, None):
            longest = entities.REACH.get(result.entity_type, REACH)
            if result.score >= minimum and result.end - result.start <= longest:
                yield Span(result.entity_type, result.start, result.end)
