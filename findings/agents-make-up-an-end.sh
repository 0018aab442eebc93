#!/usr/bin/env bash
# pydantic-ai-slim 2.68.0, openai-agents 0.24.0 and strands-agents 1.62.0, each with its model class
# for OpenAI's chat completions, and a server of your own.
#
# Expected:  of a stream whose body ends before the answer has (no finish reason, no [DONE]) the agent
#            says that the answer is not whole: by an error, or at least by no finish reason.
# Happens:   all three say that the model has finished: "stop", "completed", "end_turn". Strands also
#            drops the text: the message that goes into the history is empty.
# Ours:      andes_client/sources/pydantic_ai.py and strands.py tell it from other fields, and raise;
#            openai_agents.py cannot.
set -euo pipefail
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT

for group in new old; do  # two environments: Strands needs openai before 3
  "${PYTHON:-python3}" -m venv "$place/$group"
done
pip() { "$place/$1/bin/pip" install --quiet --disable-pip-version-check "${@:2}"; }
pip new 'pydantic-ai-slim[openai]==2.68.0' openai-agents==0.24.0
pip old 'strands-agents[openai]==1.62.0'

cat >"$place/program.py" <<'PROGRAM'
import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HALF = {
    "id": "1",
    "object": "chat.completion.chunk",
    "created": 0,
    "model": "m",
    "choices": [{"index": 0, "delta": {"content": "Half"}, "finish_reason": None}],
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        data = f"data: {json.dumps(HALF)}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")  # the body is complete; the answer is not

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = {"base_url": f"http://127.0.0.1:{server.server_port}/v1", "api_key": "none"}


async def pydantic_ai():
    import openai
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(openai_client=openai.AsyncOpenAI(**client, max_retries=0))
    async with Agent(OpenAIChatModel("m", provider=provider)).run_stream_events("Hi") as events:
        async for event in events:
            pass
    response = event.result.response
    return response.finish_reason, response.text


async def openai_agents():
    import agents
    import openai

    model = agents.OpenAIChatCompletionsModel("m", openai.AsyncOpenAI(**client, max_retries=0))
    config = agents.RunConfig(tracing_disabled=True)
    result = agents.Runner.run_streamed(agents.Agent(name="a", model=model), "Hi", run_config=config)
    async for event in result.stream_events():
        if event.type == "raw_response_event":
            last = event.data.type
    return last.removeprefix("response."), result.final_output


async def strands():
    from strands import Agent
    from strands.models.openai import OpenAIModel

    agent = Agent(model=OpenAIModel(client_args=client, model_id="m"), callback_handler=None)
    async for event in agent.stream_async("Hi"):
        if "result" in event:
            result = event["result"]
    return result.stop_reason, "".join(part["text"] for part in result.message["content"])


WANTED = {
    pydantic_ai: ("stop", "Half"),
    openai_agents: ("completed", "Half"),
    strands: ("end_turn", ""),
}
for run, wanted in WANTED.items():
    if run.__name__ not in sys.argv[1:]:
        continue
    try:
        came = asyncio.run(run())
    except Exception as error:
        sys.exit(f"changed: {run.__name__} raises {type(error).__name__}: {error}")
    print(f"{run.__name__}: finished as {came[0]!r}, with the text {came[1]!r}")
    if came != wanted:
        sys.exit(f"changed: {run.__name__} gave {came}")
PROGRAM
"$place/new/bin/python" "$place/program.py" pydantic_ai openai_agents
"$place/old/bin/python" "$place/program.py" strands
