"""A plug-in for pytest: vLLM's files for GPUs run on a machine that has none.

    PYTHONPATH=FILES python -m pytest -p tests.engine.cpu_platform tests/engine/test_admission.py

FILES is a folder with the Python files of a release that has no build for the CPU, such as
benchmarks/vllm_versions.py makes; the environment is that of the newest release that has one.
Tests that start programs, which do not load the plug-in, are none for it.
"""

import vllm.platforms
from vllm.platforms.cpu import CpuPlatform

__all__: list[str] = []

vars(vllm.platforms)["_current_platform"] = CpuPlatform()
