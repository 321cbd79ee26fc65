"""Speech, transcriptions and translations of the OpenAI wire form."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace

from clearspan.testing._answers import Answer, Raw, Reply, Sse
from clearspan.testing._openai_say import (
    headers_of,
    listed,
    logprob,
    named_failure,
    own_reply,
    silence,
    text_pieces,
    usage_of,
)
from clearspan.testing._reading import (
    Obj,
    merged,
    prompt_tokens,
    string,
    upload,
    words,
)
from clearspan.testing._wire import DONE, Call, Endpoint, Event, Route, dump

_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
_WAV_HEADER = 44
_PIECE = 4096
# One silent MPEG-1 layer III frame, 128 kbit/s at 44.1 kHz: 26 ms.
_MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)


def _speak(call: Call) -> Answer:
    text = string(call.body.get("input"))
    form = string(call.body.get("response_format"), "mp3")
    sound = _sound(form, max(words(text), 1))
    parts = [sound[start : start + _PIECE] for start in range(0, len(sound), _PIECE)]
    if call.body.get("stream_format") == "sse":
        return Sse(list(_spoken(text, parts)))
    kind = _TYPES.get(form, "application/octet-stream")
    return Raw(headers={**headers_of(call), "content-type": kind}, body=parts)


def _sound(form: str, length: int) -> bytes:
    """Silence as long as the text; formats that need a codec get bytes that are no sound."""
    if form == "wav":
        return silence(length * 4)
    if form == "pcm":
        return silence(length * 4)[_WAV_HEADER:]
    return _MP3_FRAME * 16 * length if form == "mp3" else f"stand-in {form} ".encode() * 64 * length


def _spoken(text: str, parts: list[bytes]) -> Iterator[str]:
    asked, said = prompt_tokens(text), len(parts)
    usage = {"input_tokens": asked, "output_tokens": said, "total_tokens": asked + said}
    for part in parts:
        delta = {"type": "speech.audio.delta", "audio": base64.b64encode(part).decode()}
        yield from (f"data: {dump(delta)}", "")
    yield from (f"data: {dump({'type': 'speech.audio.done', 'usage': usage})}", "")


def _translates(call: Call) -> bool:
    return call.request.path.endswith("translations")


def _heard(call: Call, reply: Reply) -> Reply:
    """The reply with a text, which names the file if the script gives none."""
    if reply.text is not None:
        return reply
    file = upload(call.form, "file")
    what = "Translation" if _translates(call) else "Transcript"
    name, size = (file.filename, len(file.content)) if file else ("nothing", 0)
    return replace(reply, text=f"{what} of {name} with {size} bytes.")


def _tokens(call: Call, text: str) -> Obj:
    said, asked = words(text), prompt_tokens(call.body.get("prompt"))
    # One token for each second of sound: a word is taken to last 0.4 seconds.
    heard = round(_seconds(text)) + 1
    return {
        "type": "tokens",
        "input_tokens": heard + asked,
        "input_token_details": {"audio_tokens": heard, "text_tokens": asked},
        "output_tokens": said,
        "total_tokens": heard + asked + said,
    }


def _seconds(text: str) -> float:
    return round(words(text) * 0.4, 3)


def _usage(call: Call, reply: Reply, text: str, form: str) -> Obj:
    """The ``usage`` field: whisper and detailed answers count seconds, other models tokens."""
    timed = form == "verbose_json" or string(call.body.get("model")).startswith("whisper")
    length: Obj = {"type": "duration", "seconds": _seconds(text)}
    counted = usage_of(reply, length if timed else _tokens(call, text))
    return {} if counted is None else {"usage": counted}


def _plain(call: Call, reply: Reply) -> object:
    reply = _heard(call, reply)
    text = reply.text or ""
    form = string(call.body.get("response_format"), "json")
    if form == "text":
        return f"{text}\n"
    if form in ("srt", "vtt"):
        return _subtitles(text, form)
    usage = {} if _translates(call) else _usage(call, reply, text, form)
    body: Obj = {"text": text}
    if form == "verbose_json":
        body |= _verbose(call, text)
    elif form == "diarized_json":
        body |= {"task": "transcribe", "duration": _seconds(text), "segments": [_speaker(text)]}
    elif "logprobs" in listed(call.body.get("include")):
        body["logprobs"] = _logprobs(text_pieces(reply))
    return {**body, **usage, **reply.extra}


def _subtitles(text: str, form: str) -> str:
    comma = "," if form == "srt" else "."
    whole, part = divmod(round(_seconds(text) * 1000), 1000)
    minutes, seconds = divmod(whole, 60)
    end = f"00:{minutes:02}:{seconds:02}{comma}{part:03}"
    head = "1\n" if form == "srt" else "WEBVTT\n\n"
    return f"{head}00:00:00{comma}000 --> {end}\n{text}\n\n"


def _verbose(call: Call, text: str) -> Obj:
    segment: Obj = {
        "id": 0,
        "seek": 0,
        "start": 0.0,
        "end": _seconds(text),
        "text": text,
        "tokens": list(range(words(text))),
        "temperature": 0.0,
        "avg_logprob": -0.25,
        "compression_ratio": 1.0,
        "no_speech_prob": 0.01,
    }
    body: Obj = {
        "task": "translate" if _translates(call) else "transcribe",
        "language": "english",
        "duration": _seconds(text),
        "segments": [segment],
    }
    if "word" in listed(call.body.get("timestamp_granularities")):
        spans = enumerate(text.split())
        body["words"] = [
            {"word": word, "start": round(at * 0.4, 3), "end": round(at * 0.4 + 0.4, 3)}
            for at, word in spans
        ]
    return body


def _speaker(text: str) -> Obj:
    kind = {"type": "transcript.text.segment", "id": "seg_0", "speaker": "A"}
    return merged(kind, {"start": 0.0, "end": _seconds(text), "text": text})


def _logprobs(parts: list[str]) -> list[Obj]:
    return [{"token": p, "logprob": logprob(p), "bytes": list(p.encode())} for p in parts]


def _stream(call: Call, reply: Reply) -> Iterator[Event]:
    reply = _heard(call, reply)
    known = "logprobs" in listed(call.body.get("include"))
    for number, piece in enumerate(text_pieces(reply)):
        delta: Obj = {"type": "transcript.text.delta", "delta": piece}
        if known:
            delta["logprobs"] = _logprobs([piece])
        yield Event(delta, pause=reply.chunk_delay if number else reply.first_delay)
    text = reply.text or ""
    usage = usage_of(reply, _tokens(call, text))
    done: Obj = {"type": "transcript.text.done", "text": text}
    yield Event(done if usage is None else {**done, "usage": usage})
    yield DONE


_TRANSCRIBE = Endpoint(own_reply, _plain, _stream, named_failure, required=("model",))
ROUTES = (
    Route("POST", "audio/speech", Endpoint(_speak, required=("input", "model"))),
    Route("POST", "audio/transcriptions", _TRANSCRIBE),
    Route("POST", "audio/translations", Endpoint(own_reply, _plain, required=("model",))),
)
