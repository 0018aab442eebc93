"""Service over time, how far users drift apart, and their QoE, of runs side by side."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from andes_backend.lab.report.style import add_legend, make_figure, save, style
from andes_backend.lab.report.users import UserFigures

__all__ = ["plot_users"]

_FEW: Final = 3  # users whose service is drawn by name; of more, the range


def plot_users(title: str, found: Mapping[str, UserFigures], path: Path) -> None:
    """Write a PNG.

    Args:
        title: above it.
        found: by the label of the run, one or more.
        path: the file; its directory is made.
    """
    figure, panels = make_figure(3, width=4.6, height=3.8)
    apart, received, qoe = panels
    for place, (name, figures) in enumerate(found.items()):
        colour, line, _ = style(name)
        times = figures.service.times / 60
        apart.plot(times, figures.difference, color=colour, linestyle=line, label=name)
        _draw_service(received, figures, colour, line)
        values = np.array(list(figures.qoe.values()))
        shift = 0.15 * (np.arange(len(values)) % 3 - 1)
        qoe.scatter(place + shift, values, s=14, color=colour, alpha=0.8)
    apart.set(title="largest difference in service", xlabel="minutes", ylabel="prompt tokens")
    apart.set_yscale("symlog", linthresh=1000)
    received.set(title="service received", xlabel="minutes", ylabel="prompt tokens")
    qoe.set(title="QoE of each user", ylabel="mean QoE", ylim=(0, 1.03))
    qoe.set_xticks(range(len(found)), list(found), rotation=30, ha="right")
    add_legend(figure, apart)
    save(figure, path, title)


def _draw_service(panel: Any, figures: UserFigures, colour: str, line: str) -> None:
    times, received = figures.service.times / 60, figures.service.received
    if len(received) <= _FEW:
        for one in received:
            panel.plot(times, one, color=colour, linestyle=line)
        return
    low, high = np.percentile(received, [0, 100], axis=0)
    for edge in (low, high):
        panel.plot(times, edge, color=colour, linestyle=line)
