"""`andes web`: the demos in a browser."""

import argparse
import contextlib
import os
import shlex
import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from andes_client.terminal_text import line
from andes_demos.board import command as board
from andes_demos.chat import command as chat
from andes_demos.scenarios import command as demo

if TYPE_CHECKING:
    from andes_demos.web.upstream import Upstream

__all__ = ["APPS", "add_parser"]

APPS: Final = {"board": board, "chat": chat, "demo": demo}
"""Commands whose screen can be shown in a page, by name."""

_DESCRIPTION: Final = """\
Serve a page that shows one answer twice, side by side: as the server sends it, and at the pace
you read. Without --url, a built-in server answers. `andes web chat` shows `andes chat` in a page
and takes its options; the other programs below work the same way.
"""
_EPILOG: Final = """\
`andes web` finds the API key where `andes chat` does: in ANDES_API_KEY, in OPENAI_API_KEY, or in
key_file of the chat's configuration. It listens on the loopback interface, so only this machine
can reach it. With --host, everybody who can reach that address can use your key and your chat.
"""
_DRIVER: Final = "andes_demos.web.driver:PageDriver"
_PORT: Final = 8080  # vLLM has 8000


class _AppParser(argparse.ArgumentParser):
    """The parser of a command that is shown in a page; what it was given, it keeps."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        parsed, unknown = super().parse_known_args(args, namespace)
        parsed.given = list(args)
        return parsed, unknown


def add_parser(subparsers: Any) -> None:
    """Add `andes web`."""
    parser = subparsers.add_parser(
        "web",
        help="show one answer raw and paced, a chat or the board in a browser",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_show_page)
    _add_place(parser, host="127.0.0.1", port=_PORT, allow=[])
    # Names of their own: the options of an app must not be overwritten by ours, nor ours by it.
    parser.add_argument(
        "--wpm",
        dest="page_wpm",
        type=_wpm,
        metavar="N",
        help="words a minute at the start (default: 238)",
    )
    parser.add_argument(
        "--url", dest="page_url", metavar="URL", help="a server, such as http://localhost:8000/v1"
    )
    parser.add_argument(
        "--model",
        dest="page_model",
        metavar="NAME",
        help="the model (default: the first that the server lists)",
    )
    apps = parser.add_subparsers(
        title="terminal programs in a page", metavar="[APP]", parser_class=_AppParser
    )
    for name, command in APPS.items():
        command.add_parser(apps)
        app = apps.choices[name]
        _add_place(app, **dict.fromkeys(("host", "port", "allow"), argparse.SUPPRESS))
        app.set_defaults(run=_show_app, app=name)


def _add_place(parser: argparse.ArgumentParser, **defaults: Any) -> None:
    place = parser.add_argument_group("address of the page")
    place.add_argument(
        "--host",
        metavar="ADDRESS",
        default=defaults["host"],
        help="the address to listen on (default: 127.0.0.1)",
    )
    place.add_argument(
        "--port",
        type=_port,
        metavar="N",
        default=defaults["port"],
        help=f"the port (default: {_PORT})",
    )
    place.add_argument(
        "--allow",
        action="append",
        metavar="NAME",
        default=defaults["allow"],
        help="another name that browsers may use for the page, such as a proxy's",
    )


def _show_page(arguments: argparse.Namespace) -> int:
    import uvicorn

    from andes_demos.chat.key import BadKeyError
    from andes_demos.chat.settings import SettingsError
    from andes_demos.web.app import make_app

    try:
        with contextlib.ExitStack() as stack:
            upstream = _upstream(arguments, stack)
            listener = stack.enter_context(_listening(arguments.host, arguments.port))
            app = make_app(upstream, wpm=arguments.page_wpm or 238.0, names=_names(arguments))
            print(f"{_address(listener)}    (Ctrl+C ends it)", flush=True)
            config = uvicorn.Config(
                app, ws="none", lifespan="off", log_level="critical", timeout_graceful_shutdown=1
            )
            uvicorn.Server(config).run([listener])
    except (SettingsError, BadKeyError, OSError) as error:
        print(f"andes web: {line(str(error))}", file=sys.stderr)
        return 1
    return 0


def _upstream(arguments: argparse.Namespace, stack: contextlib.ExitStack) -> "Upstream":
    from andes_demos.bursty_server import MODEL, OVERLOADED, TEXT, chat_app, running
    from andes_demos.chat.key import find_key
    from andes_demos.chat.settings import SettingsError, config_path, load
    from andes_demos.web.upstream import Upstream

    if arguments.page_url is None:
        return Upstream(
            stack.enter_context(running(chat_app(OVERLOADED, lambda _: TEXT))),
            model=MODEL,
            place="a built-in server that sends prepared text in bursts, like an overloaded one",
            takes_questions=False,
        )
    settings = load(config_path())
    try:
        return Upstream(
            arguments.page_url,
            key=find_key(os.environ, settings.key_file),
            model=arguments.page_model,
            tells_reader=settings.tell_server,
        )
    except ValueError as error:
        raise SettingsError(f"--url {error}") from None


def _show_app(arguments: argparse.Namespace) -> int:
    from andes_demos.web.terminal import Terminal

    if any((arguments.page_wpm, arguments.page_url, arguments.page_model)):
        print(
            f"andes web: give the options of {arguments.app} after its name: "
            f"andes web {arguments.app} --...",
            file=sys.stderr,
        )
        return 2
    command = [sys.executable, "-m", "andes_client", arguments.app, *_its_own(arguments.given)]
    terminal = Terminal(
        f"TEXTUAL_DRIVER={_DRIVER} exec {shlex.join(command)}",
        title=f"andes {arguments.app}",
        names=_names(arguments),
    )
    try:
        with _listening(arguments.host, arguments.port) as listener:
            print(f"{_address(listener)}    (Ctrl+C ends it)", flush=True)
            terminal.serve_at(listener)
    except OSError as error:
        print(f"andes web: {line(str(error))}", file=sys.stderr)
        return 1
    return 0


def _its_own(given: Sequence[str]) -> list[str]:
    """The options of a command without those of where its page is."""
    place = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    _add_place(place, host=None, port=None, allow=None)
    return place.parse_known_args(given)[1]


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise OSError(f"cannot listen on {host}, port {port}: {error.strerror}") from None


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _names(arguments: argparse.Namespace) -> frozenset[str]:
    return frozenset(name.lower() for name in (arguments.host, *arguments.allow))


def _wpm(text: str) -> float:
    from andes_demos.web.app import FASTEST_WPM, SLOWEST_WPM

    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not SLOWEST_WPM <= value <= FASTEST_WPM:
        raise argparse.ArgumentTypeError(
            f"must be a number of words a minute, such as 238, not {text!r}"
        )
    return value


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65_536):
        raise argparse.ArgumentTypeError(f"must be a number up to 65535, not {text!r}")
    return int(text)
