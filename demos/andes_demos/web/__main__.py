"""`python -m andes_demos.web`: the same as `andes web`."""

import argparse
import sys

from andes_demos.web.command import add_parser

parser = argparse.ArgumentParser(prog="andes")
add_parser(parser.add_subparsers(required=True))
arguments = parser.parse_args(["web", *sys.argv[1:]])
sys.exit(arguments.run(arguments))
