"""The names and checks that client and server agree on; nothing else spells them.

A request carries the user's expectation in vLLM's own extension field, which any other
OpenAI-compatible server ignores:

    "vllm_xargs": {"andes_ttft": 1.0, "andes_tds": 4.8,
                   "andes_stream": "<client-chosen id>", "andes_user": "<tenant>"}

`andes_tds: "inf"` marks a reader that is a program. vLLM limits the values to strings,
numbers and lists of those; a bool arrives as 1.

While the response streams, its reader reports under the same stream id (`Report`):

    {"v": 1, "stream": "<id>", "n": 3, "units": 41, "tokens": 57.5, "buffer_s": 2.5,
     "speed": 1.5, "state": "reading", "delay_s": 0.08}

Each report says all that is known, so one that is lost or comes twice does no harm, and of two
the one with the higher number holds.

A client sends the reports of several streams in one call, and the server answers with when text
can be expected (`Forecast`), for those that wait:

    POST /v1/andes/reports      {"v": 1, "reports": [{"v": 1, "stream": "<id>", ...}, ...]}
    200                         {"v": 1, "streams": {"<id>": {"forecast_s": [4.5, 12.0]}}}
"""

from andes_client.wire.batch import (
    MAX_REPORTS,
    MAX_REPORTS_BYTES,
    REPORTS_PATH,
    Forecast,
    decode_answer,
    decode_reports,
    encode_answer,
    encode_reports,
)
from andes_client.wire.checks import WireError, shown
from andes_client.wire.hints import (
    FIELD,
    STREAM,
    TDS,
    TTFT,
    USER,
    Hints,
    decode,
    encode,
    new_stream_id,
)
from andes_client.wire.report import REPORT_VERSION, Report, State, decode_report, encode_report

__all__ = [
    "FIELD",
    "MAX_REPORTS",
    "MAX_REPORTS_BYTES",
    "REPORTS_PATH",
    "REPORT_VERSION",
    "STREAM",
    "TDS",
    "TTFT",
    "USER",
    "Forecast",
    "Hints",
    "Report",
    "State",
    "WireError",
    "decode",
    "decode_answer",
    "decode_report",
    "decode_reports",
    "encode",
    "encode_answer",
    "encode_report",
    "encode_reports",
    "new_stream_id",
    "shown",
]
