"""Things a person runs and watches.

`python -m demos.side_by_side` shows one bursty stream twice: raw, and paced.
`python -m demos.timelines` draws when text arrives and when it is released.
"""

__all__ = ["bursty_server", "measures", "screen", "side_by_side", "stream", "timelines"]
