"""python nicegui_app.py; set OPENAI_API_KEY."""

from nicegui import ui
from openai import AsyncOpenAI

from andes_client import pace, reading
from andes_client.sources.openai import text


@ui.page("/")
def page() -> None:
    async def ask() -> None:
        send, messages = AsyncOpenAI().chat.completions.create, [{"role": "user", "content": question.value}]
        stream = await send(model="gpt-5-mini", messages=messages, stream=True)
        async with pace(text(stream), reading()) as paced:
            stop.on_click(paced.stop)
            ui.context.client.on_delete(paced.stop)
            answer.content = ""
            async for words in paced:
                answer.content += words

    question = ui.input("Ask").on("keydown.enter", ask)
    stop = ui.button("Stop").classes("stop")
    answer = ui.markdown()


ui.run(host="127.0.0.1", reload=False, show=False)
