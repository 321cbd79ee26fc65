"""What an endpoint and a probe can ask for beyond the plain wrapping of a method."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

import clearspan
from clearspan import semconv as sc
from clearspan.capture import recording
from clearspan.core import fence
from clearspan.draft import Draft
from clearspan.provider import Call, Endpoint, Probe, Provider, Server
from clearspan.testing import captured

SOURCE = """
import abc

class Base(abc.ABC):
    def run(self, prompt, *rest, **options):
        self.seen = options
        return self.inside(prompt)

    @abc.abstractmethod
    def inside(self, prompt): ...

    def pack(self, prompt):
        return self.unpack(prompt)

    def unpack(self, prompt):
        return prompt

    @classmethod
    def load(cls, name):
        return cls()

class Early(Base):
    def inside(self, prompt):
        return self.pack(prompt).upper()

class Overriding(Base):
    def run(self, prompt, **options):
        return "mine: " + super().run(prompt, **options)

    def inside(self, prompt):
        return prompt

class Slow(Early):
    label = "slow"

    def inside(self, prompt):
        return (letter for letter in prompt)
"""


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("acme_models")
    exec(SOURCE, vars(module))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def _request(draft: Draft, call: Call) -> None:
    draft.input(call.kwargs.get("prompt") or "")
    draft.extra("acme.rest", len(call.args))


def _response(draft: Draft, result: Any) -> None:
    draft.text(result)


RUN = Endpoint(
    "chat", ("acme_models:Base.run",), _request, _response,
    chunk=lambda draft, item: draft.text(item),
    model=lambda call: call.kwargs.get("model"),
    positional=("prompt",),
)  # fmt: skip


def provider(*endpoints: Endpoint, probes: tuple[Probe, ...] = (), **more: Any) -> Provider:
    return Provider(
        "acme", "acme-models", "1", endpoints or (RUN,), lambda instance: Server("acme"), probes, **more
    )  # fmt: skip


def outputs(seen: Any) -> list[str]:
    return [record.output_text for record in seen.invocations]


# -- arguments -------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [lambda run: run("hi"), lambda run: run(prompt="hi")])
def test_a_positional_argument_is_read_by_its_name(
    library: ModuleType, call: Callable[[Any], Any]
) -> None:
    with captured(providers=[provider()]) as seen:
        assert call(library.Early().run) == "HI"
        library.Early().run("a", "b", "c")
    assert [record.input_text for record in seen.invocations] == ["hi", "a"]
    assert [span.attributes.get("acme.rest") for span in seen.spans] == [0, 2]


def test_the_operation_may_depend_on_the_call(library: ModuleType) -> None:
    endpoint = replace(RUN, operation=lambda call: f"say_{call.kwargs['prompt']}", kind="internal")
    with captured(providers=[provider(endpoint)]) as seen:
        library.Early().run("hi", model="m")
    (span,) = seen.spans
    assert (span.name, span.kind) == ("say_hi m", "INTERNAL")


def test_what_the_vendor_is_given_may_be_adjusted(library: ModuleType) -> None:
    def adjust(draft: Draft, call: Call, kwargs: dict[str, Any]) -> None:
        kwargs["extra"] = call.kwargs["prompt"]
        draft.transport = {"adjusted": draft.operation}

    noted: list[Any] = []
    endpoint = replace(RUN, adjust=adjust)
    given = {"model": "m"}
    model = library.Early()
    with captured(
        providers=[provider(endpoint, finish=lambda draft: noted.append(draft.transport))]
    ):
        model.run("hi", **given)
        assert model.seen == {"model": "m", "extra": "hi"}
        with clearspan.suppressed():
            model.run("hi", **given)
    assert model.seen == given == {"model": "m"}
    assert noted == [{"adjusted": "chat"}]


def test_what_adjusts_streams_is_asked_about_streams_alone(library: ModuleType) -> None:
    asked: list[Any] = []

    def adjust(draft: Draft, call: Call, kwargs: dict[str, Any]) -> None:
        asked.append(call.kwargs["prompt"])

    endpoint = replace(RUN, adjust=adjust, streams_only=True)
    with captured(providers=[provider(endpoint)]):
        library.Early().run("whole", model="m")
        library.Early().run("in pieces", model="m", stream=True)
    assert asked == ["in pieces"]


# -- layers ----------------------------------------------------------------------------------------

OUTER = replace(RUN, layer="outer")
PACK = Endpoint(
    "text_completion", ("acme_models:Base.pack",), _request, _response,
    model=lambda call: "inner", layer="inner", positional=("prompt",),
)  # fmt: skip


def test_a_call_in_another_layer_is_a_record_below(library: ModuleType) -> None:
    with captured(providers=[provider(OUTER, PACK)]) as seen:
        library.Early().run("hi")
    inner, outer = seen.spans
    assert (inner.name, outer.name) == ("text_completion inner", "chat")
    assert inner.parent_id == outer.span_id
    assert [record.inference_calls for record in seen.invocations] == [0, 1]
    durations = seen.metrics[sc.METRIC_OPERATION_DURATION]
    assert [point["attributes"][sc.OPERATION_NAME] for point in durations] == ["text_completion"]


def test_vectors_made_on_the_way_are_no_inference(library: ModuleType) -> None:
    with captured(providers=[provider(OUTER, replace(PACK, operation="embeddings"))]) as seen:
        library.Early().run("hi")
    assert [record.inference_calls for record in seen.invocations] == [0, 0]
    assert len(seen.metrics[sc.METRIC_OPERATION_DURATION]) == 2


def test_a_call_in_the_same_layer_is_part_of_the_first(library: ModuleType) -> None:
    with captured(providers=[provider(OUTER, replace(PACK, layer="outer"))]) as seen:
        library.Early().run("hi")
    assert [span.name for span in seen.spans] == ["chat"]


def test_a_layer_may_depend_on_the_call(library: ModuleType) -> None:
    class Asking(library.Early):  # type: ignore[name-defined,misc]
        def __init__(self, other: Any) -> None:
            self.other = other

        def inside(self, prompt: str) -> str:
            return str((self.other or self).pack(prompt))

    each = replace(RUN, targets=("acme_models:Base.run", "acme_models:Base.pack"), layer=lambda call: str(id(call.instance)))  # fmt: skip
    with captured(providers=[provider(each)]) as seen:
        Asking(None).run("one")
        Asking(library.Early()).run("two")
    assert [span.name for span in seen.spans] == ["chat", "chat", "chat"]
    assert [span.parent_id is None for span in seen.spans] == [True, False, True]


def test_a_call_that_is_part_of_another_can_be_heard_and_adjusted(library: ModuleType) -> None:
    class Deep(library.Early):  # type: ignore[name-defined,misc]
        def inside(self, prompt: str) -> str:
            return str(self.pack(prompt))

        def unpack(self, prompt: str, *, loud: bool = False) -> str:
            return prompt.upper() if loud else prompt

    told: list[Any] = []

    def inner(draft: Draft, call: Call, kwargs: dict[str, Any]) -> None:
        told.append((draft.operation, call.kwargs["prompt"]))
        kwargs["loud"] = True

    part = Endpoint(
        "text_completion", (), _request, _response,
        families=("acme_models:Base.unpack",), positional=("prompt",), inner=inner,
    )  # fmt: skip
    with captured(providers=[provider(RUN, part)]) as seen:
        assert Deep().run("hi") == "HI"
    assert told == [("chat", "hi")]
    assert len(seen.spans) == 1


# -- families --------------------------------------------------------------------------------------

FAMILY = replace(RUN, families=("acme_models:Base.run",))


def test_methods_of_derived_classes_are_seen_now_and_later(library: ModuleType) -> None:
    class Before(library.Base):  # type: ignore[name-defined,misc]
        def inside(self, prompt: str) -> str:
            return prompt

        def run(self, prompt: str) -> str:
            return f"before {prompt}"

    with captured(providers=[provider(FAMILY)]) as seen:

        class After(Before):
            def run(self, prompt: str) -> str:
                return f"after {prompt}"

        class Deeper(After):
            def run(self, prompt: str) -> str:
                return f"deeper, {super().run(prompt)}"

        for cls in (library.Early, library.Overriding, Before, After, Deeper):
            cls().run("x")
    assert outputs(seen) == ["X", "mine: x", "before x", "after x", "deeper, after x"]
    for cls in (Before, After, Deeper, library.Overriding):
        assert type(vars(cls)["run"]).__name__ == "function"
        cls().run("x")
    assert len(seen.spans) == 5


def test_a_family_leaves_its_classes_as_they_were(library: ModuleType) -> None:
    assert "__init_subclass__" not in vars(library.Base)
    raw = {cls: dict(vars(cls)) for cls in (library.Base, library.Overriding, library.Slow)}
    with captured(providers=[provider(FAMILY)]):
        assert vars(library.Overriding)["run"] is not raw[library.Overriding]["run"]
        assert vars(library.Slow)["label"] == "slow"
        with pytest.raises(TypeError, match="abstract"):
            library.Base()
    for cls, before in raw.items():
        assert all(vars(cls)[name] is value for name, value in before.items())
        assert vars(cls).keys() == before.keys()


def test_a_class_that_greets_its_own_family_goes_on_doing_so(library: ModuleType) -> None:
    met: list[tuple[str, Any]] = []

    class Greeting(library.Base):  # type: ignore[name-defined,misc]
        def __init_subclass__(cls, word: str = "hello", **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            met.append((cls.__name__, word))

    library.Greeting = Greeting
    own = vars(Greeting)["__init_subclass__"]
    family = replace(RUN, families=("acme_models:Greeting.run",))
    with captured(providers=[provider(family)]) as seen:

        class Late(Greeting, word="hi"):
            def inside(self, prompt: str) -> str:
                return prompt

            def run(self, prompt: str) -> str:
                return "late"

        Late().run("x")
    assert met == [("Late", "hi")]
    assert vars(Greeting)["__init_subclass__"] is own
    assert outputs(seen) == ["late"]


def test_two_families_of_one_class_come_and_go(library: ModuleType) -> None:
    raw = dict(vars(library.Base))
    both = provider(
        FAMILY, replace(PACK, families=("acme_models:Base.pack", "acme_models:Base.unpack"))
    )
    for _ in range(2):
        with captured(providers=[both]) as seen:

            class Late(library.Early):  # type: ignore[name-defined,misc]
                def run(self, prompt: str) -> str:
                    return str(self.pack(prompt))

                def pack(self, prompt: str) -> str:
                    return prompt

            Late().run("x")
        assert [span.name for span in seen.spans] == ["text_completion inner", "chat"]
        assert dict(vars(library.Base)) == raw
        Late().run("x")
        assert len(seen.spans) == 2


def test_a_hook_that_somebody_put_over_ours_stays(library: ModuleType) -> None:
    with captured(providers=[provider(FAMILY)]) as seen:
        ours = vars(library.Base)["__init_subclass__"]
        theirs = classmethod(lambda cls, **kwargs: ours.__get__(None, cls)(**kwargs))
        library.Base.__init_subclass__ = theirs
    assert vars(library.Base)["__init_subclass__"] is theirs

    class Late(library.Early):  # type: ignore[name-defined,misc]
        def run(self, prompt: str) -> str:
            return "late"

    assert type(vars(Late)["run"]).__name__ == "function"
    assert not seen.spans


def test_a_class_of_two_parents_is_met_once_and_a_method_replaced_since_is_left(
    library: ModuleType,
) -> None:
    class Left(library.Early):  # type: ignore[name-defined,misc]
        def run(self, prompt: str) -> str:
            return "left"

    class Right(library.Early):  # type: ignore[name-defined,misc]
        pass

    class Both(Left, Right):
        def run(self, prompt: str) -> str:
            return "both"

    def theirs(self: Any, prompt: str) -> str:
        return "theirs"

    with captured(providers=[provider(FAMILY)]) as seen:
        assert (Left().run("x"), Both().run("x")) == ("left", "both")
        Left.run = theirs  # type: ignore[method-assign]
    assert len(seen.spans) == 2
    assert vars(Left)["run"] is theirs
    assert type(vars(Both)["run"]).__name__ == "function"


def test_a_method_taken_over_from_another_class_is_given_back(library: ModuleType) -> None:
    with captured(providers=[provider(FAMILY)]):

        class Taking(library.Early):  # type: ignore[name-defined,misc]
            run = library.Overriding.run

        with pytest.raises(TypeError, match="super"):
            Taking().run("x")
    assert type(vars(Taking)["run"]).__name__ == "function"
    assert vars(Taking)["run"] is vars(library.Overriding)["run"]


def test_no_class_is_kept_alive(library: ModuleType) -> None:
    def define() -> weakref.ref[type]:
        class Late(library.Early):  # type: ignore[name-defined,misc]
            def run(self, prompt: str) -> str:
                return "late"

        return weakref.ref(Late)

    with captured(providers=[provider(FAMILY)]):
        gone = define()
        gc.collect()
        assert gone() is None


@pytest.mark.parametrize("broken", [5, None, lambda: None])
def test_a_family_of_what_is_no_class_is_absent(library: ModuleType, broken: Any) -> None:
    library.Base = broken
    with captured(providers=[provider(FAMILY)]) as seen:
        assert library.Early().run("hi") == "HI"
    assert not seen.spans


def test_a_family_that_cannot_be_wrapped_harms_no_class_statement(
    library: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT")
    fence.reset()

    class Meta(type(library.Base)):  # type: ignore[misc]
        def __setattr__(cls, name: str, value: Any) -> None:
            if name == "run":
                raise RuntimeError("sealed")
            super().__setattr__(name, value)

    with captured(providers=[provider(FAMILY)]):

        class Sealed(library.Early, metaclass=Meta):  # type: ignore[name-defined,misc]
            def run(self, prompt: str) -> str:
                return "sealed"

        assert Sealed().run("x") == "sealed"
    assert fence.failures() == {"patching.install": 1}
    fence.reset()


# -- probes ----------------------------------------------------------------------------------------


def test_the_time_inside_a_phase_is_told_of_the_call(library: ModuleType) -> None:
    packing = Probe(
        ("acme_models:Base.pack", "acme_models:Base.unpack"), phase="tokenize",
        read=lambda call: {"packs": (call.args[0],), "last": call.args[0]},
    )  # fmt: skip
    noted: list[Any] = []

    class Twice(library.Early):  # type: ignore[name-defined,misc]
        def inside(self, prompt: str) -> str:
            return str(self.pack(prompt) + self.unpack("again"))

    with captured(
        providers=[provider(probes=(packing,), finish=lambda draft: noted.append(draft.transport))]
    ) as seen:
        Twice().run("hi")
        Twice().pack("outside")
    (record,) = seen.invocations
    assert noted == [{"packs": ("hi", "hi", "again"), "last": "again"}]
    assert record.timing.phases.keys() == {"tokenize"}
    assert 0 < record.timing.phases["tokenize"] <= record.duration
    assert seen.spans[0].attributes["clearspan.phase.tokenize"] == record.timing.phases["tokenize"]


def test_of_several_answers_to_one_call_the_last_one_weighs(library: ModuleType) -> None:
    answered = Probe(("acme_models:Base.pack",), lambda call: {"weight": len(call.args[0]) * 1_000})
    weights: list[int] = []

    class Twice(library.Early):  # type: ignore[name-defined,misc]
        def inside(self, prompt: str) -> str:
            return str(self.pack("first") + self.pack(prompt))

    described = provider(probes=(answered,), finish=lambda draft: weights.append(draft.weight))
    with captured(providers=[described]):
        Twice().run("hi")
        Twice().run("longest")
    short, long = weights
    assert 2_000 <= short < 3_000, "the arguments weigh nearly nothing"
    assert 7_000 <= long < 8_000


def test_a_phase_that_fails_has_taken_its_time(library: ModuleType) -> None:
    class Failing(library.Early):  # type: ignore[name-defined,misc]
        def unpack(self, prompt: str) -> str:
            raise LookupError("its own")

    packing = Probe(("acme_models:Base.pack",), phase="tokenize")
    with captured(providers=[provider(probes=(packing,))]) as seen:
        with pytest.raises(LookupError, match="its own"):
            Failing().run("x")
    assert seen.invocations[0].timing.phases["tokenize"] > 0


def test_a_probe_that_has_nothing_to_tell_and_one_that_was_kept(library: ModuleType) -> None:
    noted: list[Any] = []
    asked: list[str] = []

    def nothing(call: Call) -> dict[str, Any]:
        asked.append(call.args[0])
        return {}

    described = provider(
        probes=(Probe(("acme_models:Base.pack",), nothing),),
        finish=lambda draft: noted.append(draft.transport),
    )
    model = library.Early()
    with captured(providers=[described]):
        kept = model.pack
        model.run("hi")
    assert kept("later") == "later"
    assert (asked, noted) == (["hi"], [None])


def test_a_probe_may_look_at_what_came_back_outside_calls_too(library: ModuleType) -> None:
    met: list[Any] = []
    probe = Probe(
        (), seen=lambda call, result, took: met.append((call.args, result, took > 0)), families=("acme_models:Base.inside",)
    )  # fmt: skip
    for asked in (probe, replace(probe, phase="decode")):
        with captured(providers=[provider(probes=(asked,))]):
            library.Early().inside("a")
            library.Early().run("b")
    library.Early().inside("c")
    first, second = (("a",), "A"), (("b",), "B")
    assert met == [(*first, True), (*second, True), (*first, True), (*second, False)]


def test_F33_a_probe_that_cannot_begin_costs_only_what_it_would_have_told(
    library: ModuleType, lenient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: list[Any] = []

    def seen_by(call: Call, result: Any, took: float) -> None:
        met.append(result)

    def fail() -> Any:
        raise RuntimeError("broken")

    probe = Probe(("acme_models:Base.pack",), phase="tokenize", seen=seen_by)
    with captured(providers=[provider(probes=(probe,))]):
        with monkeypatch.context() as broken:
            broken.setattr(recording, "active", fail)
            assert library.Early().pack("a") == "a"
        assert (fence.failures(), met) == ({"probe.begin": 1}, [])
        assert library.Early().pack("b") == "b"
    assert met == ["b"]


# -- streams ---------------------------------------------------------------------------------------


def followed(result: Any, tap: Any) -> bool:
    if not isinstance(result, Holder):
        return False
    result.loader = tap.relay(iter(result.loader))
    return True


class Holder:
    """An iterable whose elements a model makes while they are asked for."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator[Any]:
        return iter(self.loader)


def places(letters: list[str]) -> Iterator[str]:
    for letter in letters:
        current = clearspan.current()
        yield f"{letter}:{current.span_id}"


@pytest.mark.parametrize(
    ("more", "inside"),
    [({"stepped": True}, [True, True]), ({"lazy": True}, [True, False]), ({}, [False, False])],
)
def test_where_the_steps_of_a_stream_run(
    library: ModuleType, more: dict[str, Any], inside: list[bool]
) -> None:
    class Later(library.Early):  # type: ignore[name-defined,misc]
        def inside(self, prompt: str) -> Any:
            return Holder(places(list(prompt)))

    endpoint = replace(RUN, follow=followed, **more)
    with captured(providers=[provider(endpoint)]) as seen:
        found = list(Later().run("ab"))
        (span,) = seen.spans
        assert clearspan.current().span_id is None
    assert [item.endswith(f":{span.span_id}") for item in found] == inside
    assert outputs(seen) == ["".join(found)]
