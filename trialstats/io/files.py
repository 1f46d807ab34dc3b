"""Whole writes: a file appears under its name only when it is complete."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from trialstats.formatting import inert


def write_csv(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a frame as CSV: UTF-8, newline at line ends.

    Text that a spreadsheet would run as a formula gets an apostrophe in front, which
    spreadsheets take as the mark of text: a term that a site typed must not run.
    """
    texts = frame.map(inert).rename(columns=inert)
    write_text(texts.to_csv(index=False, lineterminator="\n"), path)


def write_bytes(data: bytes, path: str | Path) -> None:
    """Write bytes, whole or not at all."""
    write_whole(path, lambda part: Path(part).write_bytes(data))


def write_text(text: str, path: str | Path) -> None:
    """Write text as UTF-8, whole or not at all."""
    write_bytes(text.encode("utf-8"), path)


def read_text(path: str | Path) -> str:
    """Read a UTF-8 text file."""
    return Path(path).read_text(encoding="utf-8")


def read_bytes(path: str | Path) -> bytes:
    """Read a file as bytes."""
    return Path(path).read_bytes()


def write_whole(path: str | Path, write: Callable[[str], object]) -> None:
    """Write to a neighbour and rename, so that no half file has the name."""
    with written_whole(path) as part:
        write(part)


@contextmanager
def written_whole(path: str | Path) -> Iterator[str]:
    """Yield the name of a neighbour that is renamed when the block ends well.

    The neighbour always has the same name: what a killed run leaves is overwritten by
    the next one.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.stem}.part{target.suffix}")
    part.unlink(missing_ok=True)
    try:
        yield str(part)
        os.chmod(part, 0o666 & ~_umask())
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
