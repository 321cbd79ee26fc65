"""Patching a library: installed and taken away without a trace, whenever it is imported."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import pickle
import threading
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import wrapt
from wrapt import importer

import clearspan
from clearspan import semconv as sc
from clearspan.capture import guarding, inlet, wardens
from clearspan.capture.patching import Patches
from clearspan.core import fence, installed
from clearspan.record import Outcome
from clearspan.testing import captured
from tests.capture import vendor as vendors
from tests.capture.vendor import Vendor


def originals(module: Any) -> dict[str, Any]:
    """The very objects that stand in the library's namespaces."""
    found = {f"Client.{name}": value for name, value in vars(module.Client).items()}
    found |= {"complete": module.complete, "transport": module.transport}
    return found | {"Alias.create": vars(module.Alias)["create"]}


def test_calls_of_all_shapes_are_recorded(vendor: Vendor) -> None:
    module = vendor.load()
    with captured(providers=[vendor.provider]) as seen:
        client = module.Client()
        assert client.create(model="m", prompt="a", temperature=0.5)["text"] == "A"
        assert list(client.create(model="m", prompt="ab", stream=True)) == ["a", "b"]
        assert asyncio.run(client.acreate(model="m", prompt="b"))["id"] == "r-2"
        assert client.quick(model="m")["text"] == "Client"
        assert module.Client.loose(model="m", prompt="c")["text"] == "c"
        assert module.complete("m", prompt="d")["id"] == "r-5"

        async def read() -> list[str]:
            return [item async for item in await client.astream(model="m", prompt="xy")]

        assert asyncio.run(read()) == ["x", "y"]
        spans = seen.spans
    assert [span.name for span in spans] == ["chat m"] * 5 + ["chat", "chat m"]
    assert [span.attributes.get(sc.RESPONSE_ID) for span in spans] == [
        "r-1", None, "r-2", "r-3", "r-4", "r-5", None,
    ]  # fmt: skip
    first, streamed = spans[0].attributes, spans[1].attributes
    assert (first[sc.PROVIDER_NAME], first[sc.SERVER_ADDRESS]) == ("acme", "models.acme.example")
    assert first[sc.REQUEST_TEMPERATURE] == 0.5
    assert first["acme.api"] == "v1"
    assert first["acme.attempt"] == 2, "what the probe noted"
    assert (first.get(sc.REQUEST_STREAM), streamed[sc.REQUEST_STREAM]) == (None, True)
    assert streamed[sc.CHUNK_COUNT] == 2


def test_errors_pass_unchanged(vendor: Vendor) -> None:
    module = vendor.load()
    provider = vendor.changed(error=lambda error: "model_not_found")
    with captured(providers=[provider]) as seen:
        with pytest.raises(LookupError, match="no such model") as caught:
            module.Client().create(model="m", prompt="fail")
        with pytest.raises(TypeError, match="model is missing"):
            asyncio.run(module.Client().acreate())
        (span,) = seen.spans  # wrong arguments are refused before anything of the vendor's runs
    assert caught.traceback[-1].name == "create"
    assert span.attributes[sc.ERROR_TYPE] == "model_not_found"
    assert span.error == "no such model"


def test_one_call_through_two_methods_is_recorded_once(vendor: Vendor) -> None:
    module = vendor.load()
    with captured(providers=[vendor.provider]) as seen:
        module.Client().wrapping(model="m", prompt="a")
        assert len(seen.spans) == 1


def test_F18_F35_targets_look_as_they_did(vendor: Vendor) -> None:
    module = vendor.load()
    raw = originals(module)
    client = module.Client()
    before = {
        name: (inspect.signature(getattr(client, name)), inspect.iscoroutinefunction(getattr(client, name)))
        for name in vendors.METHODS[:-1]
    }  # fmt: skip
    names = dir(module.Client), dir(client), client.create.__doc__
    with captured(providers=[vendor.provider]):
        assert {
            name: (inspect.signature(getattr(client, name)), inspect.iscoroutinefunction(getattr(client, name)))
            for name in vendors.METHODS[:-1]
        } == before  # fmt: skip
        assert (dir(module.Client), dir(client), client.create.__doc__) == names
        assert module.Client.create is not raw["Client.create"]
        assert inspect.unwrap(module.Client.create) is raw["Client.create"]


def test_taking_patches_away_restores_the_very_objects(vendor: Vendor) -> None:
    module = vendor.load()
    raw = originals(module)
    patches = Patches(vendor.provider)
    for _ in range(3):
        patches.install()
        now = originals(module)
        changed = {name for name in raw if now[name] is not raw[name]}
        assert changed == {
            *(f"Client.{name}" for name in vendors.METHODS[:-1]), "complete", "transport", "Alias.create",
        }  # fmt: skip
        patches.remove()
        assert all(originals(module)[name] is raw[name] for name in raw)
        assert originals(module).keys() == raw.keys()


def test_states_tell_where_each_target_stands(vendor: Vendor) -> None:
    patches = Patches(vendor.provider)
    assert patches.states() == {}
    patches.install()
    create, newer = (f"{vendor.module}:Client.{name}" for name in ("create", "newer"))
    assert set(patches.states().values()) == {"waiting"}
    module = vendor.load()
    assert (patches.states()[create], patches.states()[newer]) == ("patched", "absent")
    patches.remove()
    assert (patches.states()[create], patches.states()[newer]) == ("removed", "absent")
    assert "newer" not in vars(module.Client)


def test_a_target_whose_class_is_not_there_is_absent(vendor: Vendor) -> None:
    gone = f"{vendor.module}:Removed.create"
    endpoint = vendor.provider.endpoints[1]
    provider = vendor.changed(
        endpoints=(type(endpoint)("chat", (gone,), endpoint.request, endpoint.response),), probes=()
    )
    patches = Patches(provider)
    vendor.load()
    patches.install()
    assert patches.states() == {gone: "absent"}
    patches.remove()
    assert patches.states() == {gone: "absent"}


def test_a_class_under_a_second_name_is_patched_once(vendor: Vendor) -> None:
    module = vendor.load()
    endpoint = vendor.provider.endpoints[0]
    same = f"{vendor.module}:Client.create"
    again = type(endpoint)("chat", (same,), endpoint.request, endpoint.response)
    raw = vars(module.Client)["create"]
    patches = Patches(vendor.changed(endpoints=(*vendor.provider.endpoints, again)))
    patches.install()
    assert inspect.unwrap(module.Client.create) is raw
    assert module.Client.create.__wrapped__.__name__ == "create"
    patches.remove()
    assert vars(module.Client)["create"] is raw


def test_F19_nothing_is_imported_to_be_patched(vendor: Vendor) -> None:
    with captured(providers=[vendor.provider]) as seen:
        assert not vendor.loaded
        module = vendor.load()
        module.Client().create(model="m")
        assert len(seen.spans) == 1


ORDERS = ["module first", "module after", "client first", "method first"]


@pytest.mark.parametrize("order", ORDERS)
def test_F20_the_order_of_imports_does_not_matter(order: str, vendor: Vendor) -> None:
    client = vendor.load().Client() if order != "module after" else None
    method = client.create if order == "method first" and client else None
    with captured(providers=[vendor.provider]) as seen:
        client = client or vendor.load().Client()
        (method or client.create)(model="m")
        # A bound method that was taken before is the library's own, and cannot be reached.
        assert len(seen.spans) == (0 if order == "method first" else 1)


def test_a_method_that_was_taken_while_patched_is_a_plain_one_afterwards(vendor: Vendor) -> None:
    client = vendor.load().Client()
    with captured(providers=[vendor.provider]) as seen:
        create, acreate = client.create, client.acreate
        create(model="m")
        assert len(seen.spans) == 1
    with captured(providers=()) as later:
        assert create(model="m", prompt="a")["text"] == "A"
        assert asyncio.run(acreate(model="m", prompt="a"))["text"] == "A"
        assert later.spans == []


def test_others_may_wrap_on_top_and_stay(vendor: Vendor) -> None:
    module = vendor.load()
    log: list[str] = []

    def theirs(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        log.append("theirs")
        return wrapped(*args, **kwargs)

    with captured(providers=[vendor.provider]) as seen:
        wrapt.wrap_function_wrapper(module, "Client.create", theirs)
        module.Client().create(model="m")
        assert len(seen.spans) == 1
    top = vars(module.Client)["create"]
    with captured(providers=()) as later:
        assert module.Client().create(model="m", prompt="a")["text"] == "A"
        assert later.spans == []
    with captured(providers=[vendor.provider]) as again:
        module.Client().create(model="m")
        assert len(again.spans) == 1
    assert vars(module.Client)["create"] is top
    assert log == ["theirs"] * 3


def test_several_users_share_the_patches(vendor: Vendor) -> None:
    module = vendor.load()
    raw = vars(module.Client)["create"]
    with captured(providers=[vendor.provider]) as outer:
        with captured(providers=[vendor.provider]) as inner:
            module.Client().create(model="m")
            assert (len(inner.spans), len(outer.spans)) == (1, 0)
        assert vars(module.Client)["create"] is not raw
        module.Client().create(model="m")
        assert len(outer.spans) == 1
    assert vars(module.Client)["create"] is raw


def test_a_surplus_removal_does_no_harm(vendor: Vendor) -> None:
    module = vendor.load()
    raw = vars(module.Client)["create"]
    patches = Patches(vendor.provider)
    patches.remove()
    patches.install()
    patches.install()
    patches.remove()
    assert vars(module.Client)["create"] is not raw
    patches.remove()
    patches.remove()
    assert vars(module.Client)["create"] is raw
    patches.install()
    assert vars(module.Client)["create"] is not raw
    patches.remove()


def test_patched_without_anyone_listening_is_a_pass_through(vendor: Vendor) -> None:
    module = vendor.load()
    patches = Patches(vendor.provider)
    patches.install()
    assert inlet.current() is None
    assert module.Client().create(model="m", prompt="a")["text"] == "A"
    assert list(module.Client().create(model="m", prompt="a", stream=True)) == ["a"]
    patches.remove()


def test_F61_coming_and_going_leaves_no_hooks_behind(vendor: Vendor) -> None:
    def hooks() -> int:
        return sum(len(found) for found in importer._post_import_hooks.values())

    patches = Patches(vendor.provider)
    patches.install()
    patches.remove()
    before = hooks()
    for _ in range(50):
        patches.install()
        patches.remove()
    assert hooks() == before
    module = vendor.load()
    assert originals(module)["Client.create"] is inspect.unwrap(module.Client.create)
    patches.install()
    assert patches.states()[f"{vendor.module}:Client.create"] == "patched"
    patches.remove()


def test_F19_a_library_that_fails_to_import_fails_as_it_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    broken = vendors.write(tmp_path, "raise OSError('half installed')\n")
    with captured(providers=[broken.provider]):
        with pytest.raises(OSError, match="half installed"):
            broken.load()
        assert not broken.loaded


def test_F19_a_library_that_is_half_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    half = vendors.write(tmp_path, "class Client:\n    pass\n")
    with captured(providers=[half.provider]) as seen:
        half.load().Client()
        assert seen.spans == []


def test_F33_a_hook_that_fails_does_not_reach_the_import(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch, lenient: None
) -> None:
    def fail(*given: object) -> None:
        raise RuntimeError("broken")

    fence.reset()
    patches = Patches(vendor.provider)
    monkeypatch.setattr(wrapt, "FunctionWrapper", fail)
    monkeypatch.setattr("clearspan.capture.patching.Wrapper", fail)
    patches.install()
    module = vendor.load()
    assert module.imported
    assert fence.failures()["patching.install"] == len(patches.targets) - 1
    assert set(patches.states().values()) == {"absent"}
    patches.remove()
    fence.reset()


def test_F33_an_object_that_cannot_be_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lenient: None
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    fixed = vendors.write(tmp_path, "Client = dict\nAlias = dict\nclass complete: pass\n")
    endpoint = fixed.provider.endpoints[0]
    target = f"{fixed.module}:Client.get"
    provider = fixed.changed(
        endpoints=(type(endpoint)("chat", (target,), endpoint.request, endpoint.response),), probes=()
    )  # fmt: skip
    fence.reset()
    patches = Patches(provider)
    patches.install()
    assert fixed.load().Client is dict
    assert patches.states() == {target: "absent"}
    assert fence.failures() == {"patching.install": 1}
    patches.remove()
    fence.reset()


@pytest.mark.parametrize(
    ("version", "supported"),
    [("1.1", False), ("1.2", True), ("1.2.0rc1", False), ("3.0", True), ("not a version", True)],
)
def test_versions(version: str, supported: bool, vendor: Vendor) -> None:
    vendor.install(version)
    patches = Patches(vendor.provider)
    assert patches.supported() is supported
    assert (patches.note is None) is supported
    patches.install()
    module = vendor.load()
    state = patches.states()[f"{vendor.module}:Client.create"]
    assert state == ("patched" if supported else "unsupported")
    patches.remove()
    assert originals(module)["Client.create"] is inspect.unwrap(module.Client.create)
    if not supported:
        assert patches.note == (
            f"{vendor.name} {version} is installed, clearspan needs 1.2 or newer: pip install -U {vendor.name}"
        )


def test_a_note_goes_with_its_reason(vendor: Vendor) -> None:
    patches = Patches(vendor.provider)
    with mock.patch("clearspan.core.installed.version", return_value="0.1"):
        assert not patches.supported()
        assert patches.note is not None
    assert patches.supported()
    assert patches.note is None


def test_versions_are_read_from_metadata(vendor: Vendor) -> None:
    assert installed.version(vendor.name) is None
    vendor.install("2.5")
    assert installed.version(vendor.name) == "2.5"
    assert not vendor.loaded


# -- what the host may do with patched objects ----------------------------------------------------


def test_F24_mocks_made_after_a_patched_class_work(vendor: Vendor) -> None:
    module = vendor.load()
    with captured(providers=[vendor.provider]) as seen:
        spec = mock.MagicMock(spec=module.Client)
        spec.create(model="m", prompt="x")
        spec.create.assert_called_once_with(model="m", prompt="x")
        strict = mock.create_autospec(module.Client, instance=True)
        strict.create(model="m")
        with pytest.raises(TypeError):
            strict.create("positional")
        awaited = mock.AsyncMock(spec=module.Client)
        assert asyncio.run(awaited.astream(model="m")) is not None
        assert seen.spans == []


def test_F24_patched_methods_may_be_replaced_by_mocks(vendor: Vendor) -> None:
    module = vendor.load()
    raw = vars(module.Client)["create"]
    with captured(providers=[vendor.provider]) as seen:
        ours = vars(module.Client)["create"]
        with mock.patch.object(module.Client, "create", return_value="mocked") as create:
            assert module.Client().create(model="m") == "mocked"
            create.assert_called_once_with(model="m")
        assert vars(module.Client)["create"] is ours
        assert seen.spans == []
    assert vars(module.Client)["create"] is raw


def test_F22_a_method_that_is_put_back_by_hand_is_the_one_that_was_there(vendor: Vendor) -> None:
    module = vendor.load()
    with captured(providers=[vendor.provider]) as seen:
        before = module.Client.create
        module.Client.create = lambda self, **given: {"text": "replaced"}
        assert module.Client().create(model="m")["text"] == "replaced"
        module.Client.create = before
        assert module.Client.create is before
        assert module.Client().create(model="m", prompt="a")["text"] == "A"
        assert [span.name for span in seen.spans] == ["chat m"]


def test_F24_a_patched_method_called_on_a_mock(vendor: Vendor) -> None:
    module = vendor.load()
    with captured(providers=[vendor.provider]) as seen:
        stand_in = mock.MagicMock()
        module.Client.create(stand_in, model="m", prompt="a")
        module.Client.create(self=stand_in, model="m", prompt="a")
        assert [span.name for span in seen.spans] == ["chat m"] * 2


def test_F39_clients_and_their_methods_are_copied_and_pickled_as_before(vendor: Vendor) -> None:
    module = vendor.load()
    with captured(providers=[vendor.provider]) as seen:
        client = module.Client()
        client.mark = "original"
        agent = {"client": client, "ask": client.create}
        copied = copy.deepcopy(agent)
        assert copied["ask"].__self__ is copied["client"]
        copied["client"].mark = "copy"
        assert client.mark == "original"
        copied["ask"](model="m")
        copied["client"].create(model="m")
        pickle.loads(pickle.dumps(client.create))(model="m")
        assert len(seen.spans) == 3


def test_classes_may_be_derived_and_methods_overridden(vendor: Vendor) -> None:
    module = vendor.load()
    with captured(providers=[vendor.provider]) as seen:

        class Own(module.Client):  # type: ignore[misc, name-defined]
            host = "own.example"

            def create(self, **given: Any) -> Any:
                return super().create(**given)["text"]

        assert Own().create(model="m", prompt="a") == "A"
        (span,) = seen.spans
        assert span.attributes[sc.SERVER_ADDRESS] == "own.example"


# -- failures of ours -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "part",
    ["server", "request", "response", "chunk", "model", "wanted", "probe", "finish", "error"],
)
def test_F33_a_reader_that_fails_leaves_the_call_alone(
    part: str, vendor: Vendor, lenient: None
) -> None:
    from dataclasses import replace

    def fail(*given: object) -> Any:
        raise RuntimeError("broken")

    provider = vendor.provider
    if part in ("server", "finish", "error"):
        provider = replace(provider, **{part: fail})
    elif part == "probe":
        provider = replace(provider, probes=(replace(provider.probes[0], read=fail),))
    else:
        endpoints = tuple(replace(endpoint, **{part: fail}) for endpoint in provider.endpoints)
        provider = replace(provider, endpoints=endpoints)
    fence.reset()
    module = vendor.load()
    client = module.Client()
    with captured(providers=[provider]) as seen:
        assert client.create(model="m", prompt="a") == {
            "id": "r-1", "model": "m", "text": "A", "more": {},
        }  # fmt: skip
        assert list(client.create(model="m", prompt="ab", stream=True)) == ["a", "b"]
        assert asyncio.run(client.acreate(model="m", prompt="b"))["text"] == "B"
        with pytest.raises(LookupError):
            client.create(model="m", prompt="fail")
        recorded = 0 if part in ("server", "model", "wanted") else 4
        assert len(seen.spans) == recorded
        assert seen.open_calls == 0
        assert seen.accounts.pending == 0
    assert sum(fence.failures().values()) >= 1
    fence.reset()


def test_F33_a_call_that_cannot_be_guarded_goes_its_way(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch, lenient: None
) -> None:
    def fail(*given: object) -> Any:
        raise RuntimeError("broken")

    client = vendor.load().Client()
    with captured(providers=[vendor.provider]) as seen:
        with monkeypatch.context() as broken:
            broken.setattr(guarding, "around", fail)
            broken.setattr(wardens.place, "current", object())
            assert client.create(model="m", prompt="a")["text"] == "A"
            assert asyncio.run(client.acreate(model="m", prompt="b"))["text"] == "B"
            with pytest.raises(LookupError, match="no such model"):
                client.create(model="m", prompt="fail")
        assert fence.failures() == {"patching.guard": 3}
        assert len(seen.spans) == 3


def test_F33_arguments_that_cannot_be_copied(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch, lenient: None
) -> None:
    from clearspan.core.copying import Copier

    def fail(*given: object) -> None:
        raise RuntimeError("dictionary changed size during iteration")

    fence.reset()
    module = vendor.load()
    with captured(providers=[vendor.provider]) as seen:
        monkeypatch.setattr(Copier, "of", fail)
        assert module.Client().create(model="m", prompt="a")["text"] == "A"
        (span,) = seen.spans
        assert seen.open_calls == 0
    assert span.attributes[sc.RESPONSE_ID] == "r-1"
    assert fence.failures() == {"recording.snapshot": 1}
    fence.reset()


def test_F30_the_request_is_what_it_was_at_the_call(vendor: Vendor) -> None:
    seen_by_reader: list[Any] = []
    release = threading.Event()

    def late(draft: Any, call: Any) -> None:
        release.wait(30)
        seen_by_reader.append((call.kwargs["messages"], call.kwargs["options"]))

    from dataclasses import replace

    endpoints = tuple(replace(endpoint, request=late) for endpoint in vendor.provider.endpoints)
    module = vendor.load()
    with captured(count_tokens="off", providers=[vendor.changed(endpoints=endpoints)]) as seen:
        messages, options = [{"parts": ["a"]}], {"a": {"b": ["c"]}}
        answer = module.Client().create(model="m", messages=messages, options=options)
        assert answer["more"]["messages"] is messages
        assert answer["more"]["options"] is options
        messages[0]["parts"].append("later")
        options["later"] = {}
        release.set()
        assert len(seen.spans) == 1
    assert seen_by_reader == [([{"parts": ["a"]}], {"a": {"b": ["c"]}})]
    assert (messages, options) == ([{"parts": ["a", "later"]}], {"a": {"b": ["c"]}, "later": {}})


def test_a_call_that_is_not_wanted_is_not_recorded(vendor: Vendor) -> None:
    from dataclasses import replace

    endpoints = tuple(
        replace(endpoint, wanted=lambda call: call.kwargs.get("prompt") != "skip")
        for endpoint in vendor.provider.endpoints
    )
    module = vendor.load()
    with captured(providers=[vendor.changed(endpoints=endpoints)]) as seen:
        module.Client().create(model="m", prompt="skip")
        module.Client().create(model="m", prompt="keep")
        assert len(seen.spans) == 1


@pytest.mark.parametrize("model", [None, "", 3, mock.MagicMock()])
def test_a_model_that_is_no_name_is_absent(model: Any, vendor: Vendor) -> None:
    module = vendor.load()
    with captured(providers=[vendor.provider]) as seen:
        module.Client().create(model=model)
        (span,) = seen.spans
    assert span.name == "chat"
    assert sc.REQUEST_MODEL not in span.attributes


def test_F64_unsampled_calls_copy_and_read_no_request(vendor: Vendor) -> None:
    from dataclasses import replace

    asked: list[str] = []

    def note(draft: Any, call: Any) -> None:
        asked.append("request")

    endpoints = tuple(replace(endpoint, request=note) for endpoint in vendor.provider.endpoints)
    module = vendor.load()
    with captured(providers=[vendor.changed(endpoints=endpoints)], sample_rate=0) as seen:
        with mock.patch("clearspan.core.copying.Copier.of") as snapshot:
            module.Client().create(model="m", prompt="a")
            assert list(module.Client().create(model="m", prompt="ab", stream=True)) == ["a", "b"]
        assert seen.spans == []
        assert snapshot.call_count == 0
        points = seen.metrics[sc.METRIC_OPERATION_DURATION]
        assert sum(point["count"] for point in points) == 2
    assert asked == []


def test_suppressed_calls_are_not_recorded(vendor: Vendor) -> None:
    module = vendor.load()
    with captured(providers=[vendor.provider]) as seen:
        with clearspan.suppressed():
            module.Client().create(model="m")
            assert list(module.Client().create(model="m", prompt="a", stream=True)) == ["a"]
        assert seen.spans == []


def test_a_stream_that_follow_takes_over_is_handed_on_as_it_is(vendor: Vendor) -> None:
    from dataclasses import replace

    def follow(result: Any, tap: Any) -> bool:
        if not isinstance(result, dict):
            return False
        tap.watch(holders[0])
        return True

    class Holder:
        pass

    holders = [Holder()]
    endpoints = tuple(replace(endpoint, follow=follow) for endpoint in vendor.provider.endpoints)
    module = vendor.load()
    with captured(providers=[vendor.changed(endpoints=endpoints)]) as seen:
        answer = module.Client().create(model="m")
        assert type(answer) is dict
        assert (seen.spans, seen.open_calls) == ([], 1)
        assert list(module.Client().create(model="m", prompt="a", stream=True)) == ["a"]
        holders.clear()
        gc.collect()
        assert [record.outcome for record in seen.invocations] == [
            Outcome.COMPLETED, Outcome.ABANDONED,
        ]  # fmt: skip


def test_current_knows_a_streams_response(vendor: Vendor) -> None:
    module = vendor.load()
    from dataclasses import replace

    def told(draft: Any, item: Any) -> None:
        draft.response_id = "s-1"
        draft.text(item)

    endpoints = tuple(replace(endpoint, chunk=told) for endpoint in vendor.provider.endpoints)
    with captured(providers=[vendor.changed(endpoints=endpoints)]) as seen:
        list(module.Client().create(model="m", prompt="a", stream=True))
        assert len(seen.spans) == 1
        assert clearspan.current().response_id == "s-1"
        module.Client().create(model="m")
        assert clearspan.current().response_id == "r-1"
