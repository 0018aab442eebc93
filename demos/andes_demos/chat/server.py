"""An OpenAI-compatible server over HTTP: its models, and its streamed answers.

Whatever goes wrong comes out as a `ServerError` whose message is for the person who waits,
and which carries no other exception with it: what a library raises holds its requests, and
these hold the key.
"""

import json
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from andes_client import Expectation
from andes_client.sources.refusals import Body, beginning
from andes_client.terminal_text import line
from andes_client.transport import httpx2_transport
from andes_demos.chat.body import DONE, NoAnswerError, events, whole
from andes_demos.chat.key import Key
from andes_demos.chat.reply import Reply, ReportedError
from andes_demos.chat.words import is_error, moved_to, until_then, words_of, words_of_body
from andes_demos.proxy import BadProxyError, transport

__all__ = ["Message", "Server", "ServerError", "base_url"]

Message = Mapping[str, str]
"""Of a chat: its `role` and its `content`."""

# An overloaded server may be silent for long; one that cannot be reached is known at once.
_TIMEOUT: Final = httpx2.Timeout(10.0, read=600.0)
_LONGEST_QUOTE: Final = 300  # characters of what a server says


class ServerError(Exception):
    """The server cannot be reached, refuses, or breaks off; the message says what to do."""


def base_url(given: str) -> str:
    """The URL under which `chat/completions` and `models` are.

    Args:
        given: that URL, or the server's alone (`/v1` is added), or that of the completions.

    Raises:
        ValueError: it is no http(s) URL, or holds a password or a query.
    """
    parts = urlsplit(given.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL such as http://localhost:8000/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(
            "must be the server's address alone; put a key into ANDES_API_KEY or a file"
        )
    path = parts.path.rstrip("/").removesuffix("/chat/completions") or "/v1"
    return f"{parts.scheme}://{parts.netloc}{path}"


class Server:
    """One server, and the connections to it. Close it with `aclose`.

    Args:
        url: as for `base_url`.
        key: sent with each request if there is one.
        expectation: what the reader expects now; asked at each request for an answer. While
            it streams, the server is told what they do. None: the server is not told.

    Raises:
        ValueError: the URL is none.
        ServerError: the proxy that the environment names cannot be used.
    """

    def __init__(
        self,
        url: str,
        key: Key | None = None,
        expectation: Callable[[], Expectation] | None = None,
    ) -> None:
        self.url = base_url(url)
        """Where it is."""
        self._key = key
        self._tells = expectation is not None
        try:
            inner = transport(self.url)
        except BadProxyError as error:
            raise ServerError(str(error)) from None
        self._http = httpx2.AsyncClient(
            auth=_Bearer(key) if key else None,
            timeout=_TIMEOUT,
            trust_env=False,
            transport=(
                httpx2_transport(lambda _: expectation(), inner, report=True)
                if expectation
                else inner
            ),
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def models(self) -> list[str]:
        """The names of its models, as it orders them.

        Raises:
            ServerError: it does not say.
        """
        where = f"{self.url}/models"
        try:
            async with self._http.stream("GET", where) as response:
                if response.status_code != httpx2.codes.OK:
                    raise self._refusal(response, await beginning(response))
                listed = json.loads(await whole(response))
            if isinstance(listed, dict) and "data" not in listed and is_error(listed):
                raise ReportedError(words_of(listed))
            names = [str(model["id"]) for model in listed["data"]]
        except ServerError:
            raise
        except (KeyError, TypeError, ValueError):
            raise ServerError(f"{where} does not list models as OpenAI does") from None
        except Exception as error:
            raise self._failure(error, "") from None
        if not names:
            raise ServerError(f"{self.url} serves no model")
        return list(dict.fromkeys(names))  # some are listed twice

    async def answer(
        self,
        model: str,
        messages: Sequence[Message],
        *,
        thinks: Callable[[str], object] = lambda _: None,
        rethinks: Callable[[], object] = lambda: None,
    ) -> AsyncGenerator[str, None]:
        """The text of the answer, piece by piece; closing it closes the connection.

        Args:
            model: who is asked.
            messages: what has been said so far.
            thinks: called with pieces of the model's reasoning, which is no text.
            rethinks: called when it turns out that all text so far was reasoning.

        Raises:
            ServerError: there is no answer, or not all of it, or it is not what was asked for.
        """
        reply, came, is_rethought = Reply(self._key), False, False
        request = {"model": model, "messages": list(messages), "stream": True}
        try:
            async with aclosing(self._pieces(request, reply)) as pieces:
                async for kind, text in pieces:
                    if reply.unopened and not is_rethought:
                        is_rethought = True
                        rethinks()
                    came = True
                    if kind == "answer":
                        yield text
                    else:
                        thinks(text)
        except ServerError:
            raise
        except Exception as error:
            raise self._failure(error, "in the middle of the answer" if came else "") from None
        if trouble := reply.trouble():
            raise ServerError(trouble)

    async def _pieces(
        self, request: Mapping[str, Any], reply: Reply
    ) -> AsyncGenerator[tuple[str, str], None]:
        url = f"{self.url}/chat/completions"
        async with self._http.stream("POST", url, json=request) as response:
            if response.status_code != httpx2.codes.OK:
                raise self._refusal(response, await beginning(response))
            try:
                async with aclosing(events(response)) as received:
                    async for event in received:
                        reply.is_done = event is DONE
                        for piece in () if reply.is_done else reply.take(event):
                            yield piece
            except httpx2.TransportError:
                if not reply.is_whole:  # to break off after the end is no harm
                    raise
            for piece in reply.flush():
                yield piece

    def _refusal(self, response: httpx2.Response, body: Body) -> ServerError:
        said = self._said(words_of_body(body.text(self._redacted)))
        status = response.status_code
        what = f"The server refused: {status} {self._said(response.reason_phrase)}".rstrip()
        advice = self._advice(response)
        return ServerError(". ".join(part for part in (what, said, advice) if part) + ".")

    def _advice(self, response: httpx2.Response) -> str:
        status, headers = response.status_code, response.headers
        if response.has_redirect_location:
            there = moved_to(str(response.url), self._redacted(headers["location"]))
            return f"It is now at {there}: give that as --url"
        if status in (401, 403):
            return (
                "The key was not accepted"
                if self._key
                else "It needs a key: set ANDES_API_KEY, or key_file in the configuration"
            )
        if status == httpx2.codes.NOT_FOUND:
            return f"Are the address {self.url} and the model's name right?"
        if status in (400, 422) and self._tells:
            return "If it does not know vllm_xargs, set tell_server = false"
        when = until_then(headers.get("retry-after", ""))
        if status == httpx2.codes.TOO_MANY_REQUESTS:
            return f"It is overloaded; try again {when or 'later'}"
        return f"Try again {when}" if when else ""

    def _said(self, text: str) -> str:
        """What the server says, in a line: without the key, and only then shortened."""
        said = line(self._redacted(text))
        return (said if len(said) <= _LONGEST_QUOTE else f"{said[:_LONGEST_QUOTE]}…").rstrip(".")

    def _redacted(self, text: str) -> str:
        return self._key.redact(text) if self._key else text

    def _failure(self, error: Exception, when: str) -> ServerError:
        middle = f" {when}" if when else ""
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            return ServerError(f"{self.url} cannot be reached. Is the server running?")
        if isinstance(error, httpx2.TimeoutException):
            return ServerError(f"The server has sent nothing for too long{middle}.")
        if isinstance(error, httpx2.ProxyError):
            return ServerError("The proxy that the environment names refuses or fails.")
        if isinstance(error, httpx2.TransportError):
            return ServerError(f"The server broke off{middle}.")
        if isinstance(error, ReportedError):
            return ServerError(f"The server reports an error{middle}: {self._said(str(error))}")
        if isinstance(error, NoAnswerError):
            return ServerError(f"The server sent no answer{middle}: {self._said(str(error))}")
        return ServerError(
            f"The chat cannot understand what the server sent ({type(error).__name__})."
        )


class _Bearer(httpx2.Auth):
    """Adds the key, and keeps it in no variable that a traceback would show."""

    def __init__(self, key: Key) -> None:
        self._key = key

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["authorization"] = self._key.authorization()
        yield request
