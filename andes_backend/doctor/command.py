"""`andes doctor`: does our scheduler have what it needs, and what would serve readers better?

andes doctor
andes doctor -- MODEL --max-num-seqs 256     # the flags given to `vllm serve`
andes doctor --url http://127.0.0.1:8000
"""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from andes_backend.command_line import server_url
from andes_backend.doctor.finding import Finding

__all__ = ["add_parser"]

_DESCRIPTION = """\
Check this vLLM installation, the flags of `vllm serve`, or a running server. Name each problem for
the scheduler and each possible improvement, and say what to do about it.
"""

_EPILOG = """\
examples:
  andes doctor                                   the installation
  andes doctor -- MODEL --max-num-seqs 256 --kv-offloading-size 64
                                                 and the flags of `vllm serve`
  andes doctor --url http://127.0.0.1:8000       a running server, or a router in front of some

It starts no server, downloads nothing and changes nothing. Exit status: 0 without problems, 1 if
there is a problem, 2 for a wrong command line.
"""


def add_parser(subparsers: Any) -> None:
    """Add `andes doctor`."""
    parser = subparsers.add_parser(
        "doctor",
        help="check a GPU server: vLLM, its flags, or a running server",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="%(prog)s [--url URL] [--json] [-- MODEL [any option of vllm serve ...]]",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--url",
        type=server_url,
        help="a running server, such as http://127.0.0.1:8000, or vllm-router in front of some",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument("flags", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from andes_backend.doctor.finding import status_of
    from andes_backend.doctor.flags import without_command
    from andes_backend.doctor.report import as_json, as_text

    flags = without_command(arguments.flags)
    if arguments.flags and (not flags or flags[0].startswith("-")) and "--config" not in flags:
        print(
            "andes doctor: after -- give the arguments of `vllm serve`, the model first, such as: "
            "andes doctor -- MODEL --max-num-seqs 256",
            file=sys.stderr,
        )
        return 2
    sections: dict[str, Sequence[Finding]] = {}
    if flags or arguments.url is None:
        sections |= _here(flags)
    if arguments.url is not None:
        from andes_backend.doctor.behind import check_address

        sections |= check_address(arguments.url)
    if arguments.json:
        print(as_json(sections))
    else:
        colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        print(as_text(sections, width=shutil.get_terminal_size().columns, colours=colours))
    return status_of(finding for found in sections.values() for finding in found)


def _here(flags: Sequence[str]) -> dict[str, Sequence[Finding]]:
    """The installation, and the flags if there are any."""
    from andes_backend.doctor.examine import examine
    from andes_backend.doctor.flags import check_flags
    from andes_backend.doctor.installation import check_installation, has_vllm

    if sys.stderr.isatty():
        print("Checking vLLM (importing it takes about ten seconds) ...", file=sys.stderr)
    examined = examine(flags) if has_vllm() else None
    sections: dict[str, Sequence[Finding]] = {
        "The installation": list(check_installation(examined))
    }
    if flags:
        sections["The flags"] = list(check_flags(examined))
    return sections
