"""Which devices a process sees, by the variables that CUDA reads."""

from __future__ import annotations

import pytest

from clearspan.samplers.nvml.visible import Unit, visible

A, B, C = (Unit(f"GPU-{name}", "H100", None) for name in ("a1b2", "a1c3", "d4e5"))
THREE = (A, B, C)
ORDER = "CUDA_DEVICE_ORDER"


def ids(units: tuple[Unit, ...] | None) -> list[str] | None:
    return None if units is None else [unit.id.removeprefix("GPU-") for unit in units]


def seen(listed: str, **environ: str) -> list[str] | None:
    return ids(visible(THREE, {"CUDA_VISIBLE_DEVICES": listed, **environ}))


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("0,1,2", ["a1b2", "a1c3", "d4e5"]),
        ("2,0", ["d4e5", "a1b2"]),
        (" 1 , 2 ", ["a1c3", "d4e5"]),
        ("+1", ["a1c3"]),
        ("1x,2", ["a1c3", "d4e5"]),
        # What is no number ends the list, and so does one that no device has.
        ("0,7,1", ["a1b2"]),
        ("0,-1,1", ["a1b2"]),
        ("0,no,1", ["a1b2"]),
        ("0,,1", ["a1b2"]),
        ("7", []),
        ("-1", []),
        ("", []),
        ("none", []),
        ("NoDevFiles", []),
        ("0,1,0", []),
    ],
)
def test_by_number(listed: str, expected: list[str]) -> None:
    assert seen(listed) == expected


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("GPU-d4e5,GPU-a1b2", ["d4e5", "a1b2"]),
        ("GPU-d", ["d4e5"]),
        ("GPU-a1c, GPU-d4", ["a1c3", "d4e5"]),
        # One that is not certain, is none, or names nothing ends the list.
        ("GPU-d4e5,GPU-a1,GPU-a1b2", ["d4e5"]),
        ("GPU-a1b2,GPU-ff", ["a1b2"]),
        ("GPU-a1b2,1", ["a1b2"]),
        ("GPU-", []),
        ("GPU-d4e5,GPU-d", []),
    ],
)
def test_by_id(listed: str, expected: list[str]) -> None:
    assert seen(listed) == expected


def test_without_a_choice_all_are_seen() -> None:
    assert ids(visible(THREE, {})) == ["a1b2", "a1c3", "d4e5"]
    assert ids(visible((), {})) == []


@pytest.mark.parametrize("other", ["A100", ""])
def test_numbers_of_different_gpus_are_certain_by_bus_only(other: str) -> None:
    gpus = (A, Unit("GPU-ff", other, None))
    assert visible(gpus, {}) is None
    assert visible(gpus, {"CUDA_VISIBLE_DEVICES": "1"}) is None
    assert visible(gpus, {ORDER: "FASTEST_FIRST"}) is None
    assert ids(visible(gpus, {ORDER: "PCI_BUS_ID"})) == ["a1b2", "ff"]
    assert ids(visible(gpus, {"CUDA_VISIBLE_DEVICES": "1", ORDER: "PCI_BUS_ID"})) == ["ff"]
    assert ids(visible(gpus, {"CUDA_VISIBLE_DEVICES": "GPU-ff"})) == ["ff"]
    assert ids(visible(gpus, {"CUDA_VISIBLE_DEVICES": "-1"})) == []


def test_numbers_are_not_certain_where_a_gpu_could_not_be_looked_at() -> None:
    assert visible(THREE, {}, whole=False) is None
    assert visible(THREE, {"CUDA_VISIBLE_DEVICES": "0"}, whole=False) is None
    assert ids(visible(THREE, {"CUDA_VISIBLE_DEVICES": "GPU-d"}, whole=False)) == ["d4e5"]


def slices(gpu: str, *names: str) -> Unit:
    parts = tuple(Unit(name, "H100 MIG", None, gpu) for name in names)
    return Unit(gpu, "H100", None, None, parts, sliced=True)


def test_a_slice_is_named_by_its_id() -> None:
    gpus = (slices("GPU-1", "MIG-1a", "MIG-1b"), A)
    for listed in ("MIG-1b", "MIG-1b,1", " MIG-1b"):
        assert ids(visible(gpus, {"CUDA_VISIBLE_DEVICES": listed})) == ["MIG-1b"]
    assert ids(visible(gpus, {"CUDA_VISIBLE_DEVICES": "MIG-1"})) == []


def test_of_slices_only_a_single_one_is_certain_by_number() -> None:
    assert ids(visible((slices("GPU-1", "MIG-1a"),), {})) == ["MIG-1a"]
    assert visible((slices("GPU-1", "MIG-1a", "MIG-1b"),), {}) is None
    assert visible((slices("GPU-1", "MIG-1a"), A), {}) is None
    assert visible((slices("GPU-1", "MIG-1a"),), {"CUDA_VISIBLE_DEVICES": "0"}) is None
