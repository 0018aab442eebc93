"""What the commands of both halves share."""

import argparse
import re

__all__ = ["server_url"]


def server_url(text: str) -> str:
    """An option's value: where a server is, without `/v1` and a slash at the end.

    Raises:
        argparse.ArgumentTypeError: it is not the URL of a server.
    """
    url = text.rstrip("/").removesuffix("/v1")
    if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", url):
        raise argparse.ArgumentTypeError(f"{text!r} is not a URL such as http://127.0.0.1:8000")
    return url
