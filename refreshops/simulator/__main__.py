"""`python -m refreshops.simulator`: the fake Flinks without Django."""

import argparse

from refreshops.simulator import cli

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m refreshops.simulator", description=cli.PURPOSE)
    cli.add_arguments(parser)
    cli.serve(cli.options_from(vars(parser.parse_args())))
