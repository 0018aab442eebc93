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
from urllib.request import getproxies, proxy_bypass

import httpx2

from andes_client import Expectation
from andes_client.sources import Rest, Texts, openai
from andes_client.sources.sse import StreamError, events
from andes_client.transport import httpx2_transport
from andes_demos.chat.key import Key

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
        expectation: what the reader expects now; asked at each request for an answer. None:
            the server is not told.

    Raises:
        ValueError: the URL is none.
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
        inner = httpx2.AsyncHTTPTransport(proxy=_proxy(self.url))
        self._http = httpx2.AsyncClient(
            auth=_Bearer(key) if key else None,
            timeout=_TIMEOUT,
            trust_env=False,
            transport=httpx2_transport(lambda _: expectation(), inner) if expectation else inner,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def models(self) -> list[str]:
        """The names of its models, as it orders them.

        Raises:
            ServerError: it does not say.
        """
        try:
            response = await self._http.get(f"{self.url}/models")
            if response.status_code != httpx2.codes.OK:
                raise self._refusal(response)
            names = [model["id"] for model in response.json()["data"]]
        except ServerError:
            raise
        except (KeyError, TypeError, ValueError):
            raise ServerError(f"{self.url}/models does not list models as OpenAI does") from None
        except Exception as error:
            raise self._failure(error, "") from None
        if not names:
            raise ServerError(f"{self.url} serves no model")
        return [str(name) for name in names]

    async def answer(self, model: str, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        """The text of the answer, piece by piece; closing it closes the connection.

        Raises:
            ServerError: there is no answer, or not all of it.
        """
        ending = _Ending()
        came = False
        request = {"model": model, "messages": list(messages), "stream": True}
        url = f"{self.url}/chat/completions"
        try:
            async with self._http.stream("POST", url, json=request) as response:
                if response.status_code != httpx2.codes.OK:
                    await response.aread()
                    raise self._refusal(response)
                async with aclosing(aiter(Texts(events(response), ending.split))) as texts:
                    async for text in texts:
                        came = True
                        yield _valid(text)
        except ServerError:
            raise
        except Exception as error:
            raise self._failure(error, "in the middle of the answer" if came else "") from None
        ending.check()

    def _refusal(self, response: httpx2.Response) -> ServerError:
        status, said = response.status_code, self._said(response)
        what = f"The server refused: {status} {response.reason_phrase}".rstrip()
        if status in (401, 403):
            advice = (
                "The key was not accepted"
                if self._key
                else "It needs a key: set ANDES_API_KEY, or key_file in the configuration"
            )
        elif status == httpx2.codes.NOT_FOUND:
            advice = f"Are the address {self.url} and the model's name right?"
        elif status in (400, 422) and self._tells:
            advice = "If it does not know vllm_xargs, set tell_server = false"
        elif status == httpx2.codes.TOO_MANY_REQUESTS:
            advice = "It is overloaded; try again later"
        else:
            advice = ""
        return ServerError(". ".join(part for part in (what, said, advice) if part) + ".")

    def _said(self, response: httpx2.Response) -> str:
        """What the body of a refusal says, without the key."""
        text = response.text
        try:
            body = json.loads(text)
            error = body.get("error", body)
            text = error.get("message", text) if isinstance(error, dict) else str(error)
        except (ValueError, AttributeError):
            pass
        text = " ".join(str(text).split())[:_LONGEST_QUOTE].rstrip(".")
        return self._key.redact(text) if self._key else text

    def _failure(self, error: Exception, when: str) -> ServerError:
        middle = f" {when}" if when else ""
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            return ServerError(f"{self.url} cannot be reached. Is the server running?")
        if isinstance(error, httpx2.TimeoutException):
            return ServerError(f"The server has sent nothing for too long{middle}.")
        if isinstance(error, httpx2.TransportError):
            return ServerError(f"The server broke off{middle}.")
        if isinstance(error, StreamError):
            said = self._key.redact(str(error)) if self._key else str(error)
            return ServerError(f"The server reports an error{middle}: {said[:_LONGEST_QUOTE]}")
        return ServerError(
            f"The chat cannot understand what the server sent ({type(error).__name__})."
        )


def _proxy(url: str) -> str | None:
    """The proxy that the environment has for this address; this machine is reached directly."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host == "localhost" or host == "::1" or host.startswith("127.") or proxy_bypass(host):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


class _Bearer(httpx2.Auth):
    """Adds the key, and keeps it in no variable that a traceback would show."""

    def __init__(self, key: Key) -> None:
        self._key = key

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["authorization"] = self._key.authorization()
        yield request


class _Ending:
    """Notes how an answer ends: an event stream that just stops is no whole answer."""

    def __init__(self) -> None:
        self._reason: str | None = None

    def split(self, event: Any) -> tuple[str, Rest]:
        for choice in event.get("choices") or ():
            self._reason = choice.get("finish_reason") or self._reason
        return openai.split(event)

    def check(self) -> None:
        if self._reason is None:
            raise ServerError("The server broke off in the middle of the answer.")
        if self._reason == "length":
            raise ServerError(
                "The answer stops here because it reached the server's limit on length."
            )


def _valid(text: str) -> str:
    """`text` as Unicode has it: half a surrogate pair can neither be shown nor kept."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
