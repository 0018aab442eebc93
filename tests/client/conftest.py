from collections.abc import Iterator

import pytest
from trio.testing import MockClock

from andes_client.testing import virtual_clock_backends
from tests.client.scripted_server import ScriptedServer, serving


@pytest.fixture(params=virtual_clock_backends(), ids=lambda backend: backend[0])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Tests marked `anyio` run on asyncio and on trio, on a clock that jumps.

    It begins at 0 for each test: the times that a test expects are round.
    """
    name, options = request.param
    if name == "trio":
        options = {"clock": MockClock(autojump_threshold=0)}
    return name, options


@pytest.fixture(scope="session")
def scripted_server() -> Iterator[ScriptedServer]:
    with serving() as server:
        yield server


@pytest.fixture
def server(scripted_server: ScriptedServer) -> ScriptedServer:
    """A real HTTP server that sends what the test tells it to."""
    scripted_server.forget()
    return scripted_server
