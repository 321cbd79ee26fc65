"""Write short articles with deepseek-r1 on Ollama, and see how good they are.

    pip install clearspan "ollama>=0.5"
    ollama pull deepseek-r1
    python examples/content_generator.py "why the tides come and go" "how arches carry a bridge"

What the model thinks is kept apart from what it answers, in what is printed and in what is recorded. Each
article is scored for relevance twice: by code, and by a judge, which is the same model on the same server unless
`--judge` or `CLEARSPAN_JUDGE` names another (a model of another family judges better). You rate it yourself: on a
terminal you are asked, elsewhere there is `--rating`. All articles of a run are one session; at its end
you are told how it fared, and `clearspan show --store content.db` has the details.
"""

from __future__ import annotations

import argparse
import os
import sys
import uuid
from dataclasses import dataclass

import httpx
import ollama

import clearspan
from clearspan.exporters.store import StoreError, StoreReader

PROMPT = "Write an article of about 120 words on this topic: {topic}."
PATIENCE = 600.0  # seconds: a judge that reasons takes its time on a small machine


@dataclass
class Article:
    """What came of a topic; `traceparent` is what a rating needs to find its way back."""

    text: str
    thinking: str
    traceparent: str | None


class Author:
    """Writes articles with one model."""

    def __init__(self, client: ollama.Client, model: str) -> None:
        self._client, self._model = client, model

    @clearspan.workflow(name="write_article")
    def write(self, topic: str) -> Article:
        """One article, by one call of the model."""
        message = {"role": "user", "content": PROMPT.format(topic=topic)}
        answer = self._client.chat(model=self._model, messages=[message], think=True)
        thinking, text = apart(answer.message)
        return Article(text, thinking, clearspan.current().traceparent)


def apart(message: ollama.Message) -> tuple[str, str]:
    """Thinking and answer. Servers before 0.9 know no `thinking`: there it stands in the answer, in a tag."""
    text = message.content or ""
    if not message.thinking and "</think>" in text:
        thinking, _, text = text.partition("</think>")
        return thinking.strip().removeprefix("<think>").strip(), text.strip()
    return message.thinking or "", text


def ask_rating() -> int | None:
    """What the person at the terminal says, 1 to 5; nothing when they press Enter."""
    while True:
        try:
            said = input("Your rating, 1 (poor) to 5 (good), or Enter for none: ").strip()
        except EOFError:
            return None
        if not said:
            return None
        if said in {"1", "2", "3", "4", "5"}:
            return int(said)


def write_all(author: Author, options: argparse.Namespace) -> None:
    """Write, show and have rated one article after the other."""
    for topic in options.topics:
        print(f"\n# {topic}", flush=True)
        article = author.write(topic)
        if article.thinking and options.show_thinking:
            print("\n".join(f"  | {line}" for line in article.thinking.splitlines()))
        print(article.text)
        rating = options.rating
        if rating is None and sys.stdin.isatty():
            rating = ask_rating()
        if rating is not None:
            clearspan.feedback(rating, scale=(1, 5), traceparent=article.traceparent)


def tell(store: str, session: str) -> None:
    """How the session fared, as the store has it, and what could not be judged."""
    reader = StoreReader(store)
    whole = next((found for found in reader.sessions() if found.session == session), None)
    if whole is None:
        print("\nNothing of this session was recorded.")
        return
    print(
        f"\nSession {session}: {whole.traces} articles, {whole.output_tokens or '?'} tokens written"
    )
    for line in reader.score_summary(session=session):
        mean = "  -  " if line.mean is None else f"{line.mean:5.2f}"
        rate = "" if line.pass_rate is None else f", {line.pass_rate:.0%} passed"
        print(f"  {line.name:16} {mean}  of {line.count}{rate}")
    for made in clearspan.status().evaluators:
        for reason, calls in {**made.errors, **made.skipped, **made.dropped}.items():
            print(f"  {made.name} could not judge {calls}: {reason}")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Write short articles with a reasoning model on Ollama, scored and rated.",
    )
    add = parser.add_argument
    add("topics", nargs="+", metavar="TOPIC", help="what to write about; one article each")
    add("--host", metavar="URL", help="Ollama's address (default: OLLAMA_HOST, else this machine)")
    add("--model", default="deepseek-r1", help="who writes (default: %(default)s)")
    add("--judge", default=os.environ.get("CLEARSPAN_JUDGE"), metavar="WHERE",
        help="who judges, such as ollama:qwen3:4b (default: CLEARSPAN_JUDGE, else who writes)")  # fmt: skip
    add("--rating", type=int, choices=range(1, 6), help="rate every article so; nobody is asked")
    add("--show-thinking", action="store_true", help="print what the model thinks as well")
    add("--store", default="content.db", metavar="FILE", help="where it is recorded (default: %(default)s)")  # fmt: skip
    return parser.parse_args()


def main() -> int:
    """Run it; the exit code."""
    options = arguments()
    if options.host:
        os.environ["OLLAMA_HOST"] = options.host  # read by the client and by the judge
    session = f"content-{uuid.uuid4().hex[:8]}"
    try:
        judge = clearspan.Judge(options.judge or f"ollama:{options.model}", timeout=PATIENCE)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    scored = [
        clearspan.evaluators.Relevance(),
        clearspan.judges.Relevance(judge=judge, timeout=PATIENCE),
    ]
    with clearspan.init(service_name="content-generator", store=options.store, evaluators=scored):
        author = Author(ollama.Client(), options.model)
        try:
            with clearspan.context(session=session):
                write_all(author, options)
        except ollama.ResponseError as error:
            hint = f" (try: ollama pull {options.model})" if error.status_code == 404 else ""
            print(f"Ollama refused: {error.error}{hint}", file=sys.stderr)
            return 1
        except (ConnectionError, httpx.HTTPError):
            where = os.environ.get("OLLAMA_HOST", "this machine")
            print(f"No answer from Ollama at {where}; is `ollama serve` running?", file=sys.stderr)
            return 1
        print("\nWaiting for the judge ...", flush=True)
        if not clearspan.flush(PATIENCE):
            print("Not all articles were judged in time.", file=sys.stderr)
        try:
            tell(options.store, session)
        except StoreError as error:
            print(f"The session cannot be read: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
