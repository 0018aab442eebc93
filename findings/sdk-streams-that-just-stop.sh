#!/usr/bin/env bash
# openai 3.51.0 and anthropic 2.10.0, over HTTP/1.1.
#
# Expected:  a stream whose body ends, properly, before the answer has (no finish reason, no [DONE];
#            no message_stop) raises an error in the loop that reads it, as a connection that breaks
#            does: a proxy or a server that restarts ends bodies like this.
# Happens:   the loop ends as after a whole answer. Nothing tells half an answer from a whole one.
# Ours:      andes_client/sources/ending.py: `text()` raises StreamError, and says "cut off".
set -euo pipefail
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT

"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check openai==3.51.0 anthropic==2.10.0

"$place/venv/bin/python" - <<'PROGRAM'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anthropic
import openai

HALF = {
    "/v1/chat/completions": [
        {
            "id": "1",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "m",
            "choices": [{"index": 0, "delta": {"content": "Half"}, "finish_reason": None}],
        }
    ],
    "/v1/messages": [
        {
            "type": "message_start",
            "message": {
                "id": "1",
                "type": "message",
                "role": "assistant",
                "content": [],
                "model": "m",
                "stop_reason": None,
                "stop_sequence": None,
                "usage": {"input_tokens": 1, "output_tokens": 1},
            },
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Half"}},
    ],
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in HALF[self.path]:
            name = f"event: {event['type']}\n" if "type" in event else ""
            data = f"{name}data: {json.dumps(event)}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")  # the body is complete; the answer is not

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
ask = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def of_openai():
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
    for chunk in client.chat.completions.create(**ask, stream=True):
        yield chunk.choices[0].delta.content or ""


def of_anthropic():
    client = anthropic.Anthropic(base_url=url, api_key="none", max_retries=0)
    for event in client.messages.create(**ask, max_tokens=9, stream=True):
        if event.type == "content_block_delta":
            yield event.delta.text


for name, stream in (("openai", of_openai), ("anthropic", of_anthropic)):
    try:
        read = "".join(stream())
    except Exception as error:
        sys.exit(f"changed: {name} raises {type(error).__name__}: {error}")
    print(f"{name}: the loop ended without an error after {read!r}")
    if read != "Half":
        sys.exit(f"changed: {name} gave {read!r}")
PROGRAM
