"""python gradio_app.py; set OPENAI_API_KEY."""

from collections.abc import AsyncGenerator

import gradio as gr
from openai import AsyncOpenAI

from andes_client import pace, reading
from andes_client.sources.openai import text


async def answer(question: str, _: object) -> AsyncGenerator[str, None]:
    stream = await AsyncOpenAI().chat.completions.create(
        model="gpt-5-mini", messages=[{"role": "user", "content": question}], stream=True
    )
    async with pace(text(stream), reading(), tick=0.25) as paced:
        shown = ""
        async for words in paced:
            yield (shown := shown + words)


gr.ChatInterface(answer).launch()
