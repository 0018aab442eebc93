"""What several benchmarks need: proxies, scripted servers, environments of other programs."""

__all__: list[str] = []
