"""Streams of SDKs and of HTTP, made into something that can be paced.

    from andes_client import pace, reading
    from andes_client.sources.openai import text

    stream = await client.chat.completions.create(..., stream=True)
    async with pace(text(stream), reading()) as paced:
        async for word in paced:
            print(word, end="", flush=True)

There is one module for each SDK, and none of them imports its SDK: `openai` (chat
completions, completions and responses; also of groq, together and huggingface_hub), `anthropic`,
`gemini`, `ollama`, `mistral`, `cohere`, `litellm`, `langchain`; for agents `langgraph`,
`pydantic_ai`, `openai_agents`, `llama_index`, `strands` and `smolagents`; for models in this
process `transformers` and `vllm`; and `sse` for plain HTTP (httpx2, httpx, any body in pieces).
`text` here finds out whose a stream is. Each offers

- `text(stream)`: the text alone, for `pace`; where the SDK has plain iterators too,
  `text_blocking(stream)` for `pace_blocking`. A failure is raised, as a `StreamError` where the
  SDK itself raises nothing; afterwards its `ending` says how the answer ended (`Ending`);
- `split`: what each event is, for `pace_events`, which paces the text and passes on the
  other events (tool calls, reasoning, usage) in order. Its failures and its `ending` are those of
  `text`.

Both close the SDK's stream when the reader leaves, which by itself a `break` does not.
"""

from andes_client.sources.ending import Ending, StreamError
from andes_client.sources.events import PacedEvents, pace_events
from andes_client.sources.generic import text, text_blocking
from andes_client.sources.source import Note, Rest, Source, Split
from andes_client.sources.texts import BlockingTexts, Texts, Thinks

__all__ = [
    "BlockingTexts",
    "Ending",
    "Note",
    "PacedEvents",
    "Rest",
    "Source",
    "Split",
    "StreamError",
    "Texts",
    "Thinks",
    "pace_events",
    "text",
    "text_blocking",
]
