"""`andes chat`: a chat in the terminal whose answers come at the pace they are read."""

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from andes_client.terminal_text import line
from andes_demos.chat.key import BadKeyError, find_key
from andes_demos.chat.settings import Settings, SettingsError, config_path, data_dir, load

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from andes_demos.chat.app import ChatApp
    from andes_demos.chat.store import Store

__all__ = ["add_parser", "run"]

_DESCRIPTION: Final = """\
Chat with any OpenAI-compatible server at the pace you read. Without --url, a built-in server
answers with prepared text; it needs no network and no model.
"""

_EPILOG: Final = """\
The chat takes the API key from the environment (ANDES_API_KEY, else OPENAI_API_KEY) or from the
file that key_file in the configuration names; never from the command line, where every user of
this machine could read it. Press F1 in the chat for its keys.
"""


def add_parser(subparsers: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `chat` to the `andes` command."""
    parser = subparsers.add_parser(
        "chat",
        help="chat in the terminal, at reading pace",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--url", help="the server, such as http://localhost:8000/v1")
    parser.add_argument(
        "--model", metavar="NAME", help="the model (default: the first that the server lists)"
    )
    parser.add_argument("--wpm", type=_wpm, metavar="N", help="words a minute at the start")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration file")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where to keep conversations")
    parser.add_argument("--key", "--api-key", nargs="?", action=_NoKeyHere, help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Chat until the person leaves; returns the exit status.

    1 with a line on standard error when the configuration, the key or the folder of the
    conversations cannot be used.
    """
    from andes_demos.chat.server import ServerError
    from andes_demos.chat.store import Store, StoreError
    from andes_demos.leaving import gives_terminal_back

    try:
        settings = load(arguments.config or config_path(), required=arguments.config is not None)
        with contextlib.ExitStack() as stack:
            store = stack.enter_context(Store(arguments.data_dir or data_dir()))
            app = _app(arguments, settings, store, stack)
            with gives_terminal_back(app):
                app.run()
            return app.return_code or 0
    except (SettingsError, BadKeyError, ServerError, StoreError) as error:
        print(f"andes chat: {line(str(error))}", file=sys.stderr)
        return 1


def _app(
    arguments: argparse.Namespace, settings: Settings, store: "Store", stack: contextlib.ExitStack
) -> "ChatApp":
    from andes_demos.chat.app import ChatApp
    from andes_demos.chat.offline import WELCOME, offline
    from andes_demos.chat.reader import Reader
    from andes_demos.chat.server import Server, base_url
    from andes_demos.chat.session import Session

    url = arguments.url or settings.url
    key = find_key(os.environ, settings.key_file) if url else None
    try:
        address = base_url(url) if url else stack.enter_context(offline())
    except ValueError as error:
        raise SettingsError(f"{'--url' if arguments.url else 'url'} {error}") from None
    reader = Reader(
        settings.mode,
        arguments.wpm or settings.wpm,
        language=settings.language,
        ttft=settings.ttft,
    )
    server = Server(address, key, (lambda: reader.expectation) if settings.tell_server else None)
    model = arguments.model or settings.model
    return ChatApp(
        Session(store, server, reader, model=model if url else None, system=settings.system),
        place=address if url else "offline: built-in server, no model",
        welcome="Type something and press Enter. F1 shows all keys."
        if url
        else WELCOME.format(url=address),
        theme=settings.theme,
        export_dir=settings.export_dir,
    )


class _NoKeyHere(argparse.Action):
    """Refuses a key on the command line, without repeating it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        _namespace: argparse.Namespace,
        _values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> NoReturn:
        parser.error(
            f"{option_string}: every user of this machine can see a key on the command line; "
            "set ANDES_API_KEY in the environment, or key_file in the configuration"
        )


def _wpm(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value <= 100_000:
        raise argparse.ArgumentTypeError(
            f"must be a number of words a minute, such as 238, not {text!r}"
        )
    return value
