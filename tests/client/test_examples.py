"""The README's programs as they stand, run by a fresh interpreter against a real server."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.scripted_server import DONE, ScriptedServer, chat, sse

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
PROGRAMS = ["openai_chat.py", "anthropic_chat.py"]


def run(program: str, *arguments: str, url: str = "") -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(EXAMPLES.parent),
        "PYTHONIOENCODING": "utf-8",
        "NO_PROXY": "127.0.0.1",
        "OPENAI_BASE_URL": url + "/v1",
        "OPENAI_API_KEY": "none",
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "none",
    }
    return subprocess.run(
        [sys.executable, EXAMPLES / program, *arguments],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


@pytest.mark.slow
def test_openai(server: ScriptedServer) -> None:
    server.says(chat(role="assistant", content=""), chat(content="One\u2028two 漢字"), DONE)
    done = run("openai_chat.py", "scripted", "How many?", url=server.url)
    assert (done.stdout, done.stderr, done.returncode) == ("One\u2028two 漢字", "", 0)
    (request,) = server.received
    assert request.path == "/v1/chat/completions"
    asked = request.json()
    assert asked["stream"] is True
    assert asked["model"] == "scripted"
    assert asked["messages"] == [{"role": "user", "content": "How many?"}]


@pytest.mark.slow
def test_anthropic(server: ScriptedServer) -> None:
    message = {"id": "m", "type": "message", "role": "assistant", "content": [], "model": "m"}
    events: list[dict[str, object]] = [
        {
            "type": "message_start",
            "message": {**message, "usage": {"input_tokens": 1, "output_tokens": 0}},
        },
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "One two"},
        },
        {"type": "content_block_stop", "index": 0},
        {"type": "message_stop"},
    ]
    server.says(*[sse(event, str(event["type"])) for event in events])
    done = run("anthropic_chat.py", "scripted", "How many?", url=server.url)
    assert (done.stdout, done.stderr, done.returncode) == ("One two", "", 0)
    (request,) = server.received
    assert request.path == "/v1/messages"
    assert request.json()["messages"] == [{"role": "user", "content": "How many?"}]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_has_ten_lines(program: str) -> None:
    """Of code: without its docstring and blank lines."""
    source = (EXAMPLES / program).read_text()
    docstring = ast.get_docstring(ast.parse(source), clean=False)
    assert docstring is not None
    lines = source.replace(f'"""{docstring}"""', "").splitlines()
    assert len([line for line in lines if line.strip()]) <= 10
