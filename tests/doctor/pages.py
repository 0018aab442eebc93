"""A small HTTP server on loopback with given pages, and pages as vLLM has them."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

CACHE = (
    'vllm:cache_config_info{{block_size="16",enable_prefix_caching="{caching}",engine="{engine}",'
    'kv_cache_size_tokens="{tokens}",kv_offloading_size="{offload}",num_gpu_blocks="100"}} 1.0\n'
)
MODELS = json.dumps({"data": [{"id": "tiny"}]})
VERSION = '{"version": "0.32.0"}'
ENDLESS = "without end"
"""A page of which more and more is sent."""


def cache(
    *, engine: int = 0, tokens: int = 1600, caching: bool = True, offload: str = "None"
) -> str:
    """The line with vLLM's cache configuration of one engine."""
    return CACHE.format(engine=engine, tokens=tokens, caching=caching, offload=offload)


def lines(values: Mapping[str, float]) -> str:
    """Samples as Prometheus' text: `name{labels}` -> value."""
    return "".join(f"{name} {value}\n" for name, value in values.items())


@contextlib.contextmanager
def serving(
    pages: Mapping[str, str | Iterator[str]], status: Mapping[str, int] | None = None
) -> Iterator[str]:
    """The URL of a server that has these pages, or answers with a status.

    Of a page that is an iterator, each call gets the next.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code = (status or {}).get(self.path, 200 if self.path in pages else 404)
            self.send_response(code)
            self.end_headers()
            page = pages.get(self.path, "not here")
            page = page if isinstance(page, str) else next(page)
            with contextlib.suppress(OSError):  # the client goes
                while page == ENDLESS:
                    self.wfile.write(b"x" * 65536)
                self.wfile.write(page.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
