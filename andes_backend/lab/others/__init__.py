"""Runs that other benchmarks have made, as runs of ours: what `andes bench read` reads."""

__all__: list[str] = []
