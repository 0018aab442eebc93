"""What the twin simulates: a server's GPU, its scheduler, and their settings."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from andes_backend.config import AndesConfig
from andes_backend.policy import POLICIES as LIVE_POLICIES
from andes_backend.profile import Profile

__all__ = [
    "MLFQ",
    "POLICIES",
    "PREDICTED_SHORTEST",
    "PRIORITY",
    "RPM",
    "SHORTEST_FIRST",
    "STOCK",
    "TOKENFLOW",
    "Setup",
    "SetupError",
]

STOCK: Final = "stock"
"""vLLM's own scheduler, without ours: first come, first served."""

PRIORITY: Final = "priority"
"""vLLM's own scheduler with `--scheduling-policy priority`: people before programs."""

SHORTEST_FIRST: Final = "shortest-first"
"""The request with least left to generate first; it knows the true lengths, as no server does."""

RPM: Final = "rpm"
"""First come, first served, with a limit of requests a minute for each user."""

MLFQ: Final = "mlfq"
"""FastServe's skip-join multi-level feedback queue, reconstructed."""

PREDICTED_SHORTEST: Final = "predicted-shortest"
"""The shortest response first as a predictor ranks them, with its errors; reconstructed."""

TOKENFLOW: Final = "tokenflow"
"""TokenFlow's buffer-aware working set, reconstructed."""

POLICIES: Final = (
    STOCK,
    PRIORITY,
    *LIVE_POLICIES,
    SHORTEST_FIRST,
    RPM,
    MLFQ,
    PREDICTED_SHORTEST,
    TOKENFLOW,
)
"""All policies of the twin."""


class SetupError(ValueError):
    """A server that the twin cannot simulate; the message says which setting, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """A server to simulate.

    Raises:
        SetupError: an unknown policy or setting, or a value out of range.
    """

    profile: Profile
    """The model and its GPUs."""
    policy: str = STOCK
    """One of POLICIES."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """The scheduler's settings (`AndesConfig`) beside the policy; none for vLLM's own."""
    prefix_caching: bool = True
    """As vLLM has it: what a preempted request has computed is found again until it is
    overwritten. Prompts share nothing."""
    kv_restore_gb_s: float | None = None
    """What a preempted request has computed comes back from CPU memory at this speed,
    GB/s; None: it is computed again."""
    max_num_active_seqs: int | None = None
    """vLLM's limit of that name: most requests that run at once; None: the profile's."""
    watermark: float = 0.0
    """vLLM's, of the same name: the share of the KV blocks that is kept free of newcomers, for
    those who run to grow into."""
    long_prefill_token_threshold: int = 0
    """vLLM's, of the same name: most tokens of one prompt in a step; 0: as many as fit."""
    requests_per_minute: int = 20
    """The limit of the policy `rpm` for each user."""
    async_scheduling: bool = True
    """As vLLM has it: a step is scheduled while the one before it still runs."""
    jitter_s: tuple[float, float] | None = None
    """What the network adds to each token on its way to the reader, from and to, seconds; tokens
    stay in order. None: nothing that varies."""
    reports: bool = False
    """Whether readers report to the server what they do; vLLM's own scheduler does not listen."""
    report_delay_s: float = 0.1
    """How late their reports reach the server, seconds."""
    report_loss: float = 0.02
    """Share of the reports that never reach it. The client notices, and reports again a second
    later."""

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise SetupError(f"unknown policy {self.policy!r}; choose from {', '.join(POLICIES)}")
        if not self.is_ours and self.settings:
            raise SetupError(
                f"the policy {self.policy} is vLLM's own and has no setting "
                f"{next(iter(self.settings))}"
            )
        if "policy" in self.settings:
            raise SetupError("the policy is not a setting here: name it as the policy")
        try:
            AndesConfig.from_mapping(self.andes_settings)
        except ValueError as error:
            raise SetupError(str(error)) from None
        self._check_limits()
        if self.jitter_s is not None:
            least, most = self.jitter_s
            if not 0 <= least <= most < math.inf:
                raise SetupError(f"jitter_s must rise from 0 s or more, not {self.jitter_s!r}")
        if not 0 <= self.report_delay_s < math.inf:
            raise SetupError(f"report_delay_s must be 0 s or more, not {self.report_delay_s!r}")
        if not 0 <= self.report_loss < 1:
            raise SetupError(f"report_loss must be 0 to below 1, not {self.report_loss!r}")
        if self.kv_restore_gb_s is not None:
            if not self.kv_restore_gb_s > 0:
                raise SetupError(f"kv_restore_gb_s must be above 0, not {self.kv_restore_gb_s!r}")
            if self.profile.kv_bytes_per_token is None:
                raise SetupError(
                    f"the profile {self.profile.name} does not say kv_bytes_per_token, so the "
                    "twin cannot tell how long a KV restore takes: add it to the profile"
                )

    def _check_limits(self) -> None:
        """The twin takes those that vLLM takes."""
        most, places = self.max_num_active_seqs, self.profile.max_sequences
        if most is not None and not 1 <= most <= places:
            raise SetupError(
                f"max_num_active_seqs must be 1 to {places}, the profile's max_sequences, "
                f"not {most!r}"
            )
        if not 0 <= self.watermark < 1:
            raise SetupError(f"watermark must be 0 to below 1, not {self.watermark!r}")
        if self.long_prefill_token_threshold < 0:
            raise SetupError(
                "long_prefill_token_threshold must be 0 or more tokens, "
                f"not {self.long_prefill_token_threshold!r}"
            )

    @property
    def is_ours(self) -> bool:
        """Whether AndesScheduler decides, not vLLM's own scheduler."""
        return self.policy not in (STOCK, PRIORITY)

    @property
    def andes_settings(self) -> dict[str, object]:
        """What stands under "andes" in `--additional-config`."""
        return {"policy": self.policy, **self.settings}

    @property
    def kv_restore_tokens_per_s(self) -> float | None:
        """Tokens whose keys and values come back in a second; None without KV restore."""
        if self.kv_restore_gb_s is None or self.profile.kv_bytes_per_token is None:
            return None
        return self.kv_restore_gb_s * 1e9 / self.profile.kv_bytes_per_token
