"""The command line: ``python -m trialstats COMMAND``."""

import argparse
import sys
from collections.abc import Sequence

from trialstats.commands import check, describe
from trialstats.errors import TrialstatsError
from trialstats.version import __version__

#: Modules of the commands, in the order of the help.
COMMANDS = (check, describe)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the code that the process ends with.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments after the name of the program; those of the process when not given.

    Returns
    -------
    int
        0, or 1 after an error of data or configuration, which is printed.
    """
    parser = argparse.ArgumentParser(
        prog="python -m trialstats",
        description="Statistics of clinical trials, from raw files to a report.",
        epilog="example:\n  python -m trialstats describe data/raw/back_pain/*.csv",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_arguments(commands)
    parsed = parser.parse_args(arguments)
    try:
        code: int = parsed.run(parsed)
    except TrialstatsError as reason:
        sys.stderr.write(f"error: {reason}\n")
        return 1
    except OSError as reason:
        sys.stderr.write(f"error: {reason.filename}: {reason.strerror}\n")
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
