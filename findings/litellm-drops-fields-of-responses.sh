#!/usr/bin/env bash
# LiteLLM's proxy 1.106.12.
#
# Expected:  a field that it does not know goes on to the server, as it does on
#            /v1/chat/completions, or the request is refused.
# Happens:   on /v1/responses it is dropped without a word: status 200, and the server never sees
#            it. So a server whose clients say something in `vllm_xargs` hears nothing of it.
# Ours:      docs/proxies.md.
set -euo pipefail
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT

"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check 'litellm[proxy]==1.106.12'

cat >"$place/program.py" <<'PROGRAM'
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = f"sk-{secrets.token_hex(32)}"
FIELD = {"vllm_xargs": {"speed": 4.8}}
ASKED = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Hi"}]},
    "/v1/responses": {"input": "Hi"},
}
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
PART = {"type": "output_text", "text": "Hi", "annotations": []}
ANSWER = {
    "id": "1", "created": 1, "created_at": 1, "model": "m", "status": "completed",
    "object": "chat.completion", "choices": [CHOICE], "error": None, "incomplete_details": None,
    "instructions": None, "metadata": {}, "parallel_tool_calls": True, "tool_choice": "auto",
    "tools": [], "temperature": 1.0, "top_p": 1.0,
    "output": [
        {
            "id": "2", "type": "message", "role": "assistant", "status": "completed",
            "content": [PART],
        }
    ],
    "usage": {
        "prompt_tokens": 1, "completion_tokens": 1, "input_tokens": 1, "output_tokens": 1,
        "total_tokens": 2,
    },
}
seen = {}


class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        seen[self.path] = body
        answer = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        return answer.status


def ready(port, proxy):
    for _ in range(300):
        if proxy.poll() is not None:
            sys.exit("the proxy did not start")
        try:
            return ask(port, "/health/liveliness")
        except OSError:
            time.sleep(1)
    sys.exit("the proxy was not ready in time")


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}/v1"
found = {}
for provider in ("hosted_vllm", "openai"):
    place = {"model": f"{provider}/m", "api_base": base, "api_key": "x"}
    config = os.path.join(sys.argv[2], f"{provider}.yaml")
    with open(config, "w") as file:
        models = [{"model_name": "m", "litellm_params": place}]
        json.dump({"model_list": models, "general_settings": {"master_key": KEY}}, file)
    port = free_port()
    proxy = subprocess.Popen(
        [sys.argv[1], "--host", "127.0.0.1", "--port", str(port), "--config", config],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
    )
    try:
        ready(port, proxy)
        for path, body in ASKED.items():
            seen.clear()
            status = ask(port, path, {"model": "m", **body, **FIELD})
            came = any(one.get("vllm_xargs") == FIELD["vllm_xargs"] for one in seen.values())
            found[provider, path] = came
            said = "the field came" if came else "the field did not come"
            print(f"{provider}, {path}: HTTP {status}, asked {', '.join(seen)}: {said}")
    finally:
        proxy.kill()
        proxy.wait()
if any(came != (path == "/v1/chat/completions") for (_, path), came in found.items()):
    sys.exit("changed: the field came on /v1/responses, or did not on /v1/chat/completions")
PROGRAM
"$place/venv/bin/python" "$place/program.py" "$place/venv/bin/litellm" "$place"
