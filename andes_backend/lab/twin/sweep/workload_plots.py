"""One workload under several policies, as pictures: PNG files, no window system needed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median_low
from typing import Any

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter, PercentFormatter

from andes_backend.lab.report.run import ATTAINED_QOE
from andes_backend.lab.report.style import add_legend, make_figure, save, style
from andes_backend.lab.twin.measure import Detail
from andes_client.qoe import digest

__all__ = [
    "plot_distributions",
    "plot_request",
    "plot_state",
    "telling_request",
]


def plot_distributions(details: Mapping[str, Detail], title: str, path: Path) -> None:
    """How QoE and TTFT are distributed over the requests of a workload, by policy.

    Args:
        details: policy -> every request.
        title: the workload's.
        path: the file; overwritten.
    """
    figure, (qoe, ttft) = make_figure(2, width=6.0, height=4.2)
    for policy, detail in details.items():
        _draw_cdf(qoe, policy, [outcome.qoe for outcome in detail.outcomes])
        _draw_cdf(ttft, policy, [o.ttft for o in detail.outcomes if o.ttft is not None])
    qoe.axvline(ATTAINED_QOE, color="grey", linewidth=1, linestyle=":")
    qoe.set(title="QoE", xlabel="QoE", ylabel="share of requests at or below", xlim=(-0.02, 1.02))
    ttft.set(title="Time to first token", xlabel="TTFT, s", ylabel="share of requests at or below")
    if any(outcome.times for detail in details.values() for outcome in detail.outcomes):
        _scale_in_decades(ttft)  # refuses to draw nothing
    for axes in (qoe, ttft):
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    add_legend(figure, qoe)
    save(figure, path, title)


def plot_request(details: Mapping[str, Detail], index: int, title: str, path: Path) -> None:
    """One request's tokens against time: expected, delivered, and taken in by its reader.

    Args:
        details: policy -> every request; a panel each.
        index: the request's place in the workload.
        title: the workload's.
        path: the file; overwritten.
    """
    figure, panels = make_figure(len(details), width=5.0, height=3.8, share=True)
    for axes, (policy, detail) in zip(panels, details.items(), strict=True):
        outcome = detail.outcomes[index]
        reader = outcome.request.expectation
        tokens = np.arange(1, len(outcome.times) + 1)
        expected = reader.ttft + (tokens - 1) * reader.seconds_per_token
        taken_in = digest(outcome.times, reader)
        colour = style(policy)[0]
        late = np.maximum(taken_in, expected) if outcome.times else expected
        axes.fill_betweenx(tokens, expected, late, color=colour, alpha=0.12, linewidth=0)
        axes.plot(
            expected, tokens, color="black", linestyle="--", linewidth=1.4, zorder=3,
            label="expected",
        )  # fmt: skip
        axes.plot(
            outcome.times, tokens, color="grey", linewidth=1.2, drawstyle="steps-post",
            label="delivered",
        )  # fmt: skip
        axes.plot(taken_in, tokens, color=colour, linewidth=2.2, label="taken in")
        axes.set(
            title=f"{policy}: QoE {outcome.qoe:.3f}",
            xlabel="seconds since submission",
            ylabel="tokens",
        )
        axes.legend(loc="lower right")
    # All panels have the same limits; only now is it known how far the last one reaches.
    panels[0].set_xlim(left=0)
    panels[0].set_ylim(bottom=0)
    save(figure, path, f"Request {index} of {title}")


def plot_state(details: Mapping[str, Detail], title: str, path: Path) -> None:
    """Requests that wait and KV memory in use over time, by policy.

    Args:
        details: policy -> the state over time.
        title: the workload's.
        path: the file; overwritten.
    """
    figure, (waiting, use) = make_figure(2, width=11.0, height=2.9, columns=1, share_x=True)
    for policy, detail in details.items():
        colour, line, _ = style(policy)
        how: dict[str, Any] = {"color": colour, "linestyle": line, "linewidth": 1.3, "alpha": 0.85}
        how |= {"label": policy, "drawstyle": "steps-post"}
        waiting.plot(detail.time_s, detail.waiting, **how)
        use.plot(detail.time_s, detail.kv_use, **how)
    waiting.set(ylabel="requests waiting")
    waiting.set_ylim(bottom=0)
    use.set(ylabel="KV memory in use", xlabel="seconds since the start", ylim=(0, 1.04))
    use.yaxis.set_major_formatter(PercentFormatter(1.0))
    add_legend(figure, waiting)
    save(figure, path, title)


def telling_request(details: Mapping[str, Detail]) -> int:
    """A request to look at: of those that policies serve differently well, the middle one.

    What counts is the gap between the best and the worst QoE that it gets; with one policy,
    or if there is no gap at all, its place is the middle of all by QoE.
    """
    served = [
        [outcome.qoe for outcome in outcomes]
        for outcomes in zip(*(detail.outcomes for detail in details.values()), strict=True)
    ]
    gaps = [(max(qoe) - min(qoe), index) for index, qoe in enumerate(served)]
    differing = [gap for gap in gaps if gap[0] > 1e-9]
    return median_low(differing or [(qoe[0], index) for index, qoe in enumerate(served)])[1]


def _draw_cdf(axes: Any, policy: str, values: Sequence[float]) -> None:
    colour, line, _ = style(policy)
    draw = axes.ecdf if values else axes.plot  # the first refuses to draw nothing
    draw(values, color=colour, linestyle=line, linewidth=2, label=policy)


def _scale_in_decades(axes: Any) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
