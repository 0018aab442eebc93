"""What a server says about itself, and what it is told when it says too little."""

import contextlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from andes_backend.lab.bench.load import Target
from andes_backend.lab.calibrate.facts import (
    FactsError,
    ask,
    cache_of,
    metrics,
    without_credentials,
)
from andes_backend.lab.calibrate.session import Options, calibrate, limits_of

CACHE = (
    '# TYPE vllm:cache_config_info gauge\nvllm:cache_config_info{block_size="32",'
    'cache_dtype="auto",engine="ENGINE",num_gpu_blocks="160",sliding_window="None"} 1.0\n'
)
ONE = CACHE.replace("ENGINE", "0")
BUSY = 'vllm:num_requests_running{engine="0"} 2.0\nvllm:num_requests_waiting{engine="0"} 1.0\n'
MODELS: dict[str, Any] = {"data": [{"id": "tiny", "max_model_len": 1024}, {"id": "other"}]}


class Server(ThreadingHTTPServer):
    """Answers GET with what `pages` has; anything else is a 404."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages: dict[str, str] = {}
        self.endless: dict[str, int] = {}
        """Paths whose answers have no end, with their status."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.path in self.server.endless:
            self.send_response(self.server.endless[self.path])
            self.end_headers()
            with contextlib.suppress(OSError):  # until the client goes
                while True:
                    self.wfile.write(b"x" * 65536)
            return
        page = self.server.pages.get(self.path)
        self.send_response(404 if page is None else 200)
        self.end_headers()
        self.wfile.write((page or "not here").encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        running.pages = {
            "/v1/models": json.dumps(MODELS),
            "/version": '{"version": "0.32.0"}',
            "/metrics": ONE,
        }
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def options(server: Server, model: str = "tiny", **more: Any) -> Options:
    target = Target(url=server.url, model=model)
    return Options(target=target, out=Path("nowhere/profile.json"), **more)


def test_a_vllm_server_says_all_that_is_needed(server: Server) -> None:
    facts = ask(options(server).target)
    assert (facts.version, facts.max_model_len, facts.busy) == ("0.32.0", 1024, 0)
    limits = limits_of(facts, options(server, max_sequences=64))
    assert (limits.kv_tokens, limits.block_size) == (5120, 32)
    assert (limits.max_model_len, limits.max_sequences, limits.max_step_tokens) == (1024, 64, 2048)


def test_what_the_options_say_goes_first(server: Server) -> None:
    given = options(server, kv_tokens=999, block_size=3, max_step_tokens=77)
    limits = limits_of(ask(given.target), given)
    assert (limits.kv_tokens, limits.block_size, limits.max_step_tokens) == (999, 3, 77)
    assert limits.max_sequences == 256, "at most so many are tried"


def test_a_server_without_metrics_needs_two_options(server: Server) -> None:
    del server.pages["/metrics"]
    assert metrics(options(server).target) == {}
    with pytest.raises(FactsError, match="give --kv-tokens and --block-size"):
        calibrate(options(server))
    given = options(server, kv_tokens=1000, block_size=16)
    assert limits_of(ask(given.target), given).kv_tokens == 1000


def test_a_server_that_is_no_vllm_is_refused(server: Server) -> None:
    server.pages = {"/v1/models": '{"data": [{"id": "tiny"}]}', "/metrics": "up 1\n"}
    facts = ask(options(server).target)
    assert facts.version is None
    with pytest.raises(FactsError, match="max_model_len in /v1/models"):
        limits_of(facts, options(server, kv_tokens=1000, block_size=16))


@pytest.mark.parametrize("path", ["/v1/models", "/version", "/metrics"])
@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_without_end_is_read_up_to_a_bound(
    server: Server, path: str, status: int
) -> None:
    server.endless[path] = status
    if path == "/v1/models":
        with pytest.raises(FactsError, match=r"HTTP 500|is not a list of models"):
            ask(options(server).target)
    else:
        assert ask(options(server).target).max_model_len == 1024


def test_a_wrong_name_is_answered_with_the_right_ones(server: Server) -> None:
    with pytest.raises(FactsError, match=r"has no model 'tinny'; it has: tiny, other"):
        ask(options(server, "tinny").target)


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (None, r"/v1/models: HTTP 404 \(not here\): the URL must be"),
        ("[]", "is not a list of models"),
    ],
)
def test_a_server_of_another_kind_is_named(server: Server, page: str | None, message: str) -> None:
    server.pages = {} if page is None else {"/v1/models": page}
    with pytest.raises(FactsError, match=message):
        ask(options(server).target)


def test_no_server_is_said_so() -> None:
    with pytest.raises(FactsError, match=r"http://127\.0\.0\.1:9 does not answer"):
        ask(Target(url="http://me:secret@127.0.0.1:9", model="tiny"))


def test_a_busy_server_is_left_alone(server: Server) -> None:
    server.pages["/metrics"] = ONE + BUSY
    with pytest.raises(FactsError, match="the server is busy with 3 other requests"):
        calibrate(options(server))


def test_several_engines_cannot_be_told_apart() -> None:
    with pytest.raises(FactsError, match="has 2 engines, but a profile describes one"):
        cache_of(ONE + CACHE.replace("ENGINE", "1"))


def test_a_cache_of_no_known_size_is_none() -> None:
    assert cache_of(ONE.replace('"160"', '"None"')) == cache_of("") == (None, None)


def test_credentials_stay_out_of_files() -> None:
    url = "https://me:secret@host:8000/under?key=secret"
    assert without_credentials(url) == "https://host:8000/under"
