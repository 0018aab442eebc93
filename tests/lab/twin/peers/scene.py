"""A server's queues as a policy sees them, made by hand; no vLLM."""

from collections.abc import Sequence

import numpy as np

from andes_backend.policy import Decision, Policy, Snapshot, Table
from andes_backend.policy.latency import StepTimes
from andes_backend.policy.state import Rows
from andes_client.expectation import Expectation

__all__ = ["Scene"]

READER = Expectation(1.0, 4.0)


class Scene:
    """Requests of 15 prompt tokens, if not said otherwise, and a memory of blocks of 16 tokens.

    Args:
        policy: is asked.
        blocks: of the memory.
        max_running: places in the batch.
    """

    def __init__(self, policy: Policy, *, blocks: int = 100, max_running: int = 64) -> None:
        self.policy, self.blocks, self.max_running = policy, blocks, max_running
        self.table, self.now = Table(), 0.0
        self.waiting: list[int] = []
        self.running: list[int] = []
        self.preempted: list[int] = []
        """Rows that were preempted in the last step."""

    def come(self, length: int = 100, prompt: int = 15, tds: float = 4.0) -> int:
        """A request arrives; its row."""
        row = self.table.add(self.now, prompt, Expectation(1.0, tds))
        self.table.data["output_tokens"][row] = length
        self.waiting.append(row)
        return row

    def end(self, row: int) -> None:
        """A request that runs is over."""
        self.running.remove(row)
        self.table.remove(row)

    def step(self, seconds: float = 0.1, tokens: int = 1) -> Decision:
        """Plan, do as decided, let time pass, and give each that runs so many tokens."""
        waits, runs = self._note_queues()
        decision = self.policy.plan(self._snapshot())
        decision.check(len(waits), len(runs))
        gone = [] if decision.preempt is None else decision.preempt.tolist()
        self.preempted = [self.running[i] for i in gone]
        queue = waits.tolist() if decision.waiting is None else waits[decision.waiting].tolist()
        order = runs.tolist() if decision.running is None else runs[decision.running].tolist()
        stay = [row for row in order if row not in self.preempted]
        admit = len(queue) if decision.admit is None else decision.admit
        come: list[int] = []
        while len(come) < admit and len(stay) + len(come) < self.max_running:
            if self._free([*stay, *come]) < self._blocks([queue[len(come)]]):
                break
            come.append(queue[len(come)])
        self.running, self.waiting = stay + come, queue[len(come) :] + self.preempted
        self._note_queues()
        self.now += seconds
        if self.running and tokens:
            counts = np.full(len(self.running), tokens)
            self.table.deliver(np.array(self.running, np.intp), counts, self.now)
        return decision

    def _note_queues(self) -> tuple[Rows, Rows]:
        waits, runs = np.array(self.waiting, np.intp), np.array(self.running, np.intp)
        self.table.note_queues(waits, runs, self.now)
        return waits, runs

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            now=self.now,
            everybody=self.table.rows(np.array([*self.waiting, *self.running], np.intp)),
            waits=len(self.waiting),
            block_size=16,
            free_blocks=self._free(self.running),
            total_blocks=self.blocks,
            max_running=self.max_running,
            times=StepTimes(0.02, 0.001, 0.0, 0.001),
            accounts=self.table.accounts,
        )

    def _free(self, running: Sequence[int]) -> int:
        return self.blocks - self._blocks(running)

    def _blocks(self, rows: Sequence[int]) -> int:
        requests = self.table.rows(np.array(rows, np.intp))
        return int(np.ceil((requests["prompt_tokens"] + requests["delivered"] + 1) / 16).sum())
