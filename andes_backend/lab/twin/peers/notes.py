"""What a policy remembers of each request between its plans."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Notes"]

_FIRST: Final = 1024  # requests that there is place for at the start


class Notes:
    """Columns with a value for each request, found by its serial number.

    A serial is never given twice, so nothing has to be forgotten: a simulation ends.

    Args:
        columns: the value of each column for a request that nothing was noted of.
    """

    def __init__(self, **columns: float | int | bool) -> None:
        self._start = columns
        self._data = {name: np.full(_FIRST, value) for name, value in columns.items()}
        self._size = _FIRST

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A column; its positions are serials. It is another array after `cover`."""
        return self._data[name]

    def cover(self, serials: NDArray[np.int64]) -> None:
        """See that there is a place for these requests, shape (n,)."""
        if not len(serials) or serials.max() < self._size:
            return
        more = int(serials.max())
        for name, column in self._data.items():
            self._data[name] = np.concatenate([column, np.full(more, self._start[name])])
        self._size += more
