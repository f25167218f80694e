"""The command line explains itself."""

from argparse import ArgumentParser

from refreshops.simulator import cli


def test_every_option_says_what_it_is_for():
    parser = ArgumentParser()

    cli.add_arguments(parser)

    silent = [action.dest for action in parser._actions if not action.help]
    assert silent == []
