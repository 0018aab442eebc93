"""`python -m andes_demos.scenarios`: the same as `andes demo`."""

import argparse
import sys

from andes_demos.scenarios.command import add_parser

parser = argparse.ArgumentParser(prog="andes")
add_parser(parser.add_subparsers(required=True))
arguments = parser.parse_args(["demo", *sys.argv[1:]])
sys.exit(arguments.run(arguments))
