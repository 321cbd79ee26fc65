"""Labels with texts beside, on terminals of every width: nothing is ever cut off."""

from __future__ import annotations

import pytest
from rich.console import Console
from rich.text import Text

from clearspan.cli.screen import Rows

LONG = "metric points, OTLP http/protobuf http://collector.example.org:4318 through the spool /var/lib/shop/spool.db"
SAID = "46 created, 0 exported, 46 stored"


def drawn(width: int, *rows: tuple[str, str]) -> list[str]:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(Rows([(Text(label), Text(said)) for label, said in rows]))
    return capture.get().splitlines()


def test_texts_stand_beside_their_labels() -> None:
    assert drawn(80, ("a", "one"), ("longer", "two")) == ["  a       one", "  longer  two"]


@pytest.mark.parametrize("width", [4, 10, 24, 40, 80, 120])
def test_all_of_it_is_there_however_long_a_label(width: int) -> None:
    lines = drawn(width, ("spans", SAID), (LONG, SAID))
    assert "".join("".join(lines).split()) == "".join(f"spans{SAID}{LONG}{SAID}".split())
    assert all(len(line) <= width and line == line.rstrip() for line in lines)


def test_a_long_label_takes_no_room_from_the_others() -> None:
    lines = drawn(80, ("spans", SAID), (LONG, SAID))
    assert lines[0].split() == f"spans {SAID}".split()
    assert lines[-1].strip() == SAID
    assert lines[0].index("46") == lines[-1].index("46") == 40
