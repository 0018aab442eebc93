"""LangGraph: a graph of a model and its tools, in both of its forms."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any

from tests.client.scripted_server import ScriptedServer
from tests.client.sdk.case import Case
from tests.client.sdk.moves import Chat

__all__ = ["CASES", "graph"]

ASK: dict[str, Any] = {"messages": [("user", "Hi")]}
FORMS: dict[str, dict[str, Any]] = {
    "messages": {"stream_mode": "messages"},
    "several modes": {"stream_mode": ["messages", "updates", "values"]},
    "subgraphs": {"stream_mode": ["messages", "updates"], "subgraphs": True},
    "version 2": {"stream_mode": ["messages", "updates"], "version": "v2"},
}


def graph(server: ScriptedServer, **clients: Any) -> Any:
    from langchain_core.runnables import RunnableLambda
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI
    from langgraph.graph import START, MessagesState, StateGraph
    from langgraph.prebuilt import ToolNode, tools_condition
    from pydantic import SecretStr

    @tool
    def look(at: int) -> str:
        """Looks."""
        return f"{at + 41} degrees"

    model = ChatOpenAI(
        model="scripted",
        base_url=server.url + "/v1",
        api_key=SecretStr("none"),
        max_retries=0,
        stream_usage=True,
        # It has each chunk waited for by asyncio.wait_for, which on Python 3.11 loses a
        # cancellation that comes while the next chunk is there.
        stream_chunk_timeout=None,
        **clients,
    ).bind_tools([look])

    async def ask(state: Any) -> Any:
        return {"messages": [await model.ainvoke(state["messages"])]}

    def ask_plainly(state: Any) -> Any:
        return {"messages": [model.invoke(state["messages"])]}

    made: Any = StateGraph(MessagesState)
    made.add_node("model", RunnableLambda(ask_plainly, ask))
    made.add_node("tools", ToolNode([look]))
    made.add_edge(START, "model")
    made.add_conditional_edges("model", tools_condition)
    made.add_edge("tools", "model")
    return made.compile()


def _in_form(
    options: dict[str, Any],
) -> Callable[[ScriptedServer], AbstractAsyncContextManager[Any]]:
    @asynccontextmanager
    async def stream(server: ScriptedServer) -> AsyncIterator[Any]:
        import openai

        async with openai.DefaultAsyncHttpxClient() as client:
            yield graph(server, http_async_client=client).astream(ASK, **options)

    return stream


@contextmanager
def _plain(server: ScriptedServer) -> Iterator[Any]:
    import openai

    with openai.DefaultHttpxClient() as client:
        yield graph(server, http_client=client).stream(ASK, stream_mode="messages")


def _told(event: Any) -> str:
    if isinstance(event, dict):
        event = event["data"] if event["type"] == "messages" else ()
    if isinstance(event, tuple) and "messages" in event:
        event = event[-1]
    if not isinstance(event, tuple) or len(event) != 2 or not hasattr(event[0], "content"):
        return ""
    if usage := getattr(event[0], "usage_metadata", None):
        return f"<{usage['output_tokens']} tokens>"
    calls = getattr(event[0], "tool_call_chunks", ())
    return "".join(f"<{call['name']}>" for call in calls if call["name"])


CASES = [
    Case(
        name=f"langgraph: {form}",
        distribution="langgraph",
        module="langgraph",
        source="langgraph",
        wire=Chat,
        stream=_in_form(options),
        plain=_plain if form == "messages" else None,
        told=_told,
        turns=True,
        after_a_tool="\n\n",
        thinks=False,
        failure=("APIError",),
        # The model runs in a thread that the graph waits for, and that nothing stops.
        flowing_plain=False,
        silent_plain=False,
    )
    for form, options in FORMS.items()
]
