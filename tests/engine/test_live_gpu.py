"""The same server on a CUDA device. Skipped, and said so in the summary, without one."""

from pathlib import Path

import pytest
import torch

from andes_backend.lab.bench.load import Load, Target
from andes_backend.lab.bench.server import serve_tiny
from andes_backend.lab.workload import make_workload

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.live,
    pytest.mark.skipif(
        not torch.cuda.is_available(), reason="LOUD: everything on a GPU: there is none here"
    ),
]


@pytest.mark.parametrize("policy", [None, "fcfs", "qoe"])
@pytest.mark.asyncio
async def test_an_overloaded_server_on_a_gpu_loses_nothing(
    tiny_model: Path, tmp_path: Path, policy: str | None
) -> None:
    with serve_tiny(tiny_model, policy=policy, log=tmp_path / "server.log") as server:
        workload = make_workload(60, rate=60.0, seed=1, max_length=800)
        load = Load(workload, Target(url=server.url, model=server.model))
        await load.run()
        assert server.metrics()["vllm:num_preemptions_total"] > 0, "it was meant to be overloaded"
    assert [outcome.error for outcome in load.outcomes] == [None] * 60
    assert sum(outcome.lost + outcome.excess for outcome in load.outcomes) == 0
    assert "planning failed" not in (tmp_path / "server.log").read_text()
