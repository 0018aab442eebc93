"""vLLM's engine in this process, with the tiny model."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from vllm import SamplingParams
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.sampling_params import RequestOutputKind
from vllm.v1.engine.async_llm import AsyncLLM

from andes_backend.lab.bench.server import fast_dtype
from andes_client import Expectation, pace
from andes_client.sources import text
from tests.client.scripted_server import DEADLINE_S

PROGRAM = Expectation.program()
ASK = "The first words of a story: once"

pytestmark = [pytest.mark.live, pytest.mark.anyio, pytest.mark.filterwarnings("ignore")]


@asynccontextmanager
async def engine(model: Path) -> AsyncIterator[Any]:
    arguments = AsyncEngineArgs(
        model=str(model),
        load_format="dummy",
        dtype=fast_dtype(),
        block_size=32,
        num_gpu_blocks_override=100,
        max_model_len=2048,
        enforce_eager=True,
        enable_log_requests=False,
    )
    made = AsyncLLM.from_engine_args(arguments)
    try:
        yield made
    finally:
        made.shutdown()


def asked(kind: RequestOutputKind, tokens: int) -> SamplingParams:
    return SamplingParams(temperature=0.0, max_tokens=tokens, ignore_eos=True, output_kind=kind)


async def read(stream: Any) -> tuple[str, Any]:
    texts = text(stream)
    async with pace(texts, PROGRAM) as paced:
        said = "".join([word async for word in paced])
    return said, texts.ending


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # it knows no other
async def test_the_engine_in_this_process(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One engine for all of it: to start it takes longer than the rest."""
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "2")
    async with engine(tiny_model) as llm:
        final = asked(RequestOutputKind.FINAL_ONLY, 40)
        whole = [one async for one in llm.generate(ASK, final, "whole")][-1].outputs[0].text
        for kind in (RequestOutputKind.CUMULATIVE, RequestOutputKind.DELTA):
            said, ending = await read(llm.generate(ASK, asked(kind, 40), kind.name))
            assert said == whole
            assert ending.reason == "length"

        left = llm.generate(ASK, asked(RequestOutputKind.DELTA, 1900), "left")
        async with pace(text(left), PROGRAM) as paced:
            async for _ in paced:
                break
        with anyio.fail_after(DEADLINE_S):
            while llm.output_processor.has_unfinished_requests():
                await anyio.wait_all_tasks_blocked()
    del llm, left, paced
    gc.collect()  # it leaves its ZeroMQ context to this, which warns
