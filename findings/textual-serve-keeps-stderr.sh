#!/usr/bin/env bash
# textual-serve 1.1.3, with textual 8.2.8.
#
# Expected:  what a served program logs to standard error goes to the server's own, as it comes.
# Happens:   the server keeps all of it in memory for as long as the page is open, and only then
#            writes it: to standard output, escape sequences included, whatever reads that.
# Ours:      demos/andes_demos/web/program.py keeps the last 64 KiB, and prints them at the end, made
#            harmless, to standard error.
set -euo pipefail
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT

"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check textual-serve==1.1.3 textual==8.2.8

# A program with a log, in colour, as many have it: 100,000 lines, and then it waits.
cat >"$place/program.py" <<'PROGRAM'
import logging

from textual.app import App

logging.basicConfig(format="\x1b[32m%(levelname)s\x1b[0m %(message)s", level=logging.INFO)


class Program(App):
    def on_mount(self):
        for number in range(100_000):
            logging.info("line %06d %s", number, "." * 80)


Program().run()
PROGRAM

cat >"$place/server.py" <<'PROGRAM'
import asyncio
import contextlib
import io
import shlex
import sys
import tracemalloc

from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager


async def ignore(*_):
    pass


async def main():
    page = AppService(
        shlex.join([sys.executable, sys.argv[1]]),
        write_bytes=ignore,
        write_str=ignore,
        close=ignore,
        download_manager=DownloadManager(),
    )
    tracemalloc.start()
    await page.start(80, 24)
    kept = before = 0
    for _ in range(60):  # until nothing more is logged
        await asyncio.sleep(1.0)
        before, (kept, _) = kept, tracemalloc.get_traced_memory()
        if 1e6 < kept < before + 10_000:
            break
    written = len(sys.stdout.getvalue())
    await page.stop()
    return kept, written


with contextlib.redirect_stdout(io.StringIO()) as out:
    kept, before = asyncio.run(main())
written = out.getvalue()
lines, colours = written.count("line "), written.count("\x1b[32m")
print(f"while the page is open: {kept / 1e6:.0f} MB kept, {before} characters written")
print(f"after it: {lines} lines on standard output, {colours} escape sequences that colour them")
if kept < 10e6 or before or lines != 100_000 or colours != 100_000:
    sys.exit("changed: it does not keep all, or does not write all of it as it is")
PROGRAM
"$place/venv/bin/python" "$place/server.py" "$place/program.py"
