"""Every SDK's case. A module here may import its SDK only inside its functions."""

import importlib
import pkgutil
from typing import Final

from tests.client.sdk.case import Case

__all__ = ["CASES"]


def _found() -> list[Case]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return [case for module in modules for case in module.CASES]


CASES: Final[list[Case]] = _found()
"""Of the modules here; each lists its own as `CASES`."""
