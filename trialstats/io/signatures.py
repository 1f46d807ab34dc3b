"""What a file is by its first bytes, and whether it is what its name says."""

import re
from pathlib import Path

from trialstats.errors import DataError

#: Bytes of the head that are looked at.
HEAD = 96

#: First bytes -> what such a file is, in words, and the formats that begin so. Each
#: holds something that no header of delimited text does: a column may be named PAR1.
_SIGNATURES: tuple[tuple[bytes, str, set[str]], ...] = (
    (rb"PK\x03\x04", "a zip archive or an Excel workbook", {"xlsx", "zip"}),
    (rb"PK\x05\x06", "an empty zip archive", {"zip"}),
    (rb"\x1f\x8b", "a gzip file", {"gz", "rds", "rda"}),
    (rb"BZh[1-9]1AY&SY", "a bzip2 file", {"rds", "rda"}),
    (rb"\xfd7zXZ\x00", "an xz file", {"rds", "rda"}),
    (rb"\xd0\xcf\x11\xe0", "an old or password-protected Office document", set()),
    (rb"%PDF-", "a PDF", set()),
    (rb"SQLite format 3\x00", "an SQLite database", set()),
    (rb"PAR1\x15", "a Parquet file", {"parquet"}),
    (rb"\*\*COMPRESSED\*\*", "a SAS file made by PROC CPORT", set()),
    (rb"HEADER RECORD\*{7}LIB", "a SAS transport file", {"xpt"}),
    (rb"\x00{12}\xc2\xea\x81\x60\xb3\x14\x11\xcf", "a SAS dataset", {"sas7bdat"}),
    (rb"\$FL[23]@", "an SPSS file", {"sav"}),
    (rb"<stata_dta>", "a Stata file", {"dta"}),
    (rb"RD[XAB][23]\n", "an R data file", {"rda"}),
    (rb"[XB]\n\x00\x00|B\n[23]\x00|A\n[23]\n", "an R object", {"rds"}),
)

#: Releases of Stata whose files begin with their number: 8 to 12 (and one of 1990).
_OLD_STATA = {104, 105, 108, 110, 111, 112, 113, 114, 115}

#: Formats that only ever begin as `_SIGNATURES` says.
_ALWAYS_SIGNED = {
    *("gz", "parquet", "rda", "rds", "sas7bdat", "sav", "xlsx", "xpt", "zip"),
}


def require_signature(source: Path, format_: str, file: str) -> None:
    """Refuse a file whose first bytes are not those of its format.

    Raises
    ------
    DataError
        With what the file seems to be.
    """
    with source.open("rb") as stream:
        head = stream.read(HEAD)
    seems, formats = _seems(head)
    if format_ in formats:
        return
    if seems:
        raise DataError(
            f"this is {seems}, not a file of format {format_}",
            file=file,
            remedy=_remedy(formats),
        )
    if format_ in _ALWAYS_SIGNED or (format_ == "dta" and head[0] not in _OLD_STATA):
        raise DataError(
            f"not a file of format {format_}: it does not begin as one",
            file=file,
            remedy="send the file again; it may be damaged or have a wrong name",
        )


def _remedy(formats: set[str]) -> str:
    if "gz" in formats:
        return "put .gz at the end of its name"
    named = sorted(formats - {"zip"})
    if not named:
        return "send the table in a format that can be read"
    return f"write `format: {named[0]}`, or give the file the name of what it is"


def _seems(head: bytes) -> tuple[str | None, set[str]]:
    for start, words, formats in _SIGNATURES:
        if re.match(start, head):
            return words, formats
    return None, set()
