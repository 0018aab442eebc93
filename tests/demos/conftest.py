import pytest

from andes_client.testing import virtual_clock_backends


@pytest.fixture(params=virtual_clock_backends(), ids=lambda backend: backend[0])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Tests marked `anyio` run on asyncio and on trio, on a clock that jumps."""
    return request.param
