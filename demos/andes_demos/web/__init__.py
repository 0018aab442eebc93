"""`andes web`: the demos in a browser.

One page shows the same answer twice, raw and paced; `andes web chat` and the like show a
terminal program in a page.
"""

__all__ = ["answer", "app", "command", "guard", "program", "terminal", "upstream"]
