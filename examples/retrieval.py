"""Answer questions from documents, guarded, and be told when an answer says what no document does.

    pip install clearspan openai
    export OPENAI_API_KEY=...        # or OPENAI_BASE_URL=http://127.0.0.1:11434/v1 and --model llama3.2, any server
    python examples/retrieval.py "When is the library open on Saturdays?"

A search by words picks the documents; a model answers from them. Before the model is asked, a guard takes keys and
passwords out of everything that is sent, the documents included, and another stops the call when something in it
tries to give the model orders; keys are taken out of the answer too. Then the answer is checked for numbers and
names that are in no document, and, where `--judge` or `CLEARSPAN_JUDGE` names a model for it, by a judge, claim by claim.

`--documents FOLDER` answers from your own `*.txt` and `*.md` files instead of the few lines below. The exit code is
0 when the answer passed, 3 when a guard stopped the call, 4 when the answer is not to be trusted.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import TypedDict

import openai

import clearspan
from clearspan.exporters.store import StoreReader
from clearspan.guards import Guard, PromptInjection, Secrets

RULES = (
    "Answer the question from the documents of the user, in one or two sentences. "
    "Say that you do not know when they do not tell."
)


class Document(TypedDict):
    """A text and what it is called."""

    id: str
    content: str


DOCUMENTS: list[Document] = [
    {
        "id": "opening-hours",
        "content": "The library is open from 9:00 to 19:00 on weekdays and from 10:00 to 14:00 on Saturdays. "
        "It is closed on Sundays.",
    },
    {
        "id": "lending",
        "content": "Books are lent for 28 days, films and music for 7. A loan can be extended twice, unless "
        "somebody else has asked for the item.",
    },
    {
        "id": "fees",
        "content": "A late book costs 0.20 euros a day, at most 8 euros. Children pay nothing.",
    },
    {
        "id": "rooms",
        "content": "The reading room has 40 seats and 6 computers. Study rooms are booked at the desk for up to "
        "3 hours.",
    },
]


VERDICTS = {True: "passed", False: "FAILED", None: ""}


class Library:
    """Documents that can be searched by words: rare words count for more than common ones."""

    def __init__(self, documents: list[Document]) -> None:
        self._documents = documents
        self._words = [words(document["content"]) for document in documents]
        self._seen_in = Counter(word for found in self._words for word in found)

    @clearspan.retrieval(name="library")
    def search(self, query: str, top_k: int = 2) -> list[Document]:
        """The documents that share most with the question, the best first."""
        asked = words(query)
        weights = [sum(self._weight(word) for word in asked & found) for found in self._words]
        ranked = sorted(range(len(weights)), key=lambda at: -weights[at])
        return [self._documents[at] for at in ranked[:top_k] if weights[at] > 0]

    def _weight(self, word: str) -> float:
        return math.log(1 + len(self._documents) / self._seen_in[word])


def words(text: str) -> set[str]:
    """The words of a text, without the ends that most English plurals have."""
    return {word.removesuffix("s") for word in re.findall(r"[a-z0-9]{3,}", text.lower())}


@clearspan.workflow(name="answer_from_documents")
def answer(client: openai.OpenAI, model: str, library: Library, question: str) -> tuple[str, list[str], str | None]:  # fmt: skip
    """The answer, the documents that it had, and the trace in which it was given."""
    found = library.search(question)
    listed = "\n\n".join(f"[{document['id']}]\n{document['content']}" for document in found)
    completion = client.chat.completions.create(
        model=model,
        messages=[
            {"role": "system", "content": RULES},
            # A message of its own, and no system message: others wrote it, so guards look at it.
            {"role": "user", "content": f"Documents:\n\n{listed or 'none were found'}"},
            {"role": "user", "content": question},
        ],
    )
    text = completion.choices[0].message.content or ""
    return text, [document["id"] for document in found], clearspan.current().trace_id


def own_documents(folder: Path) -> list[Document]:
    """The texts of a folder. Raises `OSError` where it cannot be read."""
    paths = sorted(path for path in folder.iterdir() if path.suffix in {".txt", ".md"})
    return [{"id": path.stem, "content": path.read_text("utf-8", "replace")} for path in paths]


def tell(store: str, trace: str) -> bool:
    """Print what was said of the call; whether every check of it passed."""
    scores = StoreReader(store).scores(trace)
    checks = [score for score in scores if score.guard_action is None]
    print("\nchecks")
    for score in scores:
        if score.guard_action == "allow":
            continue
        did = f"guard: {score.guard_action}" if score.guard_action else VERDICTS[score.passed]
        value = "-" if score.value is None else f"{score.value:.2f}"
        why = score.explanation or score.error or score.skipped or ""
        print(f"  {score.name:20} {value:>5}  {did:13}  {why}".rstrip())
    return all(score.passed is not False for score in checks)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Answer a question from documents, guarded and checked."
    )
    add = parser.add_argument
    add("question", metavar="QUESTION")
    add("--documents", type=Path, metavar="FOLDER", help="answer from its *.txt and *.md files")
    add("--model", default="gpt-4o-mini", help="who answers (default: %(default)s)")
    add("--judge", default=os.environ.get("CLEARSPAN_JUDGE"), metavar="WHERE",
        help="who judges, such as ollama:qwen3:4b (default: CLEARSPAN_JUDGE, else nobody)")  # fmt: skip
    add("--store", default="retrieval.db", metavar="FILE", help="where it is recorded (default: %(default)s)")  # fmt: skip
    return parser.parse_args()


def started(options: argparse.Namespace) -> clearspan.Runtime:
    """Clearspan, with guards around the calls and evaluators beside them. Raises `ValueError`."""
    evaluators: list[clearspan.Evaluator] = [
        clearspan.evaluators.FaithfulnessAlarm(),
        clearspan.evaluators.ContextRelevance(),
    ]
    if options.judge:
        evaluators.append(clearspan.judges.Faithfulness(judge=options.judge))
    guards: list[Guard] = [
        Secrets(on_fail="redact", deadline=1.0),  # a person who waits for an answer has that second
        # Rather no answer than one given under somebody else's orders: it does not fail open.
        PromptInjection(on_fail="block", deadline=1.0, fail_open=False),
    ]
    return clearspan.init(
        service_name="retrieval", store=options.store, evaluators=evaluators, guards=guards
    )


def main() -> int:
    """Run it; the exit code."""
    options = arguments()
    try:
        documents = own_documents(options.documents) if options.documents else DOCUMENTS
        client = openai.OpenAI(api_key=os.environ.get("OPENAI_API_KEY", "none"))
        runtime = started(options)
    except (OSError, ValueError, openai.OpenAIError) as error:
        print(error, file=sys.stderr)
        return 2
    with runtime:
        try:
            text, sources, trace = answer(
                client, options.model, Library(documents), options.question
            )
        except clearspan.Blocked as blocked:
            why = blocked.score.explanation or blocked.score.error
            print(f"Not asked: {blocked}: {why}", file=sys.stderr)
            return 3
        except openai.APIConnectionError:
            print(f"No answer from {client.base_url}; is a server running there?", file=sys.stderr)
            return 1
        except openai.APIError as error:
            print(f"The server refused: {error.message}", file=sys.stderr)
            return 1
        print(text)
        print(f"\nsources: {', '.join(sources) or 'none'}")
        clearspan.flush(120)  # the checks run beside the program: wait for them
        return 0 if trace is None or tell(options.store, trace) else 4


if __name__ == "__main__":
    sys.exit(main())
