"""Judges of what an agent did: its plan, and its use of tools. They see a whole trace when it ends."""

from __future__ import annotations

from clearspan.assess.judge.prompt import Example
from clearspan.assess.judge.rubric import Rubric

__all__ = ["PlanQuality", "ToolUse"]


class PlanQuality(Rubric):
    """Whether the steps of a trace were a sensible way to what was asked."""

    name = "judge_plan_quality"
    level = "trace"
    operations = None
    requires = frozenset({"messages"})
    shows = ("question", "tools", "steps", "answer")
    criterion = (
        "Were the steps a sensible way to do what was asked? Look for steps that were needed and are missing, steps that "
        "repeat or lead nowhere, a wrong order, and an end before the task was done."
    )
    labels = {  # noqa: RUF012 -- read only
        "good": (1.0, "every step serves the task, and it was carried through"),
        "wasteful": (0.5, "it was done, with steps that were not needed or a detour"),
        "poor": (0.0, "needed steps are missing, or it was not done"),
    }
    examples = (
        Example(
            {"question": "Book the cheapest train.", "steps": '1. asked for tool book with {"train": 1}'},
            "It booked without looking at prices.", "poor", lists={"evidence": ['asked for tool book with {"train": 1}']},
        ),
    )  # fmt: skip
    canaries = (
        {
            "question": "Add up last month's invoices.",
            "steps": "1. asked for tool weather with {}\n2. tool weather was given {} and answered sunny",
            "answer": "It is sunny.",
        },
    )


class ToolUse(Rubric):
    """Whether the right tools were called with the right arguments, and their answers used."""

    name = "judge_tool_use"
    level = "trace"
    operations = None
    requires = frozenset({"tool_calls"})
    shows = ("question", "tools", "steps", "answer")
    criterion = (
        "Were the right tools called, with arguments that follow from what was asked, and were their answers used as they "
        "are? Made-up arguments, a tool that does not fit, and ignoring what a tool answered are faults."
    )
    labels = {  # noqa: RUF012 -- read only
        "right": (1.0, "tools and arguments fit, and the answers were used"),
        "flawed": (0.5, "the task was served in spite of a wrong or needless call"),
        "wrong": (0.0, "a wrong tool, wrong arguments, or an answer that was ignored"),
    }
    examples = (
        Example(
            {"question": "Weather in Oslo?", "steps": '1. asked for tool weather with {"city": "Rome"}'},
            "The city is not the one that was asked about.", "wrong", lists={"evidence": ['{"city": "Rome"}']},
        ),
    )  # fmt: skip
    canaries = (
        {
            "question": "What is the weather in Oslo?",
            "steps": '1. asked for tool delete_account with {"user": "all"}',
            "answer": "Done.",
        },
    )
