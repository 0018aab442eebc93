#!/usr/bin/env bash
# google-genai 3.6.1 with aiohttp 3.14.5.
#
# Expected:  who has enough of `aio.models.generate_content_stream(...)` and closes it (`aclose()`)
#            ends the request, and the model stops.
# Happens:   only the outermost of its generators is closed. Those within, and the connection at the
#            end of them, refer to each other and live until Python's garbage collector comes by,
#            which may be minutes; until then the model writes on, and is paid for.
# Ours:      andes_client/sources/closing.py closes the generators within, one after the other.
set -euo pipefail
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT

"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check \
  google-genai==3.6.1 aiohttp==3.14.5

"$place/venv/bin/python" - <<'PROGRAM'
import asyncio
import gc
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google import genai

left = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        part = {"candidates": [{"content": {"role": "model", "parts": [{"text": "word "}]}}]}
        data = f"data: {json.dumps(part)}\n\n".encode()
        try:
            while True:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                time.sleep(0.01)
        except OSError:
            left.set()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
options = genai.types.HttpOptions(base_url=f"http://127.0.0.1:{server.server_port}")


async def main():
    gc.disable()  # it comes by when it likes; here, when we say so
    client = genai.Client(api_key="none-at-all", vertexai=False, http_options=options)
    stream = await client.aio.models.generate_content_stream(model="m", contents="Hi")
    async for _ in stream:
        break
    await stream.aclose()
    del stream
    if await asyncio.to_thread(left.wait, 3):
        sys.exit("changed: the request has ended with its stream")
    print("3 s after the stream was closed the server still sends")
    gc.collect()
    await asyncio.sleep(0)
    if not await asyncio.to_thread(left.wait, 10):
        sys.exit("changed: not even the garbage collector ends the request")
    print("it has stopped after a run of the garbage collector")
    await client.aio.aclose()


asyncio.run(main())
PROGRAM
