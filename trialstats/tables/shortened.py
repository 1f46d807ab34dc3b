"""Long lists in a table: what is shown of them, and where all of it is."""

from collections import Counter
from collections.abc import Sequence

from trialstats.records import Record
from trialstats.tables.table import EMPTY, Cell

#: Rows of a list that a table shows: a page must not grow with the data.
SHOWN = 100

#: Characters of a received text that a cell shows.
LONGEST = 300


def shares(sizes: Sequence[int], limit: int) -> list[int]:
    """Return how many of each group are shown when `limit` are in all.

    Small groups are shown whole; what is left goes to the large ones in equal parts.

    >>> shares([2, 500, 40], 30)
    [2, 14, 14]
    """
    shown = [0] * len(sizes)
    left = limit
    ascending = sorted(range(len(sizes)), key=lambda i: sizes[i])
    for place, index in enumerate(ascending):
        shown[index] = min(sizes[index], left // (len(sizes) - place))
        left -= shown[index]
    return shown


def shortened(
    listed: Sequence[Record], by: str, limit: int = SHOWN
) -> Sequence[Record]:
    """Return at most `limit` rows of a list, some of every group, in their order."""
    if len(listed) <= limit:
        return listed
    sizes = Counter(row[by] for row in listed)
    left = dict(zip(sizes, shares(list(sizes.values()), limit), strict=True))
    shown = []
    for row in listed:
        if left[row[by]]:
            left[row[by]] -= 1
            shown.append(row)
    return shown


def left_out(
    total: int, shown: int, what: str, file: str
) -> tuple[tuple[str, str], ...]:
    """Return the footnote that says how many rows are not shown, and where they are."""
    if shown == total:
        return ()
    words = f"{shown} of {total} {what} are shown, some of each kind; {total - shown} "
    return (("", f"{words}more are in {file}."),)


def brief(text: object, longest: int = LONGEST) -> Cell:
    """Print a text that came with the data, cut where it is very long."""
    if text is None:
        return EMPTY
    written = str(text)
    if len(written) <= longest:
        return Cell(written)
    return Cell(f"{written[: longest - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}")
