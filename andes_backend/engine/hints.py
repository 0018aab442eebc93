"""Refuses requests with invalid hints, if the operator asks for it.

The engine core can only ignore such hints. To answer with HTTP 400, the front end must find them
before the response begins. HTTP requests become sampling parameters first; requests that come
another way are checked when they enter the engine.

This relies on vLLM, 0.29 to 0.33 alike: every HTTP request with sampling parameters makes them
with `SamplingParams.from_optional`, and every request enters through
`InputProcessor.process_inputs`, whose third argument they are; vLLM answers a
`VLLMValidationError` with HTTP 400.
"""

from collections.abc import Callable
from typing import Any

from vllm.exceptions import VLLMValidationError
from vllm.sampling_params import SamplingParams
from vllm.v1.engine.input_processor import InputProcessor

from andes_backend.engine.wrap import wrap
from andes_client import wire

__all__ = ["check", "refuse_bad_hints"]


def check(params: object) -> None:
    """Check the hints of a request's sampling parameters; other parameters have none.

    Raises:
        VLLMValidationError: they are invalid. vLLM answers with HTTP 400 in OpenAI's form.
    """
    try:
        wire.decode(getattr(params, "extra_args", None))
    except wire.WireError as error:
        raise VLLMValidationError(
            f"{wire.FIELD}: {error}. Correct it, or leave it out: the server then assumes its "
            "default reader",
            parameter=wire.FIELD,
        ) from error


def refuse_bad_hints() -> None:
    """From now on, in this process; a second call changes nothing."""
    wrap(SamplingParams, "from_optional", _making)
    wrap(InputProcessor, "process_inputs", _entering)


def _making(make: Callable[..., Any]) -> Callable[..., Any]:
    def from_optional(*args: Any, **kwargs: Any) -> Any:
        params = make(*args, **kwargs)
        check(params)
        return params

    return from_optional


def _entering(process: Callable[..., Any]) -> Callable[..., Any]:
    def process_inputs(
        self: InputProcessor, request_id: str, prompt: Any, params: Any, *args: Any, **kwargs: Any
    ) -> Any:
        check(params)
        return process(self, request_id, prompt, params, *args, **kwargs)

    return process_inputs
