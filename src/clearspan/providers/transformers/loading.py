"""Loading a model's weights: `from_pretrained`, of the models' classes and of the automatic ones."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import Any

from clearspan.draft import Draft
from clearspan.provider import Call, Endpoint, Tap
from clearspan.providers.transformers import facts

__all__ = ["ENDPOINTS"]


def _model(call: Call) -> Any:
    given = call.kwargs.get("pretrained_model_name_or_path")
    path = os.fspath(given) if isinstance(given, PurePath) else given
    return facts.called(path) if isinstance(path, str) else None


def _follow(result: Any, tap: Tap) -> bool:
    """Take the facts, and keep no hold of the model, which is large and the program's."""
    made = result[0] if type(result) is tuple and result else result  # with `output_loading_info`
    tap.result(facts.of(made, facts.place(made)))
    return True


def _request(draft: Draft, call: Call) -> None:
    """All that is known of the request is the model's name."""


def _response(draft: Draft, result: Any) -> None:
    draft.phase("load", (draft.end_ns - draft.start_ns) / 1e9)
    facts.tell(draft, result)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "load_model",
        ("transformers.modeling_utils:PreTrainedModel.from_pretrained",),
        _request,
        _response,
        model=_model,
        follow=_follow,
        deep=(),
        kind="internal",
        layer="load",
        positional=("pretrained_model_name_or_path",),
        # The automatic classes get copies of the method, after they were made.
        families=(
            "transformers.models.auto.modeling_auto:_BaseAutoModelClass.from_pretrained",
            "transformers.modeling_utils:PreTrainedModel.from_pretrained",
        ),
    ),
)
