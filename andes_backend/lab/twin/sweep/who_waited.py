"""Who waited in a sweep: the tables of one workload, for each of its rows."""

from collections.abc import Mapping

from rich.table import Table

from andes_backend.lab.report.waits import over_seeds
from andes_backend.lab.report.waits_table import waits_tables
from andes_backend.lab.twin.measure import Measured
from andes_backend.lab.twin.sweep.points import Sweep
from andes_backend.lab.twin.sweep.tables import groups, label

__all__ = ["who_waited"]


def who_waited(sweep: Sweep, results: Mapping[int, Measured]) -> list[Table]:
    """Tables for each row of the sweep; of several seeds as `over_seeds` has them.

    Args:
        sweep: what was asked for.
        results: point's index -> its result; points that failed are missing.
    """
    shown = []
    for group in groups(sweep):
        done = {
            policy: [results[point.index].waits for point in points if point.index in results]
            for policy, points in group.points.items()
        }
        found = {policy: over_seeds(waits) for policy, waits in done.items()}
        shown += waits_tables(found, title=label(sweep.varying(), group))
    return shown
