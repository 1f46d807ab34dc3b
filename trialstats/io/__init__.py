"""Files: the only part of the library, beside config, that opens them.

A table of the pipeline is written and read against its schema, and nothing is written
half. A raw file, whatever its format, is read into one representation.
"""

from trialstats.io.cells import read_cells
from trialstats.io.files import (
    read_bytes,
    read_text,
    write_bytes,
    write_csv,
    write_text,
)
from trialstats.io.options import RawOptions
from trialstats.io.raw_files import raw_batches, raw_parts, read_raw
from trialstats.io.staging import Staging
from trialstats.io.tables import (
    read_columns,
    read_schema,
    read_table,
    table_parts,
    table_writer,
    write_table,
)

__all__ = [
    "RawOptions",
    "Staging",
    "raw_batches",
    "raw_parts",
    "read_bytes",
    "read_cells",
    "read_columns",
    "read_raw",
    "read_schema",
    "read_table",
    "read_text",
    "table_parts",
    "table_writer",
    "write_bytes",
    "write_csv",
    "write_table",
    "write_text",
]
