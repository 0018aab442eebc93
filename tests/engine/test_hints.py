"""Bad hints are refused in the front end, in a process of its own: what is wrapped stays so."""

import sys

import pytest
from vllm import SamplingParams
from vllm.exceptions import VLLMValidationError

from andes_backend.engine.hints import check
from tests import forked

PROGRAM = """
import sys
from vllm import SamplingParams
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
from vllm.entrypoints.openai.completion.protocol import CompletionRequest
from vllm.exceptions import VLLMValidationError
from vllm.v1.engine.input_processor import InputProcessor
from andes_backend.engine.hints import refuse_bad_hints

def made(hints):
    asked = {"model": "tiny", "vllm_xargs": hints}
    chat = ChatCompletionRequest(messages=[{"role": "user", "content": "?"}], **asked)
    yield lambda: chat.to_sampling_params(5, {})
    yield lambda: CompletionRequest(prompt="?", **asked).to_sampling_params(5, {})
    # What is not made from an HTTP request, an offline batch for instance.
    params = SamplingParams(extra_args=hints)
    yield lambda: InputProcessor.process_inputs(None, "a request", "?", params, ())

def refused(make):
    try:
        make()
    except VLLMValidationError as error:
        assert error.parameter == "vllm_xargs", error
        return True
    except AttributeError:  # of the processor that is None: the check was passed
        return False
    return False

bad, good = {"andes_tds": 0}, {"andes_tds": "inf", "andes_user": "tenant"}
assert [refused(make) for make in made(bad)] == [False] * 3, "it is inert before"
refuse_bad_hints()
refuse_bad_hints()
assert [refused(make) for make in made(bad)] == [True] * 3
assert [refused(make) for make in made(good)] == [False] * 3
assert SamplingParams.from_optional(max_tokens=3).max_tokens == 3
assert SamplingParams.from_optional(max_tokens=3, extra_args={"other": 1}).extra_args
"""


def test_every_way_in_is_checked_once_it_is_asked_for() -> None:
    done = forked.run([sys.executable, "-c", PROGRAM])
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("hints", "message"),
    [
        (
            {"andes_tds": "fast"},
            r"^vllm_xargs: andes_tds must be a number .*, not 'fast'\. Co",
        ),
        ({"andes_ttft": -1}, r"andes_ttft must be seconds, 0 or more .*, not -1\. Correct it, or"),
        ({"andes_user": ""}, r"andes_user must be 1 to 256 characters"),
    ],
)
def test_the_error_says_what_is_wrong_where_and_what_to_do(
    hints: dict[str, object], message: str
) -> None:
    with pytest.raises(VLLMValidationError, match=message) as caught:
        check(SamplingParams(extra_args=hints))
    assert caught.value.parameter == "vllm_xargs"


@pytest.mark.parametrize("params", [None, SamplingParams(), SamplingParams(extra_args={"a": 1})])
def test_who_says_nothing_says_nothing_wrong(params: SamplingParams | None) -> None:
    check(params)
