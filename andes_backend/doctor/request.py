"""One question to a running server."""

import urllib.error
import urllib.request
from typing import Final

__all__ = ["UnreachableError", "get"]

_PATIENCE_S: Final = 10.0
_LONGEST: Final = 16 * 1024 * 1024  # bytes of an answer; a server may send without end
_LONGEST_REFUSAL: Final = 64 * 1024


class UnreachableError(Exception):
    """No server there; the message says how it failed."""


def get(url: str, path: str) -> tuple[int, str]:
    """The status and body of an answer, whatever the status, up to a bound.

    Args:
        url: of the server, without a path.
        path: begins with a slash.

    Raises:
        UnreachableError: there is no answer.
    """
    # As in the other commands: the user says which server to ask, not a proxy setting.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url + path, timeout=_PATIENCE_S) as answer:
            return answer.status, answer.read(_LONGEST).decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read(_LONGEST_REFUSAL).decode(errors="replace")
    except (OSError, ValueError) as error:
        raise UnreachableError(getattr(error, "reason", error)) from None
