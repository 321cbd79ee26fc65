"""Common English words, commonest first, in bands: what is common tells little of what a text is about."""

from __future__ import annotations

__all__ = ["COMMON", "FUNCTION_WORDS", "is_common", "rarity"]

_FIRST = """
the of and to a in is it that for was on are with as be at by this have from or had not but what all were when we
there can an your which their if do will each how them then she many some so these would other into has more her two
like him see could no make than been its who now did get may part i you he they his my me us our out up about
down over only any also after before because most just through where too very much even such here own same both
between under again while during against without within whose whom why am being does having should
must might shall those upon yes not's don't it's i'm
"""
_SECOND = """
time people way year day man thing woman life child world school state family student group country problem hand place
case week company system program question work government number night point home water room mother area money story
fact month lot right study book eye job word business issue side kind head house service friend father power hour
game line end member law car city community name president team minute idea body information back parent face
others level office door health person art war history party result change morning reason research girl guy moment
air teacher force education good new first last long great little old big high different small large next early
young important few public bad able best better use find give tell ask seem feel try leave call keep let begin help
show hear play run move live believe hold bring happen write provide sit stand lose pay meet include continue set
learn lead understand watch follow stop create speak read allow add spend grow open walk win offer remember love
consider appear buy wait serve die send expect build stay fall cut reach kill remain suggest raise pass sell require
report decide pull know think take come want look said went made going need become put mean however often always
never sometimes usually every another still well off since until around ever really already perhaps maybe almost
enough rather quite together example answer following given list describe explain write name generate sentence
text based using make provide following main several various common known part type form term process order
information three four five six seven eight nine ten one
"""
_THIRD = """
language model ai language used uses using created making makes take takes includes including include important ensure
provides provided help helps helpful helping need needs needed overall additionally furthermore moreover therefore
finally specific particular certain possible available different similar great popular simple significant effective
effectively potential current general total whole full major key positive negative benefits benefit way ways
things feel sense experience experiences skills success different development process support improve increase
reduce quality value values impact role purpose goal goals action actions approach method methods technique
techniques step steps please sorry unfortunately cannot unable access input output user request task response
statement topic article content paragraph story summary summarize describe identify suggest compose rewrite edit
classify determine calculate convert translate compare design develop construct outline create generate produce
discuss evaluate analyze brainstorm compute find suggest replace add
"""


def _banded() -> dict[str, float]:
    bands: dict[str, float] = {}
    for weight, band in ((0.35, _THIRD), (0.25, _SECOND), (0.05, _FIRST)):
        bands.update(dict.fromkeys(band.split(), weight))
    return bands


COMMON = _banded()
"""How much each common word tells, 0 to 1; any other word tells 1."""

FUNCTION_WORDS = frozenset(_FIRST.split())
"""Words that build sentences and say nothing by themselves."""


_FORMS = (("ies", "y"), ("ied", "y"), ("es", ""), ("es", "e"), ("s", ""), ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e"), ("ly", ""))  # fmt: skip


def is_common(word: str) -> bool:
    """Whether a word (folded), or that of which it is a regular form, is common: `says` is as common as `say`."""
    if word in COMMON:
        return True
    bases = (word.removesuffix(end) + more for end, more in _FORMS if word.endswith(end))
    return any(base in COMMON for base in bases)


def rarity(word: str) -> float:
    """How much a word (folded) tells of what a text is about, 0 to 1."""
    return COMMON.get(word, 1.0)
