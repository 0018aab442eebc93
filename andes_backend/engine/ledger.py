"""vLLM's requests as rows of the policy's table."""

from collections.abc import Collection, Iterable

import numpy as np
from vllm.logger import init_logger
from vllm.v1.engine import EngineCoreOutputs, FinishReason
from vllm.v1.request import Request

from andes_backend.config import AndesConfig
from andes_backend.engine import versions
from andes_backend.policy.state import Rows, Table
from andes_client import wire
from andes_client.expectation import Expectation

__all__ = ["Ledger"]

_log = init_logger("vllm.andes")  # a child of vLLM's logger, so that it is shown


class Ledger:
    """Which request is which row, what its reader expects, what it was delivered.

    Requests reach a scheduler by more ways than `add_request`, so a row is made for whoever
    turns up without one.
    """

    def __init__(self, config: AndesConfig) -> None:
        self._config = config
        self._row_of: dict[str, int] = {}
        self.table = Table()
        self.bad_hints = 0
        """Requests whose hints were ignored because they make no sense."""

    def __len__(self) -> int:
        return len(self._row_of)

    def add(self, request: Request, now: float) -> int:
        """A row for a request that arrived `now`, seconds on the scheduler's clock."""
        self.remove(request.request_id)
        row = self.table.add(now, request.num_prompt_tokens, self._expectation(request))
        self._row_of[request.request_id] = row
        return row

    def remove(self, request_id: str) -> None:
        """The request is over, or was never known."""
        row = self._row_of.pop(request_id, None)
        if row is not None:
            self.table.remove(row)

    def rows(self, requests: Iterable[Request], now: float) -> Rows:
        """Row numbers of the requests, in their order."""
        row_of = self._row_of
        numbers = [
            row_of[r.request_id] if r.request_id in row_of else self.add(r, now) for r in requests
        ]
        return np.array(numbers, dtype=np.intp)

    def retain(self, live: Collection[str]) -> None:
        """Forget requests that have left the engine unseen (aborted, say)."""
        if len(self._row_of) > len(live):
            for request_id in [name for name in self._row_of if name not in live]:
                self.remove(request_id)

    def deliver(self, outputs: Iterable[EngineCoreOutputs], now: float) -> list[tuple[int, float]]:
        """Count the tokens that leave the engine, and forget the responses that end.

        Args:
            outputs: what one step has delivered, to each client.
            now: seconds on the scheduler's clock.

        Returns:
            For each response that ended by itself: its tokens and its QoE.
        """
        rows: list[int] = []
        counts: list[int] = []
        ended: list[tuple[str, int, bool]] = []
        for output in (output for batch in outputs for output in batch.outputs):
            row = self._row_of.get(output.request_id)
            if row is None:
                continue
            if output.new_token_ids:
                rows.append(row)
                counts.append(len(output.new_token_ids))
            if output.finish_reason is not None:
                complete = output.finish_reason in (FinishReason.STOP, FinishReason.LENGTH)
                ended.append((output.request_id, row, complete))
        if rows:
            self.table.deliver(np.array(rows, dtype=np.intp), np.array(counts), now)
        return self._close(ended)

    def _close(self, ended: list[tuple[str, int, bool]]) -> list[tuple[int, float]]:
        rows = np.array([row for _, row, complete in ended if complete], dtype=np.intp)
        lengths, qoe = self.table.data["delivered"][rows], self.table.qoe(rows)
        for request_id, _, _ in ended:
            self.remove(request_id)
        return list(zip(lengths.tolist(), qoe.tolist(), strict=True))

    def _expectation(self, request: Request) -> Expectation:
        default = self._config.default_expectation
        try:
            expectation = wire.decode(versions.extra_args(request)).expectation(default)
        except wire.WireError as error:
            self.bad_hints += 1
            if self.bad_hints == 1:
                _log.warning(
                    "andes: request %s: %s. Its hints are ignored, as will be all bad ones "
                    "from now on, without another warning.",
                    request.request_id,
                    error,
                )
            expectation = default
        if expectation.tds == float("inf"):
            return Expectation(expectation.ttft, self._config.program_tds)
        return expectation
