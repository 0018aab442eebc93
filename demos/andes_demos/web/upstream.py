"""Where the page's answers come from: an OpenAI-compatible server, built in or elsewhere."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import anyio

from andes_client import Expectation
from andes_demos.chat.key import Key
from andes_demos.chat.server import Server, base_url

__all__ = ["Upstream"]


class Upstream:
    """A server, asked anew for each answer.

    Args:
        url: as for `andes_demos.chat.server.base_url`.
        key: sent with each request if there is one.
        model: the first that the server names if None.
        tells_reader: whether requests say what the reader expects (vllm_xargs).
        place: what the page says of it; its URL if None.
        takes_questions: whether it matters what one asks.

    Raises:
        ValueError: the URL is none.
    """

    def __init__(
        self,
        url: str,
        *,
        key: Key | None = None,
        model: str | None = None,
        tells_reader: bool = True,
        place: str | None = None,
        takes_questions: bool = True,
    ) -> None:
        self._url = base_url(url)
        self._key = key
        self._model = model
        self._tells_reader = tells_reader
        self.place = place or self._url + (f", {model}" if model else "")
        """What the page says of it."""
        self.takes_questions = takes_questions
        """Whether it matters what one asks."""

    async def answer(
        self,
        question: str,
        expectation: Callable[[], Expectation],
        *,
        thinks: Callable[[str], object] = lambda _: None,
        rethinks: Callable[[], object] = lambda: None,
    ) -> AsyncGenerator[str, None]:
        """The text of one answer, piece by piece; closing it closes the connection.

        Args:
            question: what the person asks.
            expectation: what the reader expects when the request is sent.
            thinks: gets pieces of the model's reasoning, which is no text.
            rethinks: is called when it turns out that all text so far was reasoning.

        Raises:
            andes_demos.chat.server.ServerError: there is no answer, or not all of it.
        """
        server = Server(self._url, self._key, expectation if self._tells_reader else None)
        try:
            model = self._model or (await server.models())[0]
            messages = [{"role": "user", "content": question}]
            texts = server.answer(model, messages, thinks=thinks, rethinks=rethinks)
            async with aclosing(texts):
                async for text in texts:
                    yield text
        finally:
            with anyio.CancelScope(shield=True):  # a reader who leaves hangs up, too
                await server.aclose()
