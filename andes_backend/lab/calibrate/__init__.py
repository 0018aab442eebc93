"""Measures how long the steps of a live vLLM server take, and fits a latency profile to them."""

__all__: list[str] = []
