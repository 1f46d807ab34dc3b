"""Read every file of a dossier back and find each number of it in a row."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from trialstats.errors import DataError
from trialstats.figures.reading import texts_of
from trialstats.rows import COUNT, TEXT, field
from trialstats.tables.formats.read_back import READERS
from trialstats.tables.formats.read_back import read_csv as cells_of
from trialstats.tracing.dossier import Problem, Sources, Text, Traced
from trialstats.tracing.numbers import numbers_in
from trialstats.tracing.pages import OF_AXIS, Said, blocks_of_page

#: One row per file that prints numbers.
TRACED = pa.schema(
    [
        field("file", TEXT, "File", required=True),
        field("n_numbers", COUNT, "Numbers in it", required=True),
        field("n_of_rows", COUNT, "Numbers that a named row holds", required=True),
        field("n_of_texts", COUNT, "Numbers of names and labels", required=True),
        field("same_as", TEXT, "File with the same cells, which was traced"),
    ]
)

#: How a page names the source of a text that one place holds whole.
EXACT = ("Installed version of ", "SHA-256 of ")

_PERCENT = re.compile(r"\s?%|\s?percentage points?")

#: Problems that a message lists.
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """What was found in one file."""

    file: str
    traced: Traced
    same_as: str = ""


def check_files(
    files: Sequence[str], read: Callable[[str], bytes], sources: Sources
) -> list[CheckedFile]:
    """Find every number of pages, figures and tables in a row.

    Parameters
    ----------
    files : sequence of str
        Their paths; the ending tells what each is. A table is traced as HTML, and
        must have the same cells in every other format.
    read : callable
        Returns the content of a file.
    sources : Sources
        What may be printed.

    Returns
    -------
    list of CheckedFile
        In the order given.

    Raises
    ------
    DataError
        With every number that no row holds, and every format whose cells differ.
    """
    checked: list[CheckedFile] = []
    wrong: list[str] = []
    pages = {file.removesuffix(".html"): file for file in files if _is_page(file)}
    traced: dict[str, CheckedFile] = {}
    for file in [f for f in files if f.endswith((".html", ".svg"))]:
        content = read(file)
        texts = _of_figure(content) if file.endswith(".svg") else _of_page(content)
        found = sources.trace(texts)
        traced[file] = CheckedFile(file, found)
        wrong += [f"{file}: {problem}" for problem in found.problems]
    for file in files:
        if file in traced:
            checked.append(traced[file])
            continue
        stem, _, ending = file.rpartition(".")
        page = pages[stem]
        difference = _difference(ending, read(file), read(page))
        if difference:
            wrong.append(f"{file}: {difference}")
        checked.append(CheckedFile(file, traced[page].traced, page))
    if wrong:
        shown = "\n".join(wrong[:_SHOWN])
        more = f"\nand {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise DataError(
            f"{len(wrong)} texts of the dossier do not come from its rows:\n"
            f"{shown}{more}",
            remedy="a number must stand in a row that its cell or mark names",
        )
    return checked


def traced_rows(checked: Iterable[CheckedFile]) -> Iterator[Mapping[str, object]]:
    """Yield the row of each file, schema `TRACED`."""
    for one in checked:
        yield {
            "file": one.file,
            "n_numbers": one.traced.n_numbers,
            "n_of_rows": one.traced.n_of_rows,
            "n_of_texts": one.traced.n_of_texts,
            "same_as": one.same_as or None,
        }


def _is_page(file: str) -> bool:
    return file.endswith(".html")


def _of_figure(content: bytes) -> Iterator[Text]:
    left = []
    for written in texts_of(content):
        if written.rows:
            yield Text(written.text, written.rows)
        elif not written.of_axis:
            left.append(written.text)
    # A label breaks into lines: the words before a number may stand in another one.
    yield Text(" ".join(left))


def _of_page(content: bytes) -> Iterator[Text]:
    for block in blocks_of_page(content.decode("utf-8")):
        yield from _of_block(block)


def _of_block(block: Sequence[Said]) -> Iterator[Text]:
    """Yield each text that names rows, and what is left of the block as a label."""
    left, held = [], []
    for said, after in zip(block, [*block[1:], None], strict=True):
        if said.given.startswith(OF_AXIS) or _cites(said):
            continue
        if said.given.startswith(EXACT):
            yield Text(said.text, (), said.given)
            continue
        if said.rows:
            # A sign of percent that follows belongs to the number.
            sign = _PERCENT.match(after.text) if after else None
            yield Text(said.text + (sign.group() if sign else ""), said.rows)
            held += [number.text for number in numbers_in(said.text)]
        # The words around a number say what it is of.
        left.append(said.text)
    apart = " " if "svg" in block[0].path else ""
    yield Text(apart.join(left), held=tuple(held))


def _cites(said: Said) -> bool:
    """Return whether a text is the number of a reference, which is a link to it."""
    return said.path[-1:] == ("a",) and said.text.strip().isdigit()


def _difference(ending: str, content: bytes, page: bytes) -> str:
    """Return how a table differs from its page; nothing where it does not."""
    expected = READERS["html"](page)
    if ending == "csv":
        known = {
            n.value for table in expected for t in table.texts for n in numbers_in(t)
        }
        head, *body = cells_of(content)
        # Columns without a heading, or with the same, are told apart by their place.
        named = [re.sub(r"\[\d+\]$", "", cell) for cell in head]
        cells = [cell for row in (named, *body) for cell in row]
        own = [n for cell in cells for n in numbers_in(cell)]
        lost = [n.text for n in own if n.value not in known]
        return f"{', '.join(lost[:5])} stand on no page" if lost else ""
    found = READERS[ending](content)
    if found == expected:
        return ""
    for mine, theirs in zip(found, expected, strict=False):
        for a, b in zip(mine.texts, theirs.texts, strict=False):
            if a != b:
                return f"{a!r} where the page has {b!r}"
    return f"{len(found)} tables where the page has {len(expected)}"


def named_rows(files: Sequence[str], read: Callable[[str], bytes]) -> set[str]:
    """Return the ``row_id`` of every row that pages and figures name."""
    named: set[str] = set()
    for file in files:
        if file.endswith((".html", ".svg")):
            content = read(file)
            texts = _of_figure(content) if file.endswith(".svg") else _of_page(content)
            named.update(i for text in texts for i in text.rows)
    return named


__all__ = [
    "TRACED",
    "CheckedFile",
    "Problem",
    "check_files",
    "named_rows",
    "traced_rows",
]
