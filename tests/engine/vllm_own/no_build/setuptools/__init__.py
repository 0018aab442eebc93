"""Stands in for setuptools where pip asks vLLM's source distribution for its metadata."""

__all__: list[str] = []
