"""`clearspan run`: a Python program, recorded without changing it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from clearspan.cli.failure import Failure, Misuse
from clearspan.core import parse
from clearspan.settings import SETTINGS, Setting, SettingError, load

__all__ = ["command"]

F = TypeVar("F", bound=Callable[..., Any])

BOOTSTRAP: Final = Path(__file__).with_name("bootstrap")
"""Holds the `sitecustomize` that starts clearspan in the program and in the ones it starts."""
# What headers hold is secret, and everybody on a machine can read command lines.
_NO_OPTION: Final = ("headers", "disabled")
_OFFERED: Final = tuple(
    setting for setting in SETTINGS if setting.variable and setting.name not in _NO_OPTION
)


_METAVARS: Final[Mapping[Callable[[Any], Any], str]] = {
    parse.flag: "true|false",
    parse.spool: "true|FILE",
}
"""Of settings that look as if they needed no value, what they take."""


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _settings(function: F) -> F:
    """An option for every setting that has a variable."""
    for setting in reversed(_OFFERED):
        function = click.option(
            _option(setting.name), setting.name,
            metavar=_METAVARS.get(setting.parse, "VALUE"), help=f"{_note(setting)}  [${setting.variable}]",
        )(function)  # fmt: skip
    return function


def _note(setting: Setting) -> str:
    return (setting.note[0].upper() + setting.note[1:]).replace("`", "")


@click.command(
    context_settings={"allow_interspersed_args": False},
    epilog="""\b
Examples:
  clearspan run app.py --its-own-option
  clearspan run --store runs.db --content metadata app.py
  clearspan run -m pytest tests""",
    short_help="Run a Python program and record it, without changing it.",
    options_metavar="[OPTIONS]",
)
@click.option("-m", "as_module", is_flag=True, help="PROGRAM is a module: as `python -m PROGRAM`.")
@_settings
@click.pass_context
@click.argument("program", metavar="PROGRAM", required=False)
@click.argument("arguments", metavar="[ARGUMENTS]...", nargs=-1, type=click.UNPROCESSED)
def command(
    ctx: click.Context,
    /,
    as_module: bool,  # noqa: FBT001 -- click passes options by name
    program: str | None,
    arguments: tuple[str, ...],
    **options: str | None,
) -> None:
    """Run PROGRAM as `python PROGRAM` would, with everything recorded that clearspan knows.

    The Python programs that it starts are recorded too. Options go before PROGRAM; all that
    follows it is the program's own.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if program is None:
        raise click.UsageError(f"Missing argument 'PROGRAM'.{_eaten(given)}", ctx)
    environment = _environment(given, _files(given))
    if not sys.executable:
        raise Failure("Python does not say where it lies; start it by its full path")
    words = [sys.executable, *(["-m"] if as_module else []), program, *arguments]
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":
        # There a replaced process loses its console; a child keeps it.
        raise SystemExit(_supervised(words, environment))
    os.execve(words[0], words, environment)  # noqa: S606 -- running the user's program is the purpose


def _eaten(given: Mapping[str, str]) -> str:
    """Where PROGRAM may have gone: to an option that looks as if it took no value."""
    for setting in _OFFERED:
        if setting.name in given and setting.parse in _METAVARS:
            option, value = _option(setting.name), given[setting.name]
            return f" {option} takes a value, here {value!r}: write {option} true PROGRAM."
    return ""


def _files(given: Mapping[str, str]) -> dict[str, str]:
    """The variables that name the files which the program will write to, by their whole paths.

    The program may change its directory, and those that it starts may have others. What cannot work in the settings
    is said here, before it starts.
    """
    from clearspan.runtime import Runtime
    from clearspan.runtime.spooling import spool_file

    try:
        settings = load(given)
        path = Runtime(settings).status().destination_status.get("path")
    except SettingError as error:
        raise Misuse(re.sub(r"\bargument (\w+)", _as_option, str(error))) from error
    store = str(path) if path and not settings.exporters else settings.store
    spool = spool_file(settings.spool) if settings.spool else None
    named = {"CLEARSPAN_STORE": store, "CLEARSPAN_SPOOL": spool}
    return {name: str(Path(file).expanduser().absolute()) for name, file in named.items() if file}


def _as_option(match: re.Match[str]) -> str:
    return _option(match[1])


def _environment(given: Mapping[str, str], files: Mapping[str, str]) -> dict[str, str]:
    found = dict(os.environ)
    for setting in _OFFERED:
        if setting.name in given:
            found[str(setting.variable)] = given[setting.name]
    found.update(files)
    before = found.get("PYTHONPATH", "").split(os.pathsep)
    rest = [entry for entry in before if entry not in ("", str(BOOTSTRAP))]
    found["PYTHONPATH"] = os.pathsep.join([str(BOOTSTRAP), *rest])
    return found


def _supervised(words: list[str], environment: dict[str, str]) -> int:
    """Run as a child that gets the console's signals itself; answers its exit code."""
    with subprocess.Popen(words, env=environment) as child:  # noqa: S603 -- as above: the purpose
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue  # the child got it too, and decides
