"""The `andes` command, and how a distribution adds a subcommand to it.

`python -m andes_client` is the same command, for where `andes` is another program.

A subcommand is an entry point of the group `andes.commands`, in any distribution:

    [project.entry-points."andes.commands"]
    NAME = "package.module"

The module has a function `add_parser(subparsers)`. It calls `subparsers.add_parser("NAME", ...)`,
and sets that parser's default `run` to a function of the parsed arguments that returns an exit
status. A command that hands options on to another program sets the default `passes_on` to True
as well, and finds what it does not know itself in `arguments.passed_on`.

What a subcommand can rely on, and what it must do:

- `andes NAME` loads the module of NAME and no other.
- `andes --help` loads all of them, for their lines of help, and may call `add_parser` twice. So
  the module imports nothing heavy at its top, and `add_parser` does nothing else.
- A command that cannot be loaded ends with status 1 and one line on standard error: its name,
  its distribution, the error, and what to do. `andes --help` lists it as broken. No other command
  is affected.
- An unknown name ends with status 2 and the names that there are. Nothing is loaded.
- If several distributions offer one name, the command of andes-streaming runs; among others, the
  first distribution in alphabetical order. A line on standard error says so.
- If a command needs a module that is not installed, when it is loaded or while it runs, it ends
  with status 1 and a line that says what to install.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import (
    Distribution,
    EntryPoint,
    PackageNotFoundError,
    distributions,
    entry_points,
    version,
)
from itertools import groupby, takewhile
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NoReturn

from andes_client.terminal_text import displayable

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["main"]

_GROUP: Final = "andes.commands"
_OURS: Final = "andes-streaming"
_EXTRAS: Final = {
    "aiohttp": "demos",  # by way of textual-serve
    "platformdirs": "demos",
    "rich": "demos",
    "starlette": "demos",
    "textual": "demos",
    "textual_serve": "demos",
    "uvicorn": "demos",
    "httpx2": "http",
    "matplotlib": "bench",
    "numpy": "bench",
    "scipy": "bench",
}
"""By a module that our commands import: the extra of andes-streaming that installs it."""
_EXTRA_OF_ALL: Final = {"andes_demos": "demos", "andes_backend.lab": "bench"}
"""By a package of commands: the extra that installs all they need, so that one hint is enough."""


def main(argv: Sequence[str] | None = None, *, prog: str = "andes") -> NoReturn:
    """Run the command line; leaves by SystemExit.

    Args:
        argv: the words after the program's name; those of this process if None.
        prog: the program's name in help and messages.
    """
    _keep_closed()
    try:
        number = version(_OURS)
    except PackageNotFoundError:
        _say(
            f"{prog}: the distribution {_OURS} is not installed here, nor are its commands. "
            f"Install it with: pip install {_OURS}; from a checkout: pip install ."
        )
        sys.exit(1)
    try:
        status = _run(sys.argv[1:] if argv is None else list(argv), prog, number)
    except _BrokenCommandError as error:
        _say(f"{prog} {error}")
        status = 1
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


def _keep_closed() -> None:
    """A standard stream that is closed stays so: what is opened next would take its number, and
    get what is written to it."""
    for descriptor, useless in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, useless)  # to read from it, or to write to it, still fails


def _run(words: list[str], prog: str, number: str) -> int:
    """Load the command that is asked for, and run it; returns its exit status."""
    parser: argparse.ArgumentParser = _Parser(
        prog=prog, description="Streamed LLM text at the pace people read.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"andes {number}")
    parser.set_defaults(passes_on=False)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    commands = _commands(prog)
    before = list(takewhile(lambda word: word.startswith("-"), words))
    name = "".join(words[len(before) :][:1])
    if "--version" in before:
        pass  # argparse answers, and no command is needed
    elif not {"-h", "--help"}.isdisjoint(before):
        for command in commands.values():
            command.list_in(subparsers, prog)
    elif name in commands:
        commands[name].add_to(subparsers, prog)
    else:
        what = f"unknown command {name!r}" if name else "a command is missing"
        parser.error(f"{what}; the commands are: {', '.join(commands)}")

    arguments, passed_on = parser.parse_known_args(words)
    arguments.passed_on = passed_on
    if passed_on and not arguments.passes_on:
        parser.error(f"unrecognized arguments: {' '.join(passed_on)}")
    try:
        status: int = arguments.run(arguments)
    except ModuleNotFoundError as error:
        raise _BrokenCommandError(f"{name}: {error}. {commands[name].remedy(error)}") from error
    return status


class _Parser(argparse.ArgumentParser):
    """Of the command and of all subcommands: what it complains of is shown, and does not act."""

    def error(self, message: str) -> NoReturn:
        super().error(displayable(message))


class _BrokenCommandError(Exception):
    """A command cannot be loaded, or lacks a module; the text is for its user, in one line."""


@dataclass(frozen=True)
class _Command:
    """A subcommand that is offered; it is not loaded before it is asked for.

    Attributes:
        point: where it is.
        passed_over: the distributions that offer one of the same name.
    """

    point: EntryPoint
    passed_over: tuple[str, ...]

    def add_to(self, subparsers: "Subparsers", prog: str) -> None:
        """Load it, and add its parser.

        Raises:
            _BrokenCommandError: it cannot be loaded.
        """
        name = self.point.name
        origin = _origin(self.point)
        if self.passed_over:
            others = " and ".join(self.passed_over)
            _say(f"{prog}: {others} offers a command {name!r} too; that of {origin} is taken.")
        try:
            self.point.load().add_parser(subparsers)
            if name not in subparsers.choices:
                raise LookupError(f"add_parser has added no parser of the name {name!r}")
        except KeyboardInterrupt:
            raise
        # Not only an Exception: a module may end the program, and panics of Rust are neither.
        except BaseException as error:
            what = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".:")
            raise _BrokenCommandError(
                f"{name}: cannot be loaded from {origin}: {what}. {self.remedy(error)}"
            ) from error

    def list_in(self, subparsers: "Subparsers", prog: str) -> None:
        """Add its parser, or a line that says that it is broken."""
        name = self.point.name
        try:
            # Aside first: one that breaks half-way through has added a part of itself.
            self.add_to(argparse.ArgumentParser(prog=prog).add_subparsers(), prog)
        except _BrokenCommandError:
            broken = f"broken, from {_origin(self.point)}: `{prog} {name}` says why"
            subparsers.add_parser(name, help=broken.replace("%", "%%"))
        else:
            self.point.load().add_parser(subparsers)

    def remedy(self, error: BaseException) -> str:
        """What its user can do about an error, as sentences."""
        distribution = _distribution(self.point)
        if isinstance(error, ModuleNotFoundError):
            missing = (error.name or "").partition(".")[0]
            if distribution == _OURS and missing in _EXTRAS:
                return f"Install it with: pip install '{_OURS}[{self._extra(missing)}]'"
            if missing != self.point.module.partition(".")[0]:
                return f"Install it, or the extra of {distribution} that brings it."
        return (
            f"Reinstall or upgrade {distribution}; if that does not help, tell its authors what "
            f"`python -c 'import {self.point.module}'` prints."
        )

    def _extra(self, missing: str) -> str:
        """The extra of ours that brings a module, and whatever else this command needs."""
        for package, extra in _EXTRA_OF_ALL.items():
            if self.point.module.startswith(f"{package}."):
                return extra
        return _EXTRAS[missing]


def _commands(prog: str) -> dict[str, _Command]:
    """What the installed distributions offer, by name, in alphabetical order."""

    def place(point: EntryPoint) -> tuple[str, bool, str]:
        distribution = _distribution(point)
        return point.name, distribution != _OURS, distribution

    commands = {}
    for name, same in groupby(sorted(_points(prog), key=place), key=attrgetter("name")):
        first, *others = same
        commands[name] = _Command(first, tuple(map(_origin, others)))
    return commands


def _points(prog: str) -> list[EntryPoint]:
    try:
        return list(entry_points(group=_GROUP))
    except Exception:  # for one file that cannot be parsed: findings/entry-points-one-bad-line.sh
        return list(_readable_points(prog))


def _readable_points(prog: str) -> Iterator[EntryPoint]:
    """Our group's entry points, when those of some distribution cannot be parsed."""
    seen = set()
    for distribution in distributions():
        name = _name(distribution)
        if name in seen:  # further down the path, so what Python imports is not this one
            continue
        seen.add(name)
        try:
            yield from distribution.entry_points.select(group=_GROUP)
        except Exception as error:
            _say(f"{prog}: the entry points of {name} cannot be read, and are left out: {error}")


def _distribution(point: EntryPoint) -> str:
    return "an unknown distribution" if point.dist is None else _name(point.dist)


def _name(distribution: Distribution) -> str:
    # Without metadata the name is None, or asking for it fails, as the version of Python will.
    try:
        return distribution.name or "a distribution without a name"
    except Exception:
        return "a distribution without metadata"


def _origin(point: EntryPoint) -> str:
    """The distribution that offers it, with its version if that is known."""
    name = _distribution(point)
    try:
        number = point.dist.version if point.dist is not None else None
    except Exception:
        return name
    return f"{name} {number}" if number else name


def _say(line: str) -> None:
    print(displayable(line), file=sys.stderr)
