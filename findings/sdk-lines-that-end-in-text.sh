#!/usr/bin/env bash
# ollama 0.6.3 and huggingface_hub 2.4.0.
#
# Expected:  a stream of JSON, a line each, is cut at line feeds. JSON may have U+0085 and U+2028 in
#            its strings as they are, and servers send them so: Go, in which Ollama is written,
#            escapes the second and not the first; Rust and Python's `ensure_ascii=False` neither.
# Happens:   both SDKs read lines with httpx's iter_lines, for which these characters end a line, too.
#            The answer ends with a JSONDecodeError in the middle of a word.
# Ours:      andes_client/sources/ndjson.py and sse.py read lines themselves. Behind these two SDKs
#            we cannot help: docs/sdks.md says so.
set -euo pipefail
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT

"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check \
  ollama==0.6.3 huggingface_hub==2.4.0

"$place/venv/bin/python" - <<'PROGRAM'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import huggingface_hub
import ollama

TEXT = "one \u0085 two"


def body(path):
    if path == "/api/chat":
        message = {"role": "assistant", "content": TEXT}
        return json.dumps({"message": message, "done": True}, ensure_ascii=False) + "\n"
    choice = {"index": 0, "delta": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}
    chunk = {"id": "1", "created": 0, "model": "m", "system_fingerprint": "", "choices": [choice]}
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\ndata: [DONE]\n\n"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body(self.path).encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
ask = [{"role": "user", "content": "Hi"}]


def of_ollama():
    for part in ollama.Client(host=url).chat(model="m", messages=ask, stream=True):
        yield part.message.content


def of_hugging_face():
    client = huggingface_hub.InferenceClient(url, token="none")
    for chunk in client.chat_completion(ask, stream=True):
        yield chunk.choices[0].delta.content


for name, stream in (("ollama", of_ollama), ("huggingface_hub", of_hugging_face)):
    try:
        read = "".join(stream())
    except json.JSONDecodeError as error:
        print(f"{name}: {type(error).__name__}: {error}")
    else:
        sys.exit(f"changed: {name} gave {read!r}")
PROGRAM
