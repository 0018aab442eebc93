"""uvicorn django_app:app; set OPENAI_API_KEY. Under ASGI, a generator has to be async."""

from pathlib import Path

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.urls import path
from openai import AsyncOpenAI

from andes_client import pace, reading
from andes_client.sources.openai import text
from andes_client.web import HEADERS, sse


def page(_: HttpRequest) -> FileResponse:
    return FileResponse(Path(__file__).with_name("page.html").open("rb"))


async def answer(request: HttpRequest) -> StreamingHttpResponse:
    stream = await AsyncOpenAI().chat.completions.create(
        model="gpt-5-mini", messages=[{"role": "user", "content": request.GET["ask"]}], stream=True
    )
    return StreamingHttpResponse(sse(pace(text(stream), reading())), headers=HEADERS)


urlpatterns = [path("", page), path("answer", answer)]
settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="change me", ALLOWED_HOSTS=["127.0.0.1"])
app = get_asgi_application()
