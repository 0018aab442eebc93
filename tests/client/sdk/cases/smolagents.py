"""smolagents: a model, which knows plain streams only."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any

from tests.client.scripted_server import ScriptedServer
from tests.client.sdk.case import Case
from tests.client.sdk.moves import Chat

__all__ = ["CASES", "model"]

ASK = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]


def model(server: ScriptedServer) -> Any:
    from smolagents import OpenAIModel

    return OpenAIModel(
        "scripted",
        api_base=server.url + "/v1",
        api_key="none",
        client_kwargs={"max_retries": 0},
    )


@contextmanager
def _plain(server: ScriptedServer) -> Iterator[Any]:
    made = model(server)
    with made.client:
        yield made.generate_stream(ASK)


def _none(server: ScriptedServer) -> AbstractAsyncContextManager[Any]:
    raise NotImplementedError(f"it has no async streams of {server.url}")


def _told(event: Any) -> str:
    if event.token_usage:
        return f"<{event.token_usage.output_tokens} tokens>"
    return "".join(f"<{call.function.name}>" for call in event.tool_calls or ())


CASES = [
    Case(
        name="smolagents",
        distribution="smolagents",
        module="smolagents",
        source="smolagents",
        wire=Chat,
        stream=_none,
        plain=_plain,
        told=_told,
        backends=(),
        thinks=False,
        failure=("APIError",),
        early="unsaid",
        ending="unsaid",
    ),
]
