import pytest

from andes_backend.lab.campaign.campaign import ENVIRONMENT, PRELOAD
from andes_backend.lab.campaign.pool import run_tasks
from tests.lab.campaign import pool_tasks


@pytest.fixture(scope="session", autouse=True)
def _processes_are_there() -> None:
    """What all pools fork from is started once in a session, with all that campaigns need in it.

    A test of the pool alone, were it the first, would start it without.
    """
    list(run_tasks(pool_tasks.double, [1], jobs=1, environment=ENVIRONMENT, preload=PRELOAD))
