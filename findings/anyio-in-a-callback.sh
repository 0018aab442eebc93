#!/usr/bin/env bash
# anyio 4.16.0 with sniffio 1.3.1, on asyncio.
#
# Expected:  in a callback of a running event loop (call_later, a signal's handler) anyio sees that
#            loop, or does not, whatever else is installed.
# Happens:   it sees it as long as sniffio is not installed. With sniffio, which trio and others
#            bring along, it raises NoEventLoopError: sniffio goes by the current task, and a
#            callback is in none.
# Ours:      andes_client/background.py asks asyncio if anyio sees no loop.
set -euo pipefail
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT

"${PYTHON:-python3}" -m venv "$place/venv"
cat >"$place/program.py" <<'PROGRAM'
import asyncio

import anyio.lowlevel


def look(seen):
    try:
        anyio.lowlevel.current_token()
        seen.set_result("the loop")
    except Exception as error:
        seen.set_result(type(error).__name__)


async def main():
    loop = asyncio.get_running_loop()
    seen = loop.create_future()
    loop.call_later(0.01, look, seen)
    print(await seen)


asyncio.run(main())
PROGRAM

seen=()
for package in anyio==4.16.0 sniffio==1.3.1; do
  "$place/venv/bin/pip" install --quiet --disable-pip-version-check "$package"
  seen+=("$("$place/venv/bin/python" "$place/program.py")")
done
echo "in a callback of asyncio's, anyio sees: ${seen[0]}; with sniffio: ${seen[1]}"
if [[ "${seen[*]}" != "the loop NoEventLoopError" ]]; then
  echo "changed: without sniffio it saw the loop, and with it none" >&2
  exit 1
fi
