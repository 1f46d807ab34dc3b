"""``describe``: draft the configuration of a trial from its files."""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from trialstats import io
from trialstats.describe import Received, describe, sniff
from trialstats.errors import DataError
from trialstats.io.containers import unpacked

#: Endings of text files, with the delimiter that is usual in them.
_TEXT = {".csv": ",", ".txt": ",", ".dat": ",", ".tsv": "\t"}

#: Bytes of a text file that are looked at.
_BEGINNING = 200_000

_EXAMPLE = """\
example:
  python -m trialstats describe data/raw/back_pain/*.csv \\
      --output config/trials/back_pain.yaml
"""


def add_arguments(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    """Add the command with its arguments."""
    parser = commands.add_parser(
        "describe",
        help="draft the configuration of a trial from its files",
        description="Read the files of a trial and print a configuration to begin "
        "with. What is guessed is marked in it, with what speaks for the guess.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a file of the trial")
    parser.add_argument(
        "--output",
        metavar="PATH",
        help="where the draft is written; printed when absent",
    )
    parser.add_argument(
        "--trial",
        metavar="NAME",
        help="name of the trial; that of the folder when absent",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print or write the draft."""
    files = [table for path in arguments.files for table in received(path)]
    draft = describe(files, trial=arguments.trial)
    if arguments.output is None:
        sys.stdout.write(draft.text)
        return 0
    if Path(arguments.output).exists():
        raise DataError(
            "there is a file of this name already",
            file=arguments.output,
            remedy="choose another name; a draft overwrites nothing",
        )
    io.write_text(draft.text, arguments.output)
    return 0


def received(path: str) -> Iterable[Received]:
    """Yield the tables of a file: one, or each sheet or dataset that it holds.

    Parameters
    ----------
    path : str
        A raw file; the delimiter, the encoding, comments and the decimal mark of a
        text file are found in its beginning.
    """
    suffix = Path(path).suffix.lower()
    parts = io.raw_parts(path)
    for part in parts if len(parts) > 1 else [None]:
        named = part if part is not None and suffix == ".zip" else path
        found: dict[str, Any] = {}
        usual = _usual_delimiter(named)
        if usual is not None:
            with unpacked(Path(path), part, path) as (inner, _, _):
                found = sniff(io.read_bytes(inner)[:_BEGINNING], usual).options(usual)
        if part is not None:
            found["sheet" if suffix in (".xlsx", ".xlsm") else "member"] = part
        table = io.read_raw(path, replace(io.RawOptions(), **found))
        yield Received(path, table, found)


def _usual_delimiter(path: str) -> str | None:
    """Return the delimiter that is usual in a text file, None for other files."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes[-2:]]
    return next((_TEXT[suffix] for suffix in suffixes if suffix in _TEXT), None)
