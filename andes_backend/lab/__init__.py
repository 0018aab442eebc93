"""The laboratory: what a researcher or a planner runs. A server needs nothing of it.

It may import the server half of this package (policy, engine, config, ...), never the reverse.
"""

__all__: list[str] = []
