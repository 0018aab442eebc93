"""How long a comparison will still take: at first by experience, then by what its runs took."""

from dataclasses import dataclass
from typing import Final

from andes_backend.lab.report.run import Run, summarise
from andes_backend.lab.workload import Workload

__all__ = ["TimeLeft", "duration"]

_TELLING_S: Final = 30.0  # a run's own speed says little before


@dataclass(slots=True)
class TimeLeft:
    """Expects a run to last as long as its arrivals, or as the server needs for its tokens."""

    tokens_per_s: float = 350.0
    """The most that was seen of any policy. At first: the tiny model on two cores."""
    around_s: float = 60.0
    """Before and after the load: starting and ending the server, the last one's time."""
    _runs: int = 0

    def learn(self, run: Run, wall_s: float | None = None) -> None:
        """Take in a run that is complete.

        Args:
            run: what came back.
            wall_s: all that it took, seconds; None if it was measured at another time.
        """
        summary = summarise(run)
        if summary.tokens_per_s is None:
            return
        fastest = max(self.tokens_per_s, summary.tokens_per_s)
        self.tokens_per_s = fastest if self._runs else summary.tokens_per_s
        self._runs += 1
        if wall_s is not None:
            self.around_s = max(0.0, wall_s - summary.duration_s)

    def expected_s(self, workload: Workload) -> float:
        """All that a run which has not begun will take, seconds."""
        return self.around_s + self.left_s(workload, 0, 0.0)

    def left_s(self, workload: Workload, tokens: int, elapsed_s: float) -> float:
        """What is left of a run that is under way, seconds.

        Args:
            workload: what is being sent.
            tokens: received so far.
            elapsed_s: since its start.
        """
        speed = self.tokens_per_s
        if elapsed_s >= _TELLING_S and tokens:
            speed = tokens / elapsed_s
        missing = sum(request.output_tokens for request in workload.requests) - tokens
        return max(0.0, workload.requests[-1].arrival_s - elapsed_s, missing / speed)


def duration(seconds: float) -> str:
    """As a person says it: "less than a minute", "about 12 min", "about 1 h 40 min"."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    hours, minutes = divmod(minutes, 60)
    return f"about {hours} h {minutes} min" if hours else f"about {minutes} min"
