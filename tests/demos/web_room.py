"""The web page's server over real HTTP, and what tests ask of it."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
from andes_demos.bursty_server import running
from andes_demos.chat.key import Key
from andes_demos.web.answer import Answer
from andes_demos.web.app import Answers, make_app
from andes_demos.web.upstream import Upstream

DEADLINE_S = 60.0
HOSTILE = (
    "<b>bold</b> <img src=x onerror=\"document.title='hacked'\"> &amp; <script>alert(1)</script>\n"
    "漢字とかな 👩🏽\u200d🚀🇩🇪 e\u0301 \u2028 \u0085 one\r\ntwo\rthree\0 \"quoted\" 'so' "
    "data: [DONE]\n\n  end "
)


@dataclass
class Page:
    """A page's server that runs."""

    url: str
    answers: Answers
    client: httpx2.Client

    def post(self, where: str, body: Any, **headers: str) -> httpx2.Response:
        return self.client.post(where, json=body, headers={"origin": self.url} | headers)

    def ask(self, **body: Any) -> str:
        """Ask; returns where the events are."""
        response = self.post("/answers", body)
        assert response.status_code == 201, response.text
        return f"/{response.json()['events']}"

    def hear(self, **body: Any) -> list[dict[str, Any]]:
        """Ask, and wait for the end."""
        with self.client.sse(self.ask(**body)) as source:
            *told, done = source
        assert done.event == "done"
        return [json.loads(event.data) for event in told]

    @property
    def answer(self) -> Answer:
        """The one that is under way."""
        (answer,) = self.answers.running.values()
        return answer

    def statistics(self) -> Any:
        """What the pacer of the answer that is under way says of itself."""
        paced = self.answer.paced
        assert paced is not None
        return paced.call_from_thread(paced.statistics)


@contextlib.contextmanager
def paging(
    url: str, *, key: Key | None = None, wpm: float = 100_000.0, takes_questions: bool = False
) -> Iterator[Page]:
    """Serve the page, with answers from the server at `url`."""
    answers = Answers()
    upstream = Upstream(url, key=key, takes_questions=takes_questions)
    with (
        running(make_app(upstream, answers, wpm=wpm)) as place,
        httpx2.Client(base_url=place, trust_env=False, timeout=DEADLINE_S) as client,
    ):
        yield Page(place, answers, client)


def texts(events: list[dict[str, Any]], side: str) -> str:
    """All that one side was told to show."""
    return "".join(event.get("text", "") for event in events if event.get("side") == side)


def ends(events: list[dict[str, Any]]) -> dict[str, str | None]:
    """How each side ended."""
    return {event["side"]: event["ended"] for event in events if "ended" in event}
