"""Server-sent events, taken out of the pieces of a body; without I/O."""

import codecs

__all__ = ["Data", "Decoder"]


class Data(str):
    """The data of one event."""

    event: str
    """The event's name; "message" if it has none."""

    def __new__(cls, data: str, event: str = "") -> "Data":
        made = super().__new__(cls, data)
        made.event = event or "message"
        return made


class Decoder:
    """Pieces of an event stream in, the data of whole events out.

    UTF-8 and nothing else, as https://html.spec.whatwg.org/#event-stream-interpretation
    says; an event that has not ended when the stream does is dropped, unless `flush` is asked
    for it.
    """

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._line: list[str] = []  # the pieces of one that has not ended
        self._data: list[str] = []  # the lines of an event that has not ended
        self._name = ""
        self._after_cr = self._begun = False

    def decode(self, piece: bytes | str) -> list[Data]:
        """Take in the next piece; return the data of the events that it ends."""
        new = self._utf8.decode(piece) if isinstance(piece, bytes) else piece
        if not new:
            return []
        if not self._begun:
            new, self._begun = new.removeprefix("\ufeff"), True
        if self._after_cr:  # a line feed now belongs to the line end before it
            new = new.removeprefix("\n")
        self._after_cr = new.endswith("\r")
        first, *others = new.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._line.append(first)
        ended = []
        for other in others:
            ended += self._take("".join(self._line))
            self._line = [other]
        return ended

    def flush(self) -> list[Data]:
        """The event that the end of the body leaves without its blank line.

        Some servers end so. But a body that was cut off does, too: it may be half an event.
        """
        ended = self.decode("\n\n")
        self._after_cr = False
        return ended

    def _take(self, line: str) -> list[Data]:
        name, _, value = line.partition(":")
        if line == "":
            ended = [Data("\n".join(self._data), self._name)] if self._data else []
            self._data, self._name = [], ""
            return ended
        if name == "data":
            self._data.append(value.removeprefix(" "))
        elif name == "event":
            self._name = value.removeprefix(" ")
        return []
