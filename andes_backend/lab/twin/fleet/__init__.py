"""`andes twin --replicas N`: several simulated servers behind a router."""

__all__: list[str] = []
