"""Judges of an answer by itself: whether it is to the point, hangs together, and says what is right."""

from __future__ import annotations

from clearspan.assess.judge.prompt import Example
from clearspan.assess.judge.rubric import Rubric

__all__ = ["Coherence", "Correctness", "Relevance"]


class Relevance(Rubric):
    """How far the answer answers what was asked (answer relevance); whether it is true is not asked."""

    name = "judge_relevance"
    requires = frozenset({"input", "output"})
    criterion = (
        "How far does the answer answer the question that was asked? Whether it is true does not matter here. "
        "A refusal or a counter-question answers nothing, unless the question cannot be answered."
    )
    labels = {  # noqa: RUF012 -- read only
        "fully": (1.0, "answers all that was asked, without straying"),
        "mostly": (0.7, "answers the main point; something asked is missing, or much was not asked for"),
        "barely": (0.3, "is about the subject, but does not answer the question"),
        "not": (0.0, "is about something else, or says nothing"),
    }  # fmt: skip
    examples = (
        Example(
            {"question": "How long do I boil an egg?", "answer": "Seven minutes for a firm one."},
            "The time is what was asked for, and it is given.", "fully", lists={"evidence": ["Seven minutes"]},
        ),
        Example(
            {"question": "How long do I boil an egg?", "answer": "Eggs are rich in protein."},
            "It is about eggs, and gives no time.", "barely", lists={"evidence": ["Eggs are rich in protein."]},
        ),
    )  # fmt: skip
    canaries = (
        {"question": "When does the last train leave?", "answer": "Tulips are planted in autumn."},
        {"question": "What is seven times eight?", "answer": "Our shop sells blue umbrellas."},
    )


class Coherence(Rubric):
    """Whether the answer hangs together: no contradiction, no break, every part leads to the next."""

    name = "judge_coherence"
    criterion = (
        "Does the answer hang together? Look for sentences that contradict each other, breaks in the train of thought, "
        "repetition, and endings in the middle. Whether it is true or wanted does not matter here."
    )
    labels = {  # noqa: RUF012 -- read only
        "clear": (1.0, "every part follows from the one before, nothing contradicts"),
        "uneven": (0.5, "can be followed, with a break, a repetition or a loose end"),
        "broken": (0.0, "contradicts itself, or cannot be followed"),
    }
    examples = (
        Example(
            {"answer": "The shop opens at nine. It closes at six, except on Fridays, when it closes at eight."},
            "The exception is named as one, so there is no contradiction.", "clear", lists={"evidence": ["except on Fridays"]},
        ),
        Example(
            {"answer": "The shop never opens on Sundays. On Sundays it opens at ten."},
            "Both cannot be true.", "broken", lists={"evidence": ["never opens on Sundays", "On Sundays it opens at ten."]},
        ),
    )  # fmt: skip
    canaries = (
        {"answer": "The bridge is closed. You may drive over the bridge, which is open. Blue the because of and."},
    )  # fmt: skip


class Correctness(Rubric):
    """Whether the answer says what the reference says, in whatever words."""

    name = "judge_correctness"
    requires = frozenset({"output", "reference"})
    shows = ("question", "answer", "reference")
    criterion = (
        "Does the answer say the same as the reference, as far as the question asks for it? The reference is right. "
        "Other words, another order and more detail do no harm; a different fact, name or number does. "
        "Where there are several references, one is enough."
    )
    labels = {  # noqa: RUF012 -- read only
        "correct": (1.0, "says what the reference says"),
        "partial": (0.5, "says part of it, and nothing against it"),
        "wrong": (0.0, "contradicts the reference, or does not say it"),
    }
    examples = (
        Example(
            {"question": "Who painted it?", "answer": "It is by Vermeer, of Delft.", "reference": "Johannes Vermeer"},
            "The same painter is named.", "correct", lists={"evidence": ["It is by Vermeer"]},
        ),
        Example(
            {"question": "In which year?", "answer": "About 1665 or 1670.", "reference": "1665"},
            "The right year is one of two that are offered, so it is not said.", "wrong", lists={"evidence": ["About 1665 or 1670."]},
        ),
    )  # fmt: skip
    canaries = (
        {"question": "What is the capital of France?", "answer": "It is Madrid.", "reference": "Paris"},
    )  # fmt: skip
