"""Tables for word processors and journals: RTF, DOCX and LaTeX, and reading them back.

The documents have the layout of a study report; a reader for each format returns what
is printed, so that one table can be held against its prints cell by cell.
"""
