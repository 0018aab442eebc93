"""The screens of the demo as they look; the runs in them are real, on a virtual clock."""

import asyncio
import re

import pytest
from andes_demos.scenarios.picture import clean
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.image import SVGImageSnapshotExtension

from tests.demos.demo_room import StillApp, stopped_runs

pytestmark = pytest.mark.asyncio


@pytest.fixture
def svg(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(SVGImageSnapshotExtension)


async def picture(app: StillApp, size: tuple[int, int], *keys: str) -> str:
    """The screen as SVG, without what differs from version to version of the libraries."""
    async with app.run_test(size=size) as pilot:
        await pilot.press(*keys)
        for _ in range(3):
            await pilot.pause(0.1)
        return re.sub(r"terminal-\d+-", "terminal-", clean(app.export_screenshot(simplify=True)))


@pytest.mark.parametrize(
    ("size", "alone", "at_s", "keys"),
    [
        ((80, 24), 0, 22.0, []),
        ((80, 24), 3, 22.0, ["t"]),
        ((80, 24), 0, 5.0, ["question_mark"]),
        ((200, 60), 0, 22.0, []),
        ((200, 60), 2, 12.0, ["t"]),
    ],
    ids=["small", "small-one-light", "small-help", "large", "large-one-light"],
)
async def test_screen(
    size: tuple[int, int], alone: int, at_s: float, keys: list[str], svg: SnapshotAssertion
) -> None:
    runs = await asyncio.to_thread(stopped_runs, at_s)  # in an event loop of their own
    assert await picture(StillApp(runs, alone), size, *keys) == svg
