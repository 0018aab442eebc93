"""Things a person runs and watches.

- `scenarios`: `andes demo`, the paper's three scenarios, raw and paced, side by side
- `board`: `andes board`; `chat`: `andes chat`
- `bursty_server`: the server that all of them can do with

`python -m andes_demos.timelines` draws when text arrives and when it is released.
"""

__all__ = ["bursty_server", "timelines"]
