"""Names of columns, and rows that do not fit them: the same words in every format."""

from collections.abc import Iterable, Sequence

from trialstats.errors import DataError


def is_blank(cell: object) -> bool:
    """Return whether a cell is empty or holds spaces alone."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def header_names(header: Sequence[object], file: str, row: int | None) -> list[str]:
    """Return the names of a header row, without blank cells at its end.

    Parameters
    ----------
    header : sequence
        Its cells.
    file : str
        For the message.
    row : int, optional
        Row of the header, where there is one.

    Raises
    ------
    DataError
        When a column has no name, or two share one.
    """
    cells = list(header)
    while cells and is_blank(cells[-1]):
        cells.pop()
    names = ["" if name is None else str(name).strip() for name in cells]
    seen: set[str] = set()
    for position, name in enumerate(names, start=1):
        if not name or name in seen:
            raise DataError(
                "a column has no name" if not name else "two columns share one name",
                file=file,
                row=row,
                column=name or f"number {position}",
                remedy="give every column a name of its own",
            )
        seen.add(name)
    return names


def require_names(names: Iterable[object], file: str) -> list[str]:
    """Return the names of a file that has no header row, each there and distinct."""
    given = list(names)
    # A blank name at the end of a header row is an empty column; here it is a fault.
    if given and is_blank(given[-1]):
        given.append("?")
    return header_names(given, file, None)


def blank_or_fitting(
    cells: Sequence[object], names: Sequence[str], row: int, file: str
) -> bool:
    """Return whether a row is blank; refuse one that does not fit the names.

    Blank cells beyond the last name are no surplus.

    Raises
    ------
    DataError
        When a row holds cells without a name, or too few.
    """
    if all(map(is_blank, cells)):
        return True
    extra = [cell for cell in cells[len(names) :] if not is_blank(cell)]
    if extra or len(cells) < len(names):
        raise DataError(
            f"{len(cells)} cells under {len(names)} column names",
            file=file,
            row=row,
            value=extra[0] if extra else None,
            remedy="quote cells that hold the delimiter"
            if len(names) > 1
            else "write `skip_rows` or `comment` for the rows before the header",
        )
    return False
