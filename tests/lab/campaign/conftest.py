import pytest

from tests import forked


@pytest.fixture(scope="session", autouse=True)
def _processes_are_there() -> None:
    """What all pools fork from is started once in a session, with all that campaigns need in it.

    A test of the pool alone, were it the first, would start it without.
    """
    forked.prepare_processes()
