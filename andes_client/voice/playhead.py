"""Where a player is that says little: it was given audio, it began, it was halted."""

__all__ = ["Playhead"]


class Playhead:
    """The position of a player that plays what it has at its own speed, and waits for more.

    Every method takes `now`, seconds on one clock, never going back.
    """

    def __init__(self) -> None:
        self.given_s = 0.0
        """Audio that the player was given, seconds."""
        self._played_s = 0.0
        self._since: float | None = None  # it plays, and `_played_s` is of that moment
        self._begun = self._halted = False

    def give(self, seconds: float, now: float) -> None:
        """The player has got so much more."""
        self.played(now)
        self.given_s += seconds

    def start(self, now: float) -> None:
        """It began at that moment, or goes on."""
        self._begun, self._halted = True, False
        self._since = now if self._since is None else self._since

    def halt(self, now: float) -> None:
        """It plays nothing for now."""
        self.played(now)
        self._halted, self._since = True, None

    def resume(self, now: float) -> None:
        """It goes on, if it had begun."""
        if self._halted and self._begun:
            self.start(now)
        self._halted = False

    def is_at(self, position: float, now: float) -> None:
        """The player itself says where it is, in seconds."""
        self._played_s = min(position, self.given_s)
        self._since = now if self._since is not None else None

    def finish(self, position: float, now: float) -> None:
        """It has stopped there for good."""
        self.is_at(position, now)
        self._since, self._begun = None, False

    def played(self, now: float) -> float:
        """Seconds of audio that have been played."""
        if self._since is not None and now > self._since:
            self._played_s = min(self.given_s, self._played_s + now - self._since)
            self._since = now
        return self._played_s
