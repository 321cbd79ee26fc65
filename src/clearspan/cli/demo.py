"""`clearspan demo`: a small program through the real `openai` client, recorded and shown.

Where torch and transformers are installed, it shows a model in this process too.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import textwrap
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click
from rich.text import Text

from clearspan.cli import local_model, screen
from clearspan.cli.failure import Failure, Misuse
from clearspan.cli.scores import placed, score_json
from clearspan.cli.stored import opened, span_json, store_option, store_path
from clearspan.exporters.console import cost, render_trace
from clearspan.exporters.store import StoredScore, StoredSpan
from clearspan.settings import SettingError

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI

    from clearspan.cli.program import HelpDesk

__all__ = ["command"]

_CHAT = "gpt-4o-mini"
_EMBEDDING = "text-embedding-3-small"
# A server of one's own has no published prices, so the stand-in's calls are priced by these.
_PRICES: Final[Mapping[str, Any]] = {
    "currency": "USD",
    "priced_on": "2026-11-01",
    "only": True,
    "models": {
        f"{_CHAT}*": {"input": 0.15, "output": 0.6, "cache_read": 0.075},
        _EMBEDDING: {"input": 0.02},
    },
}
_EVALUATORS: Final = ("faithfulness_alarm", "truncation")
_PATIENCE = 60.0
_FLUSH = 15.0
# What a rich terminal and a plain one show of a wait.
_WAITING = ({"░"}, {"-"})
_BESIDE = 28  # the margins, and room for some words
_REMEDY = "python -m pip install 'clearspan[demo]'"


class _Clients(NamedTuple):
    sync: OpenAI
    asynchronous: AsyncOpenAI
    server: str


class _Trace(NamedTuple):
    """A trace as the store gives it back, with what was thought of it."""

    spans: list[StoredSpan]
    scores: list[StoredScore]


@click.command(
    epilog="""\b
Examples:
  clearspan demo
  clearspan demo --store demo.db --json
  OPENAI_BASE_URL=http://localhost:11434/v1 clearspan demo --live --model qwen3:0.6b""",
    short_help="Record a small program and show its traces.",
)
@click.option(
    "--live", is_flag=True, help="Ask the server of OPENAI_BASE_URL, or OpenAI with OPENAI_API_KEY."
)
@click.option("--model", help=f"Chat model.  [default: $OPENAI_MODEL, else {_CHAT}]")
@click.option("--embedding-model", default=_EMBEDDING, show_default=True, help="Embedding model.")
@click.option("--json", "as_json", is_flag=True, help="Print the spans as one JSON document.")
@store_option
def command(
    live: bool,  # noqa: FBT001 -- click passes options by name
    model: str | None,
    embedding_model: str,
    as_json: bool,  # noqa: FBT001 -- as above
    store: str | None,
) -> None:
    """Run a small retrieval-and-tools program, record it, and show its traces.

    The program calls the real openai client: plain, streamed, failing and retried calls, sync and
    async, embeddings, a tool. Without --live a stand-in server on this machine answers, so it needs
    neither a key nor the network; with torch and transformers installed, it shows a tiny model in
    this process too.
    """
    _require_client(live=live)
    chat = model or os.environ.get("OPENAI_MODEL") or _CHAT
    session = f"demo-{secrets.token_hex(3)}"
    with _live() if live else _stand_in() as clients:
        local = not live and local_model.installed()
        if not as_json:
            _say(f"Running a small program through the openai client, against {clients.server} ...")
        if local and not as_json:
            _say(
                "Then a tiny model of random weights in this process, which takes some seconds ..."
            )
        desk = _recorded(clients, chat, embedding_model, session, store, local=local, live=live)
    traces = _stored(session, store)
    if as_json:
        screen.document({"session": session, "traces": [
            {
                "trace_id": spans[0].trace_id,
                "spans": [span_json(span) for span in spans],
                "scores": [score_json(score) for score in scores],
            }
            for spans, scores in traces
        ]})  # fmt: skip
    else:
        waits = _show(traces)
        _conclude(desk, traces, store, live=live, waits=waits)
    if not desk.answered:
        raise Failure(f"no call of {chat!r} succeeded; check the key, the address and --model")


def _say(text: str = "", *, indent: str = "") -> None:
    """Print `text` in the width that there is; words, which may be paths to be copied, stay whole."""
    console = screen.console()
    wrapped = textwrap.fill(
        text, console.width, initial_indent=indent, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    console.print(wrapped, soft_wrap=True)


def _require_client(*, live: bool) -> None:
    if importlib.util.find_spec("openai") is None:
        raise Failure(f"the demo needs the openai package: {_REMEDY}")
    if live and not (os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL")):
        raise Misuse("--live needs OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own")


@contextmanager
def _stand_in() -> Generator[_Clients]:
    import openai

    from clearspan.cli.stand_in import StandIn
    from clearspan.testing import ModelServer

    with ModelServer() as server:
        server.respond(StandIn())
        common: dict[str, Any] = {"base_url": server.url, "api_key": "none", "max_retries": 2}
        # No proxy: the server is on this machine.
        direct, adirect = (
            openai.DefaultHttpxClient(trust_env=False),
            openai.DefaultAsyncHttpxClient(trust_env=False),
        )
        with openai.OpenAI(**common, http_client=direct) as client:
            aclient = openai.AsyncOpenAI(**common, http_client=adirect)
            yield _Clients(client, aclient, f"a stand-in server at {server.origin}")


@contextmanager
def _live() -> Generator[_Clients]:
    import openai

    common: dict[str, Any] = {
        # Servers of one's own seldom ask for a key; the client insists on one.
        "api_key": os.environ.get("OPENAI_API_KEY") or "none",
        "timeout": _PATIENCE,
        "max_retries": 1,
    }
    with openai.OpenAI(**common) as client:
        yield _Clients(client, openai.AsyncOpenAI(**common), client.base_url.host)


def _recorded(
    clients: _Clients,
    chat: str,
    embedding: str,
    session: str,
    store: str | None,
    *,
    local: bool,
    live: bool,
) -> HelpDesk:
    """Run the program under clearspan, and wait until everything is stored."""
    import clearspan
    from clearspan.cli.program import HelpDesk

    try:
        runtime = clearspan.init(
            service_name="clearspan-demo",
            store=store_path(store),
            providers=("openai",),
            evaluators=_EVALUATORS,
            sample_rate=1.0,
            pricing=_PRICES if _own_prices(live=live) else None,
        )
    except SettingError as error:
        raise Misuse(error) from error
    if not runtime.running:
        raise Failure(
            "recording is switched off by CLEARSPAN_DISABLED or OTEL_SDK_DISABLED; unset it"
        )
    with runtime:
        desk = HelpDesk(clients.sync, clients.asynchronous, chat, embedding)
        with clearspan.context(session=session, tags=["demo"]):
            desk.run()
            left_out = local_model.LocalModel.shown(runtime) if local else None
        if left_out is not None:
            desk.notes.append(left_out)
        runtime.flush(_FLUSH)
    return desk


def _stored(session: str, store: str | None) -> list[_Trace]:
    """The traces of the run as the store gives them back, in the order of their start."""
    with opened(store) as reader:
        found = reader.traces(session=session)
        if not found:
            raise Failure(f"nothing arrived in the store {reader.path!r}; see `clearspan doctor`")
        return [
            _Trace(reader.trace(each.trace_id), reader.scores(each.trace_id))
            for each in reversed(found)
        ]


def _own_prices(*, live: bool) -> bool:
    """Whether the demo's own table holds: not for a real server, nor where the user says otherwise."""
    return not live and not os.environ.get("CLEARSPAN_PRICING", "").strip()


def _show(traces: list[_Trace]) -> bool:
    """Draw the traces; answers whether the wait for an answer is seen in a bar."""
    console = screen.console()
    seen = False
    for spans, scores in traces:
        title = f"trace {spans[0].trace_id[:8]}"
        tree = render_trace(spans, title=title, scores=placed(spans, scores))
        console.print()
        console.print(tree)
        seen |= any(set(segment.text) in _WAITING for segment in console.render(tree))
    return seen


def _conclude(
    desk: HelpDesk,
    traces: list[_Trace],
    store: str | None,
    *,
    live: bool,
    waits: bool,
) -> None:
    _say()
    for note in desk.notes:
        _say(f"As it happened: {note}.")
    if waits:
        _say("In the bars, the lighter part is the wait for the first content of an answer.")
    if not live:
        _say("The answers came from a stand-in server on this machine, not from a model.")
        if _own_prices(live=live) and any(
            cost(span.attributes) for each in traces for span in each.spans
        ):
            _say(
                "Their prices are the demo's own table; with --live, published prices are used "
                "where there are any."
            )
        if not local_model.installed():
            _say("It shows a model in this process too, after:")
            _type(local_model.REMEDY)
    _say(f"Stored in {store_path(store)}. What to type next:")
    _say()
    where = ""
    if store:
        where = f' --store "{store}"' if " " in store else f" --store {store}"
    first = traces[0].spans[0].trace_id[:8]
    _hints([
        (f"clearspan show{where}", "all traces, newest first"),
        (f"clearspan show {first} --content{where}", "one trace, with what was asked and answered"),
        (f"clearspan tail{where}", "spans as they come, while a program runs"),
        (f"clearspan run{where} app.py", "record a program of yours, unchanged"),
    ])  # fmt: skip


def _type(command: str) -> None:
    # Never broken by us: it is to be copied.
    screen.console().print(f"  {command}", soft_wrap=True)


def _hints(rows: list[tuple[str, str]]) -> None:
    """Commands with what they do beside them, or below where there is no room beside."""
    console = screen.console()
    if console.width >= max(len(typed) for typed, _ in rows) + _BESIDE:
        console.print(screen.Rows([(Text(typed), Text(what)) for typed, what in rows]))
        return
    for typed, what in rows:
        _type(typed)
        _say(what, indent=" " * 6)
