from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from clearspan import registry
from clearspan.provider import Endpoint, Provider, Server
from tests.cli.conftest import Command, Process, record, shop, traces

SECRET = "Bearer of-very-secret-news"


def examined(call: Command, *words: str, code: int = 0) -> dict[str, Any]:
    result = call("doctor", "--json", *words)
    assert result.exit_code == code, result.output
    assert result.stderr == ""
    found: dict[str, Any] = json.loads(result.stdout)
    assert found["ok"] is (code == 0)
    return found


def test_all_is_well_and_the_test_span_is_stored(call: Command, place: Path) -> None:
    report = examined(call)
    assert report["problems"] == []
    assert report["sent"] == {"state": "delivered", "reason": None}
    assert report["destination"] == f"store {place / '.clearspan' / 'clearspan.db'}"
    assert report["content"] == "full"
    assert (report["store"]["state"], report["store"]["counts"]["spans"]) == ("healthy", 1)
    assert report["status"]["accounts"] == {
        "created": 1, "exported": 0, "stored": 1, "dropped": {}, "pending": 0,
    }  # fmt: skip
    assert [trace["name"] for trace in traces(call)] == ["clearspan doctor"]


def test_versions_and_patches_are_told(call: Command) -> None:
    from importlib.metadata import version

    report = examined(call, "--no-send")
    for name in ("clearspan", "opentelemetry-api", "opentelemetry-sdk", "wrapt"):
        assert report["versions"][name] == version(name)
    [client] = [each for each in report["libraries"] if each["name"] == "openai"]
    assert (client["version"], client["state"], client["note"]) == (
        version("openai"),
        "patched",
        None,
    )
    places = "openai.resources.chat.completions.completions"
    assert client["targets"][f"{places}:Completions.create"] == "patched"
    assert set(client["targets"].values()) <= {"patched", "absent"}


def test_it_leaves_nothing_patched(call: Command) -> None:
    from openai.resources.chat.completions import Completions

    before = vars(Completions)["create"]
    examined(call)
    assert vars(Completions)["create"] is before


def test_without_sending_nothing_is_written(call: Command, place: Path) -> None:
    report = examined(call, "--no-send")
    assert report["sent"]["state"] == "skipped"
    assert report["store"]["state"] == "absent"
    assert list(place.iterdir()) == []


def test_the_text_says_the_same(call: Command, place: Path) -> None:
    record("runs.db", shop)
    result = call("doctor", "--store", "runs.db")
    assert result.exit_code == 0
    said = " ".join(result.stdout.split())
    for part in (
        "Versions python 3.",
        "store 'runs.db' from argument store",
        "endpoint not set",
        "✓ openai ",
        "places patched",
        f"store {place / 'runs.db'}, content full",
        "✓ a test span arrived",
        "is healthy: 3 traces, 6 spans, ",
        "spans 1 created, 0 exported, 1 stored, 0 pending, dropped 0",
        "clearspan-metrics 0 of 8 places clearspan-events 0 of 16,384 places, 0 bytes of 32MiB",
        "internal errors none",
        "✓ all is well",
    ):
        assert part in said, part
    assert all(line == line.rstrip() for line in result.stdout.splitlines())


def test_settings_come_with_their_origin(call: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARSPAN_CONTENT", "metadata")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    rows = {row["name"]: row for row in examined(call, "--no-send", "--store", "s.db")["settings"]}
    assert rows["content"] == {
        "name": "content",
        "value": "'metadata'",
        "origin": "CLEARSPAN_CONTENT",
    }
    assert rows["service_name"]["origin"] == "OTEL_SERVICE_NAME"
    assert rows["store"]["origin"] == "argument store"
    assert rows["max_age"] == {"name": "max_age", "value": "None", "origin": "default"}
    assert "tracer_provider" not in rows


def test_a_misspelt_variable_fails_the_check(
    call: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEARSPAN_CONTNET", "off")
    said = "nothing reads the variable CLEARSPAN_CONTNET (did you mean CLEARSPAN_CONTENT?)"
    assert examined(call, "--no-send", code=1)["problems"] == [said]
    monkeypatch.setenv("CLEARSPAN_CONTENT", "loud")
    first, second = examined(call, "--no-send", code=1)["problems"]
    assert (first, "'loud'" in second) == (said, True)


def test_a_setting_that_changes_nothing_is_noted(
    call: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEARSPAN_SPOOL_AGE", "1d")
    report = examined(call, "--no-send")
    assert report["notes"] == ["spool_age changes nothing without spool"]
    [row] = [each for each in report["settings"] if each["name"] == "spool_age"]
    assert row["value"] == "1d"


def test_a_bad_setting_fails_the_check_and_the_rest_is_still_told(
    call: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEARSPAN_CONTENT", "loud")
    report = examined(call, code=1)
    assert report["problems"] == [
        "CLEARSPAN_CONTENT = 'loud': use one of off, metadata, redacted, full"
    ]
    assert report["versions"]["clearspan"]
    assert [each["name"] for each in report["libraries"]] == registry.names(registry.PROVIDERS)
    text = call("doctor")
    assert text.exit_code == 1
    assert "✗  CLEARSPAN_CONTENT = 'loud'" in text.stdout


def test_switched_off_is_told_and_no_failure(
    call: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEARSPAN_DISABLED", "1")
    report = examined(call)
    assert report["notes"] == ["clearspan is switched off, so nothing is recorded"]
    assert list(place.iterdir()) == []
    assert "switched off" in call("doctor").stdout


def test_a_span_that_the_sampler_leaves_out_is_no_failure(
    call: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEARSPAN_SAMPLE_RATE", "0")
    assert examined(call)["sent"]["state"] == "unsampled"
    assert "sample_rate" in call("doctor").stdout


# -- the destination ------------------------------------------------------------------------------


class Receiver:
    """An OTLP receiver that answers each path with a status of the test's choice."""

    def __init__(self, statuses: dict[str, int]) -> None:
        paths = self.paths = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                paths.append(self.path)
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(statuses.get(self.path, 200))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                del args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, int]], Receiver]]:
    started: list[Receiver] = []

    def start(statuses: dict[str, int]) -> Receiver:
        started.append(Receiver(statuses))
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", started[-1].url)
        monkeypatch.setenv(
            "OTEL_EXPORTER_OTLP_HEADERS", f"authorization={SECRET.replace(' ', '%20')}"
        )
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        return started[-1]

    yield start
    for each in started:
        each.close()


def test_a_receiver_that_answers_is_a_destination(
    call: Command, place: Path, receiver: Any
) -> None:
    running = receiver({})
    report = examined(call)
    assert report["sent"]["state"] == "delivered"
    assert report["destination"] == f"OTLP http/protobuf {running.url}"
    assert report["store"] is None
    assert "/v1/traces" in running.paths
    assert list(place.iterdir()) == []


def test_a_receiver_that_refuses_fails_the_check(call: Command, receiver: Any) -> None:
    running = receiver(dict.fromkeys(("/v1/traces", "/v1/metrics"), 404))
    report = examined(call, code=1)
    assert report["sent"]["state"] == "failed"
    [problem] = report["problems"]
    assert running.url in problem
    assert "404" in problem
    assert "base address" in problem
    assert "metrics" not in problem


def test_what_is_said_of_metrics_is_said_where_spans_arrive(call: Command, receiver: Any) -> None:
    receiver({"/v1/metrics": 404})
    [problem] = examined(call, code=1)["problems"]
    assert "it was delivered, but not everything was: " in problem
    assert "metrics" in problem


def test_a_signal_that_the_environment_turns_off_is_named(
    call: Command, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver({})
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    report = examined(call, code=1)
    assert report["problems"][0].endswith(
        "no_destination; OTEL_TRACES_EXPORTER=none turns spans off"
    )
    assert report["environment"]["OTEL_TRACES_EXPORTER"] == "none"


def test_at_eighty_columns_nothing_is_cut_off(
    call: Command, place: Path, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = receiver({})
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("CLEARSPAN_SPOOL", "true")
    monkeypatch.setenv("CLEARSPAN_STORE", "runs.db")
    said = call("doctor").stdout
    assert max(map(len, said.splitlines())) <= 80
    process = "".join(said[said.index("This process") :].split())
    for part in (
        "spans1created,1exported,0stored,0pending,dropped0",
        f"metricpointstoOTLPhttp/protobuf{running.url},throughthespool{place}/.clearspan/spool.db:",
        f"eventstostore{place}/runs.db:",
        f"spool{place}/.clearspan/spool.db;",
        "internalerrorsnone",
    ):
        assert part in process, part


def test_a_receiver_that_is_not_there_fails_the_check(start: Process, receiver: Any) -> None:
    running = receiver({})
    running.close()
    done = start("doctor", "--timeout", "0.5", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["ok"]) == (1, False)
    assert report["sent"]["state"] in ("pending", "failed")
    assert running.url in report["problems"][0]


def test_headers_and_keys_are_never_printed(
    call: Command, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = receiver({})
    monkeypatch.setenv("CLEARSPAN_ENDPOINT", running.url)
    monkeypatch.setenv("CLEARSPAN_HEADERS", "x-api-key=a-second-secret")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "no list but a-third-secret")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CLIENT_KEY", "a-fourth-secret")
    monkeypatch.setenv("CLEARSPAN_ATTRIBUTES", "team=a,key=sk-0123456789abcdef0123456789abcdef")
    nobody = "127.0.0.1:4318"
    for words, place in ([], running.url.removeprefix("http://")), (["--json"], nobody):
        monkeypatch.setenv(
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", f"http://user:a-fifth-secret@{place}/v1/metrics"
        )
        said = call("doctor", *words).stdout
        assert "secret" not in said.replace("[secret]", "")
        assert "sk-0123" not in said
        assert "x-api-key" in said
        assert "authorization" in said


@pytest.mark.parametrize("problem", ["damaged", "no folder"])
def test_a_store_that_cannot_be_used_fails_the_check(
    call: Command, place: Path, problem: str
) -> None:
    path = place / ("s.db" if problem == "damaged" else "no/folder/s.db")
    if problem == "damaged":
        path.write_bytes(b"this is no database" * 100)
    report = examined(call, "--store", str(path), code=1)
    assert str(path) in report["problems"][0]


def test_a_broken_store_beside_another_destination_is_told(
    call: Command, store: Path, receiver: Any
) -> None:
    receiver({})
    store.write_bytes(b"this is no database" * 100)
    report = examined(call, code=1)
    assert report["sent"]["state"] == "delivered"
    assert report["store"]["state"] == "broken"
    assert report["problems"] == [report["store"]["problem"]]


def test_files_set_aside_as_damaged_are_named(call: Command, place: Path) -> None:
    record("s.db", shop)
    aside = place / "s.db.corrupt-20260101T000000Z"
    aside.write_bytes(b"")
    assert examined(call, "--store", "s.db")["store"]["set_aside"] == [str(aside)]
    assert aside.name in call("doctor", "--store", "s.db").stdout.replace("\n", "").replace(" ", "")


# -- libraries ------------------------------------------------------------------------------------


def library(
    monkeypatch: pytest.MonkeyPatch, name: str, distribution: str, minimum: str, *targets: str
) -> None:
    def read(*given: object) -> None:
        del given

    provider = Provider(
        name, distribution, minimum,
        (Endpoint("chat", targets, read, read),), server=lambda client: Server(name),
    )  # fmt: skip
    monkeypatch.setitem(registry._added, (registry.PROVIDERS, name), provider)


def found(report: dict[str, Any], name: str) -> dict[str, Any]:
    [only] = [each for each in report["libraries"] if each["name"] == name]
    return only


def test_a_version_that_is_too_old_names_the_remedy(
    call: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    library(monkeypatch, "oldlib", "click", "999", "click.utils:echo")
    report = examined(call, "--no-send")
    assert found(report, "oldlib")["state"] == "unsupported"
    assert "pip install -U click" in found(report, "oldlib")["note"]
    assert report["notes"] == [found(report, "oldlib")["note"]]
    said = " ".join(call("doctor", "--no-send").stdout.split())
    assert "oldlib" in said
    assert "needs 999 or newer" in said


def test_a_library_that_is_not_installed_is_no_failure(
    call: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    library(monkeypatch, "nolib", "no-such-distribution-at-all", "1", "nolib:Client.ask")
    about = found(examined(call, "--no-send"), "nolib")
    assert (about["state"], about["version"]) == ("not installed", None)
    assert "not installed" in call("doctor", "--no-send").stdout


def test_a_library_that_the_settings_leave_out_is_off(
    call: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    library(monkeypatch, "other", "click", "1", "click.utils:echo")
    monkeypatch.setenv("CLEARSPAN_PROVIDERS", "openai")
    about = found(examined(call, "--no-send"), "other")
    assert about["state"] == "off"
    assert "providers" in about["note"]


def test_what_this_version_lacks_is_absent(call: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    library(
        monkeypatch, "newlib", "click", "1",
        "click.utils:make_str", "click.utils:no_such_function", "click.no_such_module:Client.ask",
    )  # fmt: skip
    assert found(examined(call, "--no-send"), "newlib")["targets"] == {
        "click.utils:make_str": "patched",
        "click.utils:no_such_function": "absent",
        "click.no_such_module:Client.ask": "absent",
    }
    said = " ".join(call("doctor", "--no-send").stdout.split())
    assert "newlib" in said
    assert "click.utils (1), click.no_such_module (1)" in said


@pytest.mark.parametrize("text", ["raise RuntimeError('bad build')", "import no_such_dependency"])
def test_a_library_that_cannot_be_imported_fails_the_check(
    call: Command, place: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    name = f"clearspan_broken_{len(text)}"
    (place / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(place))
    library(monkeypatch, "broken", "click", "1", f"{name}:Client.ask")
    report = examined(call, "--no-send", code=1)
    assert found(report, "broken")["state"] == "broken"
    assert text.rsplit(maxsplit=1)[-1].strip("')") in report["problems"][0]


def test_a_provider_that_cannot_be_loaded_fails_the_check(
    call: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    information = place / "strange-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[clearspan.providers]\nstrange = no_such_module:provider\n"
    )
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.delenv("CLEARSPAN_STRICT")
    report = examined(call, "--no-send", code=1)
    assert found(report, "strange")["state"] == "broken"
    assert "no_such_module" in report["problems"][0]
