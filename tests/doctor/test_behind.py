"""What the doctor says of a router: each server behind it, or that it sees one in turn."""

import json
from collections.abc import Iterator
from itertools import cycle

import pytest

from andes_backend.doctor.behind import check_address
from andes_backend.doctor.finding import BETTER, OK, PROBLEM, Finding
from andes_client import cli
from tests.doctor.pages import MODELS, VERSION, cache, serving


def server(number: int) -> dict[str, str | Iterator[str]]:
    metrics = f"process_start_time_seconds {1.7e9 + number}\nandes:requests_total 1\n{cache()}"
    return {"/v1/models": MODELS, "/version": VERSION, "/metrics": metrics}


def listing(*urls: str) -> dict[str, str | Iterator[str]]:
    """A router's pages: those of the first server, and the list."""
    return {**server(0), "/list_workers": json.dumps({"urls": urls})}


def one(found: list[Finding] | tuple[Finding, ...], topic: str) -> Finding:
    (finding,) = [finding for finding in found if finding.topic == topic]
    return finding


def test_every_server_that_a_router_names_is_looked_at() -> None:
    with (
        serving(server(1)) as first,
        serving(server(2)) as second,
        serving(listing(first, second + "/", first)) as url,
    ):
        found = check_address(url)
    assert list(found) == ["The router", f"The server {first}", f"The server {second}"]
    router, metrics = found["The router"]
    assert (router.level, metrics.level) == (OK, BETTER)
    assert "names 2 servers" in router.what
    assert "another's at each call" in metrics.what
    for name in (first, second):
        assert "vLLM 0.32.0, tiny" in one(list(found[f"The server {name}"]), "server").what


def test_a_server_that_is_named_and_not_there_is_a_problem() -> None:
    with serving(server(1)) as first, serving(listing(first, "http://127.0.0.1:9")) as url:
        found = check_address(url)
    (gone,) = found["The server http://127.0.0.1:9"]
    assert gone.level == PROBLEM
    assert one(list(found[f"The server {first}"]), "server").level == OK


def test_a_router_of_one_server_has_nothing_that_jumps() -> None:
    with serving(server(1)) as first, serving(listing(first)) as url:
        found = check_address(url)
    (router,) = found["The router"]
    assert "names 1 server" in router.what


def test_of_very_many_servers_the_first_are_looked_at() -> None:
    named = [f"http://127.0.0.1:9/{i}" for i in range(40)]
    with serving(listing(*named)) as url:
        found = check_address(url)
    assert len(found) == 17
    assert "names 40 servers; this looks at the first 16" in found["The router"][0].what


@pytest.mark.parametrize(
    "said",
    [
        "no json",
        "[]",
        "7",
        '{"urls": 7}',
        '{"urls": [7]}',
        '{"urls": []}',
        '{"urls": ["file:///etc/passwd"]}',
        '{"urls": null}',
    ],
)
def test_what_is_no_list_of_servers_is_none(said: str) -> None:
    with serving({**server(1), "/list_workers": said}) as url:
        assert list(check_address(url)) == ["The running server"]


def test_another_router_is_found_out_by_its_figures() -> None:
    in_turn = cycle([str(server(1)["/metrics"]), str(server(2)["/metrics"])])
    with serving({**server(1), "/metrics": in_turn}) as url:
        (found,) = check_address(url).values()
    router = one(list(found), "router")
    assert router.level == BETTER
    assert "at least 2 servers; what follows is of one of them" in router.what


def test_one_server_is_no_router() -> None:
    with serving(server(1)) as url:
        found = check_address(url)
    assert not [finding for finding in found["The running server"] if finding.topic == "router"]


def test_nobody_there_is_one_problem() -> None:
    with serving({}) as url:
        pass
    ((problem,),) = check_address(url).values()
    assert problem.level == PROBLEM


def test_the_command_shows_all_servers(capsys: pytest.CaptureFixture[str]) -> None:
    with (
        serving(server(1)) as first,
        serving(listing(first)) as url,
        pytest.raises(SystemExit) as end,
    ):
        cli.main(["doctor", "--url", url])
    assert not end.value.code
    said = capsys.readouterr().out
    assert "The router" in said
    assert f"The server {first}" in said
