"""Latency profiles as data, one JSON file each; see `andes_backend.profile`."""

__all__: list[str] = []
