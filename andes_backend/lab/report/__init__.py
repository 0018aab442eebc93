"""What came back for a workload, from a live server or from the twin: figures and pictures."""

__all__: list[str] = []
