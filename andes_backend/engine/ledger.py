"""vLLM's requests as rows of the policy's table."""

from collections.abc import Collection, Iterable
from typing import Final

import numpy as np
from vllm.logger import init_logger
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.engine import EngineCoreOutput, EngineCoreOutputs, FinishReason
from vllm.v1.request import Request

from andes_backend.config import AndesConfig
from andes_backend.engine import versions
from andes_backend.engine.reports import Reports
from andes_backend.engine.tally import Counters
from andes_backend.policy.accounts import Accounts, Prices
from andes_backend.policy.forecast import Forecasts
from andes_backend.policy.state import Rows, Table
from andes_backend.routing import Asked
from andes_client import wire
from andes_client.expectation import Expectation
from andes_client.qoe import Meter

__all__ = ["Ledger"]

_COMPLETE: Final = (FinishReason.STOP, FinishReason.LENGTH)

_log = init_logger("vllm.andes")  # a child of vLLM's logger, so that it is shown


class Ledger:
    """Which request is which row, what its reader expects, what it was delivered.

    Requests reach a scheduler by more ways than `add_request`, so the ledger makes a row for a
    request that turns up without one.
    """

    def __init__(self, config: AndesConfig, counters: Counters | None = None) -> None:
        self._config = config
        self._counters = Counters() if counters is None else counters
        self._row_of: dict[str, int] = {}
        self._programs: set[str] = set()
        self._one_token: set[str] = set()
        self._tier: dict[str, str] = {}  # of those who are not anonymous
        self.table = Table(_accounts(config), self._counters.stall)
        self.forecasts = Forecasts(self.table)
        # `andes` makes its batch as small as the fastest reader needs it: for a few who skim, all
        # others would wait.
        self.reports = Reports(self.table, speeds=config.policy != "andes")
        """What readers report of the requests here."""
        self._names: list[str] = []  # to whom the last step has delivered a token each
        self._rows: Rows = np.zeros(0, np.intp)
        self.bad_hints = 0
        """Requests whose hints were ignored because they are invalid."""

    def __len__(self) -> int:
        return len(self._row_of)

    def add(self, request: Request, now: float) -> int:
        """A row for a request that arrived `now`, seconds on the scheduler's clock."""
        self.remove(request.request_id)
        if versions.is_one_token(request):
            self._one_token.add(request.request_id)
        expectation, user, stream = self._hints(request)
        if user is not None:
            weighted = user in self._config.user_weights
            self._tier[request.request_id] = "weighted" if weighted else "named"
        adapter = versions.adapter(request)
        row = self.table.add(now, request.num_prompt_tokens, expectation, user, adapter)
        self._row_of[request.request_id] = row
        self.reports.open(stream, request.request_id, row)
        return row

    def remove(self, request_id: str, *, complete: bool = False) -> None:
        """The request is over, `complete` if by itself; or it was never known."""
        row = self._row_of.pop(request_id, None)
        if row is not None:
            self._names = []
            service = self.table.service(row)
            self._counters.serve(self._tier.pop(request_id, "anonymous"), service)
            self.forecasts.forget(row)
            self.table.remove(row, complete=complete)
            self.reports.close(request_id)
            self._programs.discard(request_id)
            self._one_token.discard(request_id)

    def rows(self, requests: Iterable[Request], now: float) -> Rows:
        """Row numbers of the requests, in their order."""
        row_of, requests = self._row_of, list(requests)
        try:
            numbers = [row_of[request.request_id] for request in requests]
        except KeyError:
            numbers = [
                row_of[r.request_id] if r.request_id in row_of else self.add(r, now)
                for r in requests
            ]
        return np.array(numbers, dtype=np.intp)

    def retain(self, live: Collection[str]) -> None:
        """Forget requests that have left the engine unseen (aborted, say)."""
        if len(self._row_of) > len(live):
            for request_id in [name for name in self._row_of if name not in live]:
                self.remove(request_id)

    def came_in(self, requests: Iterable[Request], scheduled: SchedulerOutput) -> None:
        """These requests run from this step on: what they found in the KV cache costs nothing."""
        for request in requests:
            row = self._row_of.get(request.request_id)
            if row is not None:
                self.table.find(row, versions.found_in_cache(request, scheduled))

    def deliver(self, outputs: Iterable[EngineCoreOutputs], now: float) -> list[tuple[int, float]]:
        """Count the tokens that leave the engine, and forget the responses that end.

        Those whom nobody reads along, pooling and requests for one token, are no responses: they
        are charged, but they teach no lengths and have no QoE.

        It relies on vLLM (0.29 to 0.33) giving the last tokens and the reason of the end in one
        output.

        Args:
            outputs: what one step has delivered, to each client.
            now: seconds on the scheduler's clock.

        Returns:
            For each response that ended by itself: its tokens and its QoE.
        """
        # Most steps deliver a token each to those of the step before, and nobody ends.
        known = [output for batch in outputs for output in batch.outputs]
        names = [output.request_id for output in known]
        odd = [o for o in known if o.finish_reason is not None or len(o.new_token_ids) != 1]
        if (
            names
            and names == self._names
            and (not odd or all(len(o.new_token_ids) == 1 for o in odd))
        ):
            self.table.deliver(self._rows, None, now)
        else:
            self._deliver_to_others(known, now)
        if not odd:
            return []
        delivered = self.table.data["delivered"]
        ended = [
            (
                o.request_id,
                row,
                o.finish_reason in _COMPLETE
                and bool(delivered[row])
                and o.request_id not in self._one_token,
            )
            for o in odd
            if o.finish_reason is not None and (row := self._row_of.get(o.request_id)) is not None
        ]
        return self._close(ended) if ended else []

    def _deliver_to_others(self, outputs: list[EngineCoreOutput], now: float) -> None:
        """Others than in the last step get tokens, or not one each."""
        row_of = self._row_of
        served = [one for one in outputs if one.new_token_ids and one.request_id in row_of]
        names = [one.request_id for one in served]
        rows = np.array([row_of[name] for name in names], dtype=np.intp)
        counts = np.array([len(one.new_token_ids) for one in served], dtype=np.int64)
        one_each = bool((counts == 1).all())
        if served:
            self._counters.forecast(*self.forecasts.deliver(rows, now))
            self.table.deliver(rows, None if one_each else counts, now)
        self._names, self._rows = (names if one_each else []), rows

    def wait(self, come: Rows, waiting: int, now: float) -> None:
        """Requests have come to the waiting queue: note for how long they wait.

        Args:
            come: distinct rows, shape (n,), noted as waiting in the table.
            waiting: how many wait in all.
            now: seconds on the scheduler's clock.
        """
        self._names = []  # a wait may end with the next token
        self.forecasts.look(come, now, waiting)

    def _close(self, ended: list[tuple[str, int, bool]]) -> list[tuple[int, float]]:
        rows = np.array([row for _, row, complete in ended if complete], dtype=np.intp)
        lengths, qoe = self.table.data["delivered"][rows], self.table.qoe(rows)
        names = (request_id for request_id, _, complete in ended if complete)
        for request_id, figure in zip(names, qoe.tolist(), strict=True):
            tier = self._tier.get(request_id, "anonymous")
            self._counters.respond(figure, program=request_id in self._programs, tier=tier)
        for request_id, _, complete in ended:
            self.remove(request_id, complete=complete)
        return list(zip(lengths.tolist(), qoe.tolist(), strict=True))

    def waits(self, now: float) -> tuple[int, float]:
        """How many readers wait for text that is due, and the longest of these waits, seconds.

        That is the wait beyond the expected time to first token, or a stall.
        """
        overdue = self.table.overdue_s(now)
        overdue = overdue[overdue >= Meter.STALL_S]
        return len(overdue), float(overdue.max(initial=0.0))

    def expect(self, streams: Iterable[str], now: float) -> dict[str, wire.Forecast | None]:
        """When text can be expected for those of these streams that `reports` knows.

        None for one that is being served, or of which not enough is known.
        """
        rows = self.reports.rows(streams)
        return {stream: self.forecasts.of(row, now) for stream, row in rows.items()}

    def outlook(self, waiting: int, now: float) -> wire.Forecast | None:
        """When a request that arrives can expect its first text; None: not known yet.

        Args:
            waiting: how many requests wait already; if none does, it comes at once.
            now: seconds on the scheduler's clock.
        """
        if not waiting:
            return wire.Forecast(0.0, 0.0)
        asked = self.average_request()
        return self.forecasts.of_an_arrival(asked.ttft, asked.prompt_tokens, waiting, now)

    def average_request(self) -> Asked:
        """One with a prompt of the mean length of those here, and the default reader."""
        prompt = self.table.prompt_tokens / max(1, len(self.table))
        reader = self._config.default_expectation
        return Asked(prompt_tokens=round(prompt), ttft=reader.ttft, tds=reader.tds)

    def _hints(self, request: Request) -> tuple[Expectation, str | None, str | None]:
        """What the reader expects, whose request it is, and the id of its stream."""
        default = self._config.default_expectation
        try:
            hints = wire.decode(versions.extra_args(request))
        except wire.WireError as error:
            self._ignore(request, error)
            return default, None, None
        expectation = default.updated(hints)
        if expectation.tds == float("inf"):
            self._counters.hint("program")
            self._programs.add(request.request_id)
            program = Expectation(expectation.ttft, self._config.program_tds)
            return program, hints.user, hints.stream
        if request.request_id in self._one_token:
            self._counters.hint("one_token")
        else:
            self._counters.hint("none" if hints.ttft is None and hints.tds is None else "reader")
        return expectation, hints.user, hints.stream

    def _ignore(self, request: Request, error: wire.WireError) -> None:
        self._counters.hint("bad")
        self.bad_hints += 1
        if self.bad_hints == 1:
            _log.warning(
                "andes: request %s: %s. Its hints are ignored, and so are further invalid hints, "
                'without another warning. To refuse such requests instead, set "bad_hints" to '
                '"refuse".',
                request.request_id,
                error,
            )


def _accounts(config: AndesConfig) -> Accounts:
    prices = Prices(
        prompt=config.prompt_price, output=config.output_price, weights=config.user_weights
    )
    return Accounts(
        prices,
        forecast=config.vtc_forecast,
        lift=config.vtc_lift,
        forget_after_s=config.forget_user_s,
        assumed_output=config.expected_output_tokens,
    )
