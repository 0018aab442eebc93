"""Starting and ending a server, with small programs in vLLM's place; and reading its metrics."""

import contextlib
import json
import os
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from andes_backend.lab.bench import server as module
from andes_backend.lab.bench.server import (
    Server,
    ServerError,
    fast_dtype,
    free_port,
    parse_metrics,
    serve,
    serve_tiny,
)

# A leader with a worker: the worker serves HTTP and, like a hung one, ignores SIGTERM.
HEALTHY = """
import http.server, os, signal, sys
print("starting on", sys.argv[1], os.environ.get("COLOUR"), flush=True)
if os.fork():
    os.wait()
else:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"requests_total 3.0\\n")
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
UNHEALTHY = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(503)
print("never well", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
BROKEN = (
    "print('ValueError: the cause'); print('\\n'.join(f'line {i}' for i in range(100))); "
    "raise SystemExit(3)"
)


def command(program: str, port: int) -> list[str]:
    return [sys.executable, "-c", program, str(port)]


def listens(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def closes(port: int) -> bool:
    """Whether nothing listens there any more; a killed process takes a moment to go."""
    for _ in range(200):
        if not listens(port):
            return True
        time.sleep(0.01)
    return False


def test_a_server_is_healthy_in_the_block_and_all_of_it_gone_after(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "logs" / "server.log"
    with serve(command(HEALTHY, port), port, model="m", log=log, environment={"COLOUR": "x"}) as s:
        assert (s.url, s.model, s.log) == (f"http://127.0.0.1:{port}", "m", log)
        assert s.metrics() == {"requests_total": 3.0}
        assert os.getpgid(s.pid) == s.pid != os.getpgid(0)
    assert closes(port), "the worker, which ignores SIGTERM, is still there"
    assert log.read_text().startswith(f"starting on {port} x")


def test_a_server_says_under_its_own_path_that_it_is_ready(tmp_path: Path) -> None:
    elsewhere = UNHEALTHY.replace("self.send_error(503)", "self.send_error(WELL[self.path])")
    program = f"WELL = {{'/health': 503, '/health/live': 200}}{elsewhere}"
    port = free_port()
    with serve(
        command(program, port), port, model="m", log=tmp_path / "log", health="/health/live"
    ) as server:
        assert server.url == f"http://127.0.0.1:{port}"


def test_an_error_in_the_block_ends_the_server_too(tmp_path: Path) -> None:
    port = free_port()
    with (
        pytest.raises(ZeroDivisionError),
        serve(command(HEALTHY, port), port, model="m", log=tmp_path / "log"),
    ):
        raise ZeroDivisionError
    assert closes(port)


def test_a_server_that_dies_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "server.log"
    with (
        pytest.raises(ServerError, match="ended with status 3 before it was healthy") as died,
        serve(command(BROKEN, port), port, model="m", log=log),
    ):
        pytest.fail("it is not running")
    lines = str(died.value).splitlines()
    assert lines[0].endswith("Its first error:")
    assert lines[1:3] == ["  ValueError: the cause", f"The last lines of {log}:"]
    assert lines[3:] == [f"  line {i}" for i in range(75, 100)]


def test_a_server_that_never_gets_well_is_given_up_and_ended(tmp_path: Path) -> None:
    port = free_port()
    with (
        pytest.raises(ServerError, match=r"not healthy within 1 s\. The last lines"),
        serve(command(UNHEALTHY, port), port, model="m", log=tmp_path / "log", start_s=1.0),
    ):
        pytest.fail("it is not healthy")
    assert closes(port)


@pytest.mark.parametrize("policy", [None, "qoe"])
def test_vllm_gets_our_scheduler_only_with_a_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str | None
) -> None:
    """What `serve_tiny` runs, without running it."""
    started: list[tuple[list[str], int]] = []

    @contextlib.contextmanager
    def noted(command: list[str], port: int, **_: object) -> Iterator[Server]:
        started.append((command, port))
        yield Server(f"http://127.0.0.1:{port}", "tiny", tmp_path, 1)

    monkeypatch.setattr(module, "serve", noted)
    with serve_tiny(
        "model",
        log="log",
        policy=policy,
        settings={"fairness": 0},
        kv_blocks=99,
        extra=("--seed", "3"),
    ):
        pass
    ((words, port),) = started
    assert words[:3] == [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
    assert words[words.index("--port") + 1] == str(port)
    assert words[words.index("--model") + 1] == "model"
    assert " ".join(words).endswith("--seed 3")
    assert words[words.index("--num-gpu-blocks-override") + 1] == "99"
    assert ("--scheduler-cls" in words) == (policy is not None)
    if policy is not None:
        assert words[words.index("--scheduler-cls") + 1] == "andes_backend.AndesScheduler"
        config = json.loads(words[words.index("--additional-config") + 1])
        assert config == {"andes": {"policy": "qoe", "fairness": 0}}


@pytest.mark.parametrize(
    ("flags", "dtype"),
    [
        ("fma avx avx2", "float32"),
        ("avx2 avx512f avx512_bf16", "auto"),
        ("fp asimd bf16", "auto"),
        (None, "auto"),
    ],
)
def test_a_cpu_computes_in_numbers_that_it_multiplies(
    tmp_path: Path, flags: str | None, dtype: str
) -> None:
    file = tmp_path / "cpuinfo"
    if flags is not None:
        file.write_text(f"processor : 0\nflags : {flags}\n")
    assert fast_dtype(file) == dtype


def test_metrics_are_summed_over_labels_without_buckets() -> None:
    text = """
# HELP vllm:running Requests running.
# TYPE vllm:running gauge
vllm:running{engine="0",model_name="a b"} 2.0
vllm:running{engine="1",model_name="a b"} 3.0
vllm:ttft_bucket{le="0.1"} 7.0
vllm:ttft_bucket{le="+Inf"} 9.0
vllm:ttft_sum{engine="0"} 1.5e-1
vllm:ttft_count 9
"""
    assert parse_metrics(text) == {"vllm:running": 5.0, "vllm:ttft_sum": 0.15, "vllm:ttft_count": 9}


def test_metrics_of_one_engine_are_told_from_those_of_the_others() -> None:
    text = (
        'vllm:tokens_total{engine="0",model_name="m"} 3.0\n'
        'vllm:tokens_total{engine="1",model_name="m"} 4.0\n'
        'vllm:tokens_total{engine="11",model_name="m"} 5.0\n'
        "python_info 1.0\n"
    )
    assert parse_metrics(text) == {"vllm:tokens_total": 12.0, "python_info": 1.0}
    assert parse_metrics(text, engine=1) == {"vllm:tokens_total": 4.0}
    assert parse_metrics(text, engine=2) == {}


def test_no_metrics_are_none() -> None:
    assert parse_metrics("") == {}


def test_loopback_is_reached_without_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert urllib.request.getproxies()["http"] == "http://127.0.0.1:1"
    port = free_port()
    with serve(command(HEALTHY, port), port, model="m", log=tmp_path / "log", start_s=10.0) as s:
        assert s.metrics() == {"requests_total": 3.0}
