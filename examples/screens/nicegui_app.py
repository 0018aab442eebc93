"""python nicegui_app.py; set OPENAI_API_KEY."""

import os

from nicegui import ui
from openai import AsyncOpenAI

from andes_client import pace, reading
from andes_client.sources.openai import text


@ui.page("/")
def page() -> None:
    async def ask() -> None:
        stream = await AsyncOpenAI().chat.completions.create(
            model="gpt-5-mini", messages=[{"role": "user", "content": question.value}], stream=True
        )
        async with pace(text(stream), reading()) as paced:
            stop.on_click(paced.stop)
            ui.context.client.on_delete(paced.stop)  # three seconds after the tab was closed
            async for words in paced:
                answer.content += words

    question = ui.input("Ask").on("keydown.enter", ask)
    stop = ui.button("Stop").classes("stop")
    answer = ui.markdown()


ui.run(host="127.0.0.1", port=int(os.environ.get("PORT", "8080")), reload=False, show=False)
