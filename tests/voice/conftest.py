import pytest
from trio.testing import MockClock

from andes_client.testing import virtual_clock_backends


@pytest.fixture(params=virtual_clock_backends(), ids=lambda backend: backend[0])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Tests marked `anyio` run on asyncio and on trio, on a clock that jumps from 0."""
    name, options = request.param
    if name == "trio":
        options = {"clock": MockClock(autojump_threshold=0)}
    return name, options
