from collections.abc import Iterator

import pytest

from andes_client.testing import virtual_clock_backends
from tests.demos.web_browser import Browser, chromium


@pytest.fixture(params=virtual_clock_backends(), ids=lambda backend: backend[0])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Tests marked `anyio` run on asyncio and on trio, on a clock that jumps."""
    return request.param


@pytest.fixture(scope="session")
def one_chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def browser(one_chromium: Browser) -> Iterator[Browser]:
    """A real Chromium, on an empty page of usual size."""
    one_chromium.size(1280, 900)
    one_chromium.dark(False)
    yield one_chromium
    one_chromium.leave()
