"""A player that is known from outside only."""

from andes_client.voice.playhead import Playhead


def test_it_plays_what_it_has_and_waits_for_more() -> None:
    playhead = Playhead()
    playhead.give(1.0, now=10.0)
    assert playhead.played(11.0) == 0.0  # it has not begun
    playhead.start(11.0)
    assert playhead.played(11.5) == 0.5
    assert playhead.played(20.0) == 1.0  # it has run dry
    playhead.give(2.0, now=21.0)
    assert playhead.played(21.25) == 1.25


def test_it_is_halted_and_goes_on() -> None:
    playhead = Playhead()
    playhead.give(9.0, now=0.0)
    playhead.start(0.0)
    playhead.halt(1.0)
    assert playhead.played(5.0) == 1.0
    playhead.resume(5.0)
    assert playhead.played(6.0) == 2.0


def test_halted_before_it_begins_it_waits_for_its_beginning() -> None:
    playhead = Playhead()
    playhead.halt(0.0)
    playhead.give(9.0, now=1.0)
    playhead.resume(2.0)
    assert playhead.played(3.0) == 0.0
    playhead.start(3.0)
    assert playhead.played(4.0) == 1.0


def test_it_says_itself_where_it_is() -> None:
    playhead = Playhead()
    playhead.give(9.0, now=0.0)
    playhead.start(0.0)
    playhead.is_at(0.5, now=1.0)
    assert playhead.played(2.0) == 1.5
    playhead.finish(3.25, now=3.0)
    assert playhead.played(9.0) == 3.25


def test_it_never_plays_more_than_it_was_given() -> None:
    playhead = Playhead()
    playhead.give(1.0, now=0.0)
    playhead.start(0.0)
    playhead.is_at(7.0, now=0.5)
    assert playhead.played(9.0) == 1.0
