from collections.abc import Iterator

import pytest

from andes_backend.lab.bench import measure
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


@pytest.fixture(scope="module", autouse=True)
def _quick_warm_up() -> Iterator[None]:
    """A warm-up takes no second, which the fake server has no need of."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "_WARM_UP_S", 0.01)
        yield
