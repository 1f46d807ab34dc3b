"""Excel files whose bytes depend on nothing but their cells."""

import datetime as dt
import io
import zipfile
from typing import Any

import pandas as pd
from openpyxl import Workbook

_WRITTEN = dt.datetime(2024, 1, 1)
_FIRST = "[Content_Types].xml"
_APPLICATION = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/'
    'extended-properties"><Application>Microsoft Excel</Application></Properties>'
)
_CORE = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/'
    'metadata/core-properties" xmlns:dcterms="http://purl.org/dc/terms/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    f'<dcterms:created xsi:type="dcterms:W3CDTF">{_WRITTEN.isoformat()}Z'
    "</dcterms:created>"
    f'<dcterms:modified xsi:type="dcterms:W3CDTF">{_WRITTEN.isoformat()}Z'
    "</dcterms:modified></cp:coreProperties>"
)


def workbook_bytes(cells: pd.DataFrame, sheet: str) -> bytes:
    """Return an Excel file with one sheet: the header and the cells.

    Parameters
    ----------
    cells : DataFrame
        Text, numbers, dates and None.
    sheet : str
        Name of the sheet.
    """
    book = Workbook()
    page = book.active
    if page is None:
        page = book.create_sheet()
    page.title = sheet
    page.append(list(cells.columns))
    for values in cells.itertuples(index=False):
        page.append([_plain(value) for value in values])
    stream = io.BytesIO()
    book.save(stream)
    return without_traces(stream.getvalue())


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def without_traces(workbook: bytes) -> bytes:
    """Return a workbook without the time, the versions and the order of its making.

    Members are stored, not deflated, since deflated bytes differ between builds of the
    compressor.
    """
    fixed = {"docProps/app.xml": _APPLICATION, "docProps/core.xml": _CORE}
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook)) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as new,
    ):
        for name in sorted(old.namelist(), key=lambda name: (name != _FIRST, name)):
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system = 3
            member.external_attr = 0o644 << 16
            content = fixed[name].encode() if name in fixed else old.read(name)
            new.writestr(member, content)
    return stream.getvalue()
