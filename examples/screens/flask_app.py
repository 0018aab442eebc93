"""flask --app flask_app run; set OPENAI_API_KEY."""

from flask import Flask, Response, request, send_file
from openai import OpenAI

from andes_client import pace_blocking, reading
from andes_client.sources.openai import text_blocking
from andes_client.web import HEADERS, sse_blocking

app = Flask(__name__)
app.get("/")(lambda: send_file("page.html"))


@app.get("/answer")
def answer() -> Response:
    stream = OpenAI().chat.completions.create(
        model="gpt-5-mini", messages=[{"role": "user", "content": request.args["ask"]}], stream=True
    )
    paced = pace_blocking(text_blocking(stream), reading())
    return Response(sse_blocking(paced, keep_alive=0.25), headers=HEADERS)
