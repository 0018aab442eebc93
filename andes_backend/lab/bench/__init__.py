"""Drives a live server and reports QoE, TTFT, TDS, stalls and throughput."""

__all__: list[str] = []
