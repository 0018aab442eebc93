"""Checks a vLLM installation, its flags and a running server, and says what to do better."""

__all__: list[str] = []
