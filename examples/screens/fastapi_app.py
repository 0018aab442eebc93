"""fastapi run fastapi_app.py (or uvicorn fastapi_app:app); set OPENAI_API_KEY."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, StreamingResponse
from openai import AsyncOpenAI

from andes_client import pace, reading
from andes_client.sources.openai import text
from andes_client.web import HEADERS, sse

app = FastAPI()
app.get("/")(lambda: FileResponse(Path(__file__).with_name("page.html")))


@app.get("/answer")
async def answer(ask: str) -> StreamingResponse:
    stream = await AsyncOpenAI().chat.completions.create(
        model="gpt-5-mini", messages=[{"role": "user", "content": ask}], stream=True
    )
    return StreamingResponse(sse(pace(text(stream), reading())), headers=HEADERS)
