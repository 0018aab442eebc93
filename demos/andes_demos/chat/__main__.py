"""`python -m andes_demos.chat`: the same as `andes chat`."""

import argparse
import sys

from andes_demos.chat.command import add_parser

parser = argparse.ArgumentParser(prog="andes")
add_parser(parser.add_subparsers(required=True))
arguments = parser.parse_args(["chat", *sys.argv[1:]])
sys.exit(arguments.run(arguments))
