"""A web page whose answer comes at the pace of its reader.

pip install 'andes-streaming[demos]'
python examples/web_app.py            # then open http://127.0.0.1:8000
"""

from collections.abc import AsyncGenerator

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, StreamingResponse
from starlette.routing import Route

from andes_client import pace, reading
from andes_client.sources.openai import text
from andes_client.web import HEADERS, sse

__all__ = ["app"]

PAGE = """<!doctype html><meta charset="utf-8"><title>Andes</title>
<p>Words a minute: <input id="wpm" type="number" value="238"> <button>Ask</button></p>
<p id="answer" dir="auto" style="white-space: pre-wrap; max-width: 40em"></p> <p id="end"></p>
<script>
const stop = () => window.events?.close()
document.querySelector("button").onclick = () => {
  stop(); answer.textContent = end.textContent = ""
  events = new EventSource("/answer?wpm=" + wpm.value)
  events.onmessage = event => { answer.textContent += JSON.parse(event.data).text }
  events.addEventListener("ending", ({data}) => end.append("End: " + JSON.parse(data).reason))
  for (const name of ["done", "error"]) events.addEventListener(name, stop)
}
addEventListener("pagehide", stop) // or the browser keeps it for a minute
</script>"""


async def model() -> AsyncGenerator[object, None]:
    """Stands for the stream of an LLM: three paragraphs, each at once, after a silence."""
    for number in ("first", "second", "third"):
        await anyio.sleep(2.0)
        words = f"This is the {number} paragraph, and it came all at once. " * 3 + "\n\n"
        yield {"choices": [{"delta": {"content": words}}]}
    yield {"choices": [{"finish_reason": "stop"}]}


async def answer(request: Request) -> StreamingResponse:
    try:
        expectation = reading(wpm=float(request.query_params.get("wpm", "238")))
    except ValueError as error:
        raise HTTPException(400, f"wpm: {error}") from None
    texts = text(model())
    return StreamingResponse(sse(pace(texts, expectation), ending_of=texts), headers=HEADERS)


app = Starlette(routes=[Route("/", lambda _: HTMLResponse(PAGE)), Route("/answer", answer)])

if __name__ == "__main__":
    uvicorn.run(app)
