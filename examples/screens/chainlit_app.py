"""chainlit run chainlit_app.py; set OPENAI_API_KEY."""

import chainlit as cl
from openai import AsyncOpenAI

from andes_client import pace, reading
from andes_client.sources.openai import text


@cl.on_message
async def ask(message: cl.Message) -> None:
    stream = await AsyncOpenAI().chat.completions.create(
        model="gpt-5-mini", messages=[{"role": "user", "content": message.content}], stream=True
    )
    async with pace(text(stream), reading()) as paced:
        cl.user_session.set("paced", paced)
        answer = cl.Message("")
        async for words in paced:
            await answer.stream_token(words)
        await answer.update()


@cl.on_chat_end
def leave() -> None:
    if paced := cl.user_session.get("paced"):
        paced.stop()
