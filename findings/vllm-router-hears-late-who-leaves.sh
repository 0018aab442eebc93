#!/usr/bin/env bash
# vllm-router 0.1.17.
#
# Expected:  when a client closes the connection of a stream, the router closes the one to the
#            server, which then stops working for nobody.
# Happens:   it does so only when the server sends something more. A request that waits for its
#            first text, or was preempted, keeps its place and its memory until it has some.
# Ours:      docs/proxies.md; readers' reports (docs/reports.md) are to reach the server itself.
set -euo pipefail
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT

"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check vllm-router==0.1.17

cat >"$place/program.py" <<'PROGRAM'
import asyncio
import socket
import sys
import time

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
EVENT = b'data: {"choices": [{"index": 0, "delta": {"content": "one"}}]}\n\n'
BODY = b'{"model": "m", "stream": true, "messages": [{"role": "user", "content": "Hi"}]}'
SILENCE_S = 10.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """Answers a stream with one event, waits, and sends more when told to."""

    def __init__(self):
        self.more, self.closed = asyncio.Event(), asyncio.Event()

    async def serve(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"POST /v1/chat/completions HTTP"):  # is it well, and the like
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
            await writer.drain()
            writer.close()
            return
        writer.write(HEAD + chunk(EVENT))
        more = asyncio.create_task(self.send_more(writer))
        while await reader.read(65536):  # the request's body, and then nothing until it is closed
            pass
        self.closed.set()
        more.cancel()
        writer.close()

    async def send_more(self, writer):
        await self.more.wait()
        for _ in range(50):
            writer.write(chunk(EVENT))
            await writer.drain()
            await asyncio.sleep(0.1)


def chunk(data):
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def read_one_and_leave(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(BODY)}\r\n"
    writer.write(head.encode() + b"content-type: application/json\r\n\r\n" + BODY)
    await reader.readuntil(b"one")
    writer.close()
    await writer.wait_closed()


async def ready(port):
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    sys.exit("the router did not start")


async def heard(server, seconds):
    began = time.monotonic()
    try:
        await asyncio.wait_for(server.closed.wait(), seconds)
    except TimeoutError:
        return None
    return time.monotonic() - began


async def main():
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    behind = listening.sockets[0].getsockname()[1]
    port, metrics = free_port(), free_port()
    router = await asyncio.create_subprocess_exec(
        sys.argv[1], "--host", "127.0.0.1", "--port", str(port),
        "--prometheus-host", "127.0.0.1", "--prometheus-port", str(metrics),
        "--worker-urls", f"http://127.0.0.1:{behind}", "--policy", "round_robin",
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        await ready(port)
        await read_one_and_leave(port)
        silent = await heard(server, SILENCE_S)
        server.more.set()
        after = await heard(server, SILENCE_S)
    finally:
        router.kill()
        await router.wait()
    return silent, after


silent, after = asyncio.run(main())
said = "never" if after is None else f"{after:.1f} s after the next event"
print(f"in {SILENCE_S:.0f} s of silence: {'closed' if silent is not None else 'still open'}; {said}")
if silent is not None or after is None:
    sys.exit("changed: the server hears at once who leaves, or not even with the next event")
PROGRAM
"$place/venv/bin/python" "$place/program.py" "$place/venv/bin/vllm-router"
