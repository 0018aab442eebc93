"""The vLLM adapter, and the only room (with the twin) that imports vllm."""

__all__: list[str] = []
