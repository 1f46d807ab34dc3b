"""Synthetic trials with known true effects, clean and as a site would send them.

`designs` draws the clean truth, fast enough for thousands of trials; `tables` lays one
trial out as source tables; `messes` damages them and lists every damage; `raw` turns
the result into the bytes of files; `recovery` asks whether the estimators find the
truth again. Nothing here opens a file.
"""
