"""vLLM's real scheduler on a virtual clock: what a policy would do on any GPU, in seconds.

simulation = simulate(workload, Setup(profile=load_profile("opt-66b-4xa100"), policy="qoe"))
"""

__all__: list[str] = []
