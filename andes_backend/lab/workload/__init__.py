"""Requests to serve: when they come, how long they are, and how fast their readers read.

    workload = make_workload(250, rate=3.0, seed=0)
    workload = make_workload(250, rate=3.0, seed=0, arrivals=Gamma(cv=3.0), readers=Speaking())
    workload = trace_workload("AzureLLMInferenceTrace_conv.csv", count=250, seed=0)

Everything follows from the seed, to the last digit. Arrivals, lengths and readers are drawn
from streams of their own: at another rate the very same requests come sooner or later, and
a longer workload begins with the shorter one.

Unless something else is asked for, requests arrive as a Poisson process, lengths are those of
ShareGPT conversations, and readers are the reading population of Andes (arXiv 2404.16283) by
age, expecting the first token in 1 s. docs/workloads.md has all there is, with examples.

The parts are loaded on first use: the command line takes its options from `options`, and
those who only ask for help should not wait for numpy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from andes_backend.lab.workload.arrivals import (
        Arrivals,
        Diurnal,
        DutyCycle,
        Gamma,
        OnOff,
        Poisson,
        arrivals_of,
    )
    from andes_backend.lab.workload.behaviour import Act, Attention, Behaviour
    from andes_backend.lab.workload.lengths import (
        Fixed,
        Lengths,
        MultiRound,
        ShareGPT,
        cut,
        file_lengths,
        lengths_of,
        sharegpt_lengths,
    )
    from andes_backend.lab.workload.make import dealt, make_workload, together, trace_workload
    from andes_backend.lab.workload.readers import Mix, Readers, Reading, Speaking, readers_of
    from andes_backend.lab.workload.requests import (
        Request,
        Source,
        Workload,
        WorkloadError,
        check_fits,
    )
    from andes_backend.lab.workload.restless import Restless, behaving, behaviour_of
    from andes_backend.lab.workload.traces import Trace, read_trace

__all__ = [
    "Act",
    "Arrivals",
    "Attention",
    "Behaviour",
    "Diurnal",
    "DutyCycle",
    "Fixed",
    "Gamma",
    "Lengths",
    "Mix",
    "MultiRound",
    "OnOff",
    "Poisson",
    "Readers",
    "Reading",
    "Request",
    "Restless",
    "ShareGPT",
    "Source",
    "Speaking",
    "Trace",
    "Workload",
    "WorkloadError",
    "arrivals_of",
    "behaving",
    "behaviour_of",
    "check_fits",
    "cut",
    "dealt",
    "file_lengths",
    "lengths_of",
    "make_workload",
    "read_trace",
    "readers_of",
    "sharegpt_lengths",
    "together",
    "trace_workload",
]

_HOMES: Final = {
    "arrivals": "Arrivals Diurnal DutyCycle Gamma OnOff Poisson arrivals_of",
    "behaviour": "Act Attention Behaviour",
    "lengths": "Fixed Lengths MultiRound ShareGPT cut file_lengths lengths_of sharegpt_lengths",
    "make": "dealt make_workload together trace_workload",
    "readers": "Mix Readers Reading Speaking readers_of",
    "requests": "Request Source Workload WorkloadError check_fits",
    "restless": "Restless behaviour_of behaving",
    "traces": "Trace read_trace",
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names.split():
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
