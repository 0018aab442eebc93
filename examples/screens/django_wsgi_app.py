"""gunicorn --threads 8 django_wsgi_app:app; set OPENAI_API_KEY. Under WSGI, none may be async."""

from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.urls import path
from openai import OpenAI

from andes_client import pace_blocking, reading
from andes_client.sources.openai import text_blocking
from andes_client.web import HEADERS, sse_blocking


def page(_: HttpRequest) -> FileResponse:
    return FileResponse(Path(__file__).with_name("page.html").open("rb"))


def answer(request: HttpRequest) -> StreamingHttpResponse:
    stream = OpenAI().chat.completions.create(
        model="gpt-5-mini", messages=[{"role": "user", "content": request.GET["ask"]}], stream=True
    )
    paced = pace_blocking(text_blocking(stream), reading())
    return StreamingHttpResponse(sse_blocking(paced, keep_alive=0.25), headers=HEADERS)


urlpatterns = [path("", page), path("answer", answer)]
settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="change me", ALLOWED_HOSTS=["127.0.0.1"])
app = get_wsgi_application()
