"""Write tables to files of every format."""

from collections.abc import Iterable, Sequence
from pathlib import PurePath

from trialstats import io
from trialstats.errors import ConfigError
from trialstats.tables.formats.docx import to_docx
from trialstats.tables.formats.latex import latex_document
from trialstats.tables.formats.page import Page
from trialstats.tables.formats.rtf import to_rtf
from trialstats.tables.render import to_csv_frame, to_page
from trialstats.tables.table import Table

#: Formats of tables, and how their files end.
ENDINGS = {"html": "html", "csv": "csv", "rtf": "rtf", "docx": "docx", "latex": "tex"}


def write_tables(
    tables: Sequence[Table], title: str, files: Iterable[str], *, paper: str = "letter"
) -> None:
    """Write tables to files, each in the format that its name ends with.

    Parameters
    ----------
    tables : sequence of Table
        What each file holds.
    title : str
        Title of the HTML page.
    files : iterable of str
        Names that end with one of `ENDINGS`.
    paper : {"letter", "a4"}
        Paper of the documents.

    Raises
    ------
    ConfigError
        When a name ends otherwise, or there is no such paper.
    """
    page = Page(paper=paper)
    for file in files:
        ending = PurePath(file).suffix.removeprefix(".")
        if ending == "html":
            io.write_text(to_page(tables, title), file)
        elif ending == "csv":
            io.write_csv(to_csv_frame(*tables), file)
        elif ending == "rtf":
            io.write_bytes(to_rtf(tables, page=page), file)
        elif ending == "docx":
            io.write_bytes(to_docx(tables, page=page), file)
        elif ending == "tex":
            io.write_text(latex_document(tables, page=page), file)
        else:
            known = ", ".join(ENDINGS.values())
            raise ConfigError(f"{file}: tables are written to files ending in {known}")
