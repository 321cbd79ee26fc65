"""Words that make up the roles, kinds of parts, reasons and codes of errors that APIs have: nobody's content.

What a server or a program puts in their place may be anything, and is told only where content may be.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

__all__ = ["is_known", "quoted"]

_SPELT = """
    abandoned abort aborted access account action active address agent all already an and annotations any api apply approval
    arguments array assistant async at attempts audio auth authentication authorization auto automatic available
    background bad balance base batch be billing blob blocked body boolean browser budget busy by cache cached call called
    calls cancel canceled cancelled cannot card chain channel chat choice chunk client code collection command commands
    compaction complete completed completion computer concurrency conflict connect connection connectivity content context
    conversation conversion could create created credential credentials credits custom data deadline decode decoding default delta
    denied deployment deprecated description deserialize detail details detected developer did directory disabled
    disconnected document does done double down download duplicate duration edit embedding embeddings empty encode
    encoding encrypted end endpoint engine enum eos error event exceeded exception execute execution exhausted exist exists expired
    external failed failure fatal fault feature field file files filter filtered finish finished flagged for forbidden
    format found function gateway generate generation guard handled has hash header headers host html http id image images
    implemented in inactive incompatible incomplete incorrect index inference input inputs insufficient integer internal
    interpreter interrupted invalid invoke io is item items job json key kind large last length library limit
    limited limits line list load loaded loading local locked long loop mail malformed markup match max maximum mcp media
    memory message messages method mime min misdirected missing modality mode model moderation moved multi name network no
    not null number object of off offline on only open operation option options or order organization other out output
    overflow overloaded owner page parallel parameter parameters parse parsing part partial parts patch path
    payload payment pending permission pipeline plan policy precondition previous priority processing project prompt properties
    property protocol provider proxy query queue queued quota range ranked rate raw reached read ready reason
    reasoning recitation redacted reference refresh refusal refused region rejected rerank request requests required reset
    resource response responses result results retries retry retrieval role runtime safety schema screenshot search security
    server service session shell shutdown signature size slow ssl start state status step stop stopped storage
    stream streaming string structured submit suffix summary support supported suspended syntax system task temporary
    terminated text thinking thread throttled throttling time timeout timestamp title tls to token tokens too tool tools
    transcript transcription transport trial tts type unable unauthorized unavailable unexpected unit unknown unprocessable unsupported
    update upgrade upload uri url usage use user validation value values variable vector version video view violation
    voice was web with workflow write wrong you your zip
    anthropic azure bedrock deepseek gcp gemini google groq hugging face mistral ollama openai together transformers
    anyof oneof allof defs additionalproperties
"""
_WORDS = frozenset(_SPELT.split())
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^A-Za-z0-9_.\-]")
_LONGEST = 80


def is_known(text: str) -> bool:
    """Whether `text` is an identifier of such words alone (`rate_limit_exceeded`, `DeploymentNotFound`, `429`)."""
    return 0 < len(text) <= _LONGEST and _known(text)


@functools.lru_cache(maxsize=4096)
def _known(text: str) -> bool:
    parts = _PARTS.findall(text)
    return bool(parts) and all(
        part.lower() in _WORDS or (part.isdigit() and len(part) <= 3) for part in parts
    )


def quoted(word: str, said: Iterable[str]) -> bool:
    """Whether `word` is in a text that was `said`, or one of them in it."""
    folded = word.casefold()
    for text in said:
        one = text.casefold()
        if folded in one or (len(one) >= _SHORTEST and one in folded):
            return True
    return False


_SHORTEST = 4
