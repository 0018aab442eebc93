"""The `andes` command. Subcommands come from the entry-point group `andes.commands`.

A subcommand is a module with `add_parser(subparsers)`, which adds one parser and sets its
default `run` to a function of the parsed arguments that returns an exit status. A command
that hands options on to another program sets the default `passes_on` to True as well, and
finds what it does not know itself in `arguments.passed_on`. Such a module imports nothing
heavy at its top: all of them are loaded for `andes --help`.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points, version
from typing import Final, NoReturn

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line; leaves by SystemExit."""
    parser = argparse.ArgumentParser(
        prog="andes", description="Streamed LLM text at the pace people read.", allow_abbrev=False
    )
    parser.add_argument(
        "--version", action="version", version=f"andes {version('andes-streaming')}"
    )
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in sorted(entry_points(group="andes.commands"), key=lambda point: point.name):
        command.load().add_parser(subparsers)
    parser.set_defaults(passes_on=False)
    arguments, passed_on = parser.parse_known_args(argv)
    arguments.passed_on = passed_on
    if passed_on and not arguments.passes_on:
        parser.error(f"unrecognized arguments: {' '.join(passed_on)}")
    try:
        status = arguments.run(arguments)
    except KeyboardInterrupt:
        status = 130
    except ModuleNotFoundError as error:
        print(f"andes: {error}. {_how_to_install(error.name or '')}", file=sys.stderr)
        status = 1
    sys.exit(status)


_DEMOS: Final = (
    "aiohttp",
    "platformdirs",
    "rich",
    "starlette",
    "textual",
    "textual_serve",
    "uvicorn",
)


def _how_to_install(module: str) -> str:
    extra = {
        **dict.fromkeys(_DEMOS, "demos"),
        "httpx2": "http",
    }
    if module.partition(".")[0] in ("numpy", "matplotlib", "scipy"):
        return "Install it with: pip install 'andes-streaming[bench]'"
    name = extra.get(module.partition(".")[0])
    return f"Install it with: pip install 'andes-streaming[{name}]'" if name else ""
