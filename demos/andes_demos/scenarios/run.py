"""One scenario as it runs: a stream over HTTP, both of its readers, and their controls."""

import math
from collections.abc import Callable

import httpx2

from andes_client import Expectation, Paced
from andes_demos.scenarios.measures import Comparison
from andes_demos.scenarios.scenario import Scenario
from andes_demos.scenarios.server import model_name
from andes_demos.scenarios.stream import Clock, compare, deltas

__all__ = ["Run"]


class Run:
    """A request, submitted now, and what is shown of its answer. Make it in an event loop.

    Args:
        scenario: which server is asked.
        expectation: both readers', to begin with.
        lump_s: how bursty the server is, one of LUMPS_S.
        hurry: how many times as fast as in life everything goes. All times are given as in
            life.
    """

    def __init__(
        self, scenario: Scenario, expectation: Expectation, *, lump_s: float = 0.0, hurry: float = 1
    ) -> None:
        self.scenario = scenario
        self.comparison = Comparison(expectation)
        """What both sides have shown."""
        self.trouble = ""
        """What went wrong with the stream, in words."""
        self._lump_s = lump_s
        self._clock = Clock(hurry)
        self._paced: Paced | None = None  # while it has controls
        self._ended_at: float | None = None

    @property
    def now(self) -> float:
        """Seconds since submission; they stand still once everything has been read."""
        if self._ended_at is None:
            return self._clock.now()
        return self._ended_at

    @property
    def is_done(self) -> bool:
        """Whether all text has been shown, and both readers were through with it."""
        return self._ended_at is not None

    def look(self) -> float:
        """Like `now`, which stands still from when this finds that everything has been read."""
        now, both = self.now, self.comparison
        if self._ended_at is None and both.paced.ended and not both.ahead_s(now):
            self._ended_at = now
        return now

    async def go(
        self,
        client: httpx2.AsyncClient,
        url: str,
        on_release: Callable[[str], object] = lambda _: None,
    ) -> None:
        """Read the stream to its end; being cancelled closes it.

        Args:
            client: it is not closed.
            url: of `serving_scenarios`.
            on_release: called with each piece of text just after its release on the paced side.
        """
        told = self._clock.hurried(self.comparison.expectation)
        model = model_name(self.scenario.key, self._lump_s)
        stream = deltas(client, url, told, model=model)
        try:
            await compare(
                self.comparison, stream, self._clock, on_release, take_controls=self._take_controls
            )
        except httpx2.HTTPError as error:
            self.trouble = f"the stream broke off: {error}"
            self.comparison.raw.ended = self.comparison.paced.ended = True

    def change_speed(self, expectation: Expectation) -> None:
        """From now on both readers expect this speed."""
        self.comparison.change_speed(expectation.tds, self.now)
        if self._paced is not None and self._paced.statistics().speed < math.inf:
            self._paced.speed(expectation.tds / self.comparison.expectation.tds)

    def pause(self) -> None:
        """Both readers look away; the server goes on."""
        self.comparison.pause(self.now)
        if self._paced is not None:
            self._paced.pause()

    def resume(self) -> None:
        """Both readers are back."""
        self.comparison.resume(self.now)
        if self._paced is not None:
            self._paced.resume()

    def reveal_all(self) -> None:
        """Show on the paced side, too, whatever is there, as it comes."""
        if self._paced is not None:
            self._paced.reveal_all()

    def _take_controls(self, paced: Paced | None) -> None:
        self._paced = paced
