#!/usr/bin/env bash
# livekit-agents 1.8.9 and pipecat-ai 1.14.0, what each gives a voice of a model's answer by default.
#
# Expected:  a list item is given to the voice when its line has ended.
# Happens:   a line break ends nothing. A list without full stops, as models write it, is held back
#            until the answer ends, and is then said as one sentence: the listener hears nothing of
#            it while the model writes.
# Ours:      andes_client/voice/cutter.py gives each item when its line has ended; docs/voice-agents.md
#            says how much sooner that is.
set -euo pipefail
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT

"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check \
  livekit-agents==1.8.9 pipecat-ai==1.14.0
cat >"$place/program.py" <<'PROGRAM'
import asyncio

from livekit.agents.tokenize import blingfire
from pipecat.utils.text.simple_text_aggregator import SimpleTextAggregator

ANSWER = "".join(f"- some {thing} from the market\n" for thing in "milk eggs bread pears leeks".split())


async def livekit():
    """As StreamAdapter makes it and feeds it."""
    stream = blingfire.SentenceTokenizer(retain_format=True).stream()
    given = []

    async def take():
        async for event in stream:
            given.append(event.token)

    taking = asyncio.create_task(take())
    for letter in ANSWER:
        stream.push_text(letter)
        await asyncio.sleep(0)
    before = len(given)
    stream.end_input()
    await taking
    return before, len(given)


async def pipecat():
    """As TTSService makes it and feeds it."""
    aggregator = SimpleTextAggregator()
    before = 0
    for letter in ANSWER:
        async for _ in aggregator.aggregate(letter):
            before += 1
    return before, before + (await aggregator.flush() is not None)


print(*asyncio.run(livekit()), *asyncio.run(pipecat()))
PROGRAM

seen="$("$place/venv/bin/python" "$place/program.py" 2>"$place/log" | tail -1)"
read -r livekit livekit_all pipecat pipecat_all <<<"$seen"
echo "of a list of 5 items the voice has before the answer ends, and in all, in so many pieces:"
echo "LiveKit agents $livekit, $livekit_all; Pipecat $pipecat, $pipecat_all"
if [[ "$seen" != "0 1 0 1" ]]; then
  cat "$place/log" >&2
  echo "changed: nothing came before the end, and then all of it in one piece" >&2
  exit 1
fi
