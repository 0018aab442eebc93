"""What a front end makes of the news from two engine cores: prints its /metrics.

python -m tests.engine.front_end MODEL stock|ours
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prometheus_client import generate_latest
from vllm.v1.engine import EngineCoreOutputs
from vllm.v1.metrics.loggers import StatLoggerManager
from vllm.v1.metrics.stats import SchedulerStats
from vllm.v1.serial_utils import MsgpackDecoder, MsgpackEncoder

from andes_backend.engine.metrics import receive_news, send_news
from andes_backend.engine.tally import Counters, News
from tests.engine.real_scheduler import engine_config

__all__ = ["main"]


def main() -> None:
    """Send twice from each engine, receive, show."""
    model, front_end = sys.argv[1:]
    config = engine_config(Path(model), served_model_name="tiny")
    if front_end == "ours":
        receive_news()
        receive_news()  # as when vLLM loads the plug-in twice
    loggers = StatLoggerManager(config, [0, 1])
    loggers = StatLoggerManager(config, [0, 1])  # a second engine in one process
    decoder = MsgpackDecoder(EngineCoreOutputs)
    for engine, news in enumerate(made_news()):
        for one in (news, News()):
            received = decoder.decode(sent(one))
            loggers.record(received.scheduler_stats, None, engine_idx=engine)
    sys.stdout.write(generate_latest().decode())


def made_news() -> list[News]:
    """Of two engines."""
    first, second = Counters(), Counters()
    for qoe in (0.35, 0.97, 1.0):
        first.respond(qoe)
    first.respond(0.5, tier="weighted")
    first.serve("weighted", 120.5)
    first.serve("named", 20.0)
    first.stall(2, 3.5)
    first.preempt("memory", 4)
    first.preempt("policy", 1)
    first.hear(reports=9, gone=2)
    first.waits(overdue=7, longest_s=12.5)
    first.next_request(room=2.5, loss=0.25)
    second.planned(0.0004)
    second.fall_back("invalid")
    second.fall_back("invalid")
    second.hint("program")
    second.respond(0.8, program=True)
    second.hint("bad")
    return [first.take_news(), second.take_news()]


def sent(news: News) -> list[bytes]:
    """As an engine core sends it, with the statistics of a step."""
    output = EngineCoreOutputs(scheduler_stats=SchedulerStats(num_running_reqs=3))
    send_news([EngineCoreOutputs(), output], news)
    parts: Sequence[Any] = MsgpackEncoder().encode(output)
    return [bytes(part) for part in parts]


if __name__ == "__main__":
    main()
