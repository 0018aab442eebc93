from collections.abc import Iterator

import pytest

from tests.lab.bench.fake_server import FakeServer, serving


@pytest.fixture(scope="session")
def _the_server() -> Iterator[FakeServer]:
    with serving() as server:
        yield server


@pytest.fixture
def fake_server(_the_server: FakeServer) -> FakeServer:
    """The server of `fake_server.py`, not yet told what to do: it sends what it is asked for."""
    _the_server.forget()
    return _the_server
