"""The command line explains itself."""

from argparse import ArgumentParser

import pytest

from refreshops.simulator import cli


def test_every_option_says_what_it_is_for():
    parser = ArgumentParser()

    cli.add_arguments(parser)

    silent = [action.dest for action in parser._actions if not action.help]
    assert silent == []


def test_webhooks_leave_for_this_machine_only(capsys):
    parser = ArgumentParser()
    cli.add_arguments(parser)

    with pytest.raises(SystemExit):
        parser.parse_args(["--webhook-url", "https://example.com/"])

    assert "to this machine only" in capsys.readouterr().err
