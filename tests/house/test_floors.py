"""Who may import whom. import-linter holds the same floors; this says it in one table."""

from __future__ import annotations

import pytest

from tests.house.tree import Import, imports, internal_imports, listed, modules

FLOORS = {
    6: ("__init__", "__main__", "cli", "offline", "web", "otel", "testing"),
    5: ("runtime",),
    4: ("capture", "providers", "internals"),
    3: ("pipeline", "stages", "provider", "formats", "evaluators", "guards", "judges", "monitors"),
    2: ("draft", "said", "emit", "figures", "assess", "exporters", "samplers"),
    1: (
        "record",
        "choice",
        "conversation",
        "pace",
        "policy",
        "response",
        "score",
        "semconv",
        "settings",
        "registry",
        "core",
    ),
}
FLOOR = {room: floor for floor, rooms in FLOORS.items() for room in rooms}
SHELVES = ("providers", "evaluators", "judges", "exporters", "samplers", "monitors")
# A room may not know these although they lie below it or beside it.
STRANGERS = {
    "capture": ("pipeline", "emit", "assess", "providers", "internals"),
    "providers": ("pipeline", "emit", "assess", "capture", "internals"),
    "internals": ("pipeline", "emit", "assess", "capture", "providers"),
    "emit": ("assess", "figures"),
    "assess": ("emit", "figures"),
    "figures": ("emit", "assess", "exporters"),
}
# The doors read what the store wrote, and draw it: its reader and the renderer are no plug-ins.
READABLE = ("exporters.store", "exporters.console")
TELEMETRY = (
    "emit.telemetry",
    "emit.boards",
    "emit.promised",
    "emit.quiet",
    "emit.tally",
    "exporters",
    "runtime",
    "otel",
    "testing",
)
VENDORS = (
    "amdsmi",
    "genai_prices",
    "httpx",
    "httpx2",
    "huggingface_hub",
    "ollama",
    "openai",
    "psutil",
    "pynvml",
    "tiktoken",
    "torch",
    "transformers",
)


def room(module: str) -> str:
    """The first name under the package: `clearspan.core.read` stands in `core`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def shelf_file(module: str) -> str | None:
    """`providers.openai` for a module of that shelf file, None for all that is no shelf file."""
    parts = module.split(".")
    return ".".join(parts[1:3]) if len(parts) > 2 and parts[1] in SHELVES else None


def crossing_rooms() -> list[Import]:
    return [found for found in internal_imports() if room(found.importer) != room(found.target)]


def test_the_table_knows_every_room() -> None:
    assert {room(name) for name in modules()} <= set(FLOOR)


def test_imports_go_down_only() -> None:
    upward = [
        found
        for found in crossing_rooms()
        if FLOOR[room(found.target)] > FLOOR[room(found.importer)]
    ]
    assert not upward, listed(upward)


def test_rooms_that_must_not_know_each_other_do_not() -> None:
    met = [
        found
        for found in crossing_rooms()
        if room(found.target) in STRANGERS.get(room(found.importer), ())
    ]
    assert not met, listed(met)


def test_nothing_imports_a_shelf_file_by_name() -> None:
    named = [
        found
        for found in internal_imports()
        if (target := shelf_file(found.target))
        and target != shelf_file(found.importer)
        and not (FLOOR[room(found.importer)] == 6 and target in READABLE)
        and not (found.for_types_only and found.importer == f"clearspan.{room(found.target)}")
    ]
    assert not named, listed(named)


def test_there_is_no_circle() -> None:
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for found in internal_imports():
        if found.at_module_level and found.target != found.importer:
            graph[found.importer].add(found.target)
    while leaves := {name for name, targets in graph.items() if not targets & graph.keys()}:
        for name in leaves:
            del graph[name]
    # What is left after taking away everything that ends somewhere runs in circles.
    assert not graph, listed(sorted(graph))


def test_opentelemetry_is_imported_only_where_it_is_spoken() -> None:
    allowed = tuple(f"clearspan.{place}" for place in TELEMETRY)
    elsewhere = [
        found
        for found in imports()
        if found.target.split(".")[0] == "opentelemetry"
        and not any(found.importer == a or found.importer.startswith(f"{a}.") for a in allowed)
    ]
    assert not elsewhere, listed(elsewhere)


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_vendor_package_is_imported_at_module_level(vendor: str) -> None:
    eager = [
        found
        for found in imports()
        if found.at_module_level and found.target.split(".")[0] == vendor
    ]
    assert not eager, listed(eager)
