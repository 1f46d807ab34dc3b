"""The schemas of what cleaning did, in counts: small tables that reports print.

Field, types and metadata as in `rows`.
"""

import pyarrow as pa

from trialstats.rows import COUNT, NUMBER, TEXT, field

#: What stands in `rule` of the first and the last step of a source.
RECEIVED, USED = "received", "used"

#: One row per source and step from the rows received to the rows used. Rows in are
#: rows out and rows set aside, and the rows out of a step are those into the next.
STEPS = pa.schema(
    [
        field("source", TEXT, "Name of the source", required=True),
        field("files", TEXT, "Raw files", required=True),
        field("step", COUNT, "Position of the step, from 0", required=True),
        field("rule", TEXT, "received, a rule that sets aside, or used", required=True),
        field("reason", TEXT, "Reason, where the rows have one in common"),
        field("n_in", COUNT, "Rows in", required=True),
        field("n_set_aside", COUNT, "Rows set aside", required=True),
        field("n_out", COUNT, "Rows out", required=True),
        field("n_changed", COUNT, "Of the rows used, those with a changed value"),
    ]
)

#: One row per source, rule, column and reason of changed values.
CHANGES = pa.schema(
    [
        field("source", TEXT, "Name of the source", required=True),
        field("rule", TEXT, "Rule", required=True),
        field("column", TEXT, "Column of the file"),
        field("reason", TEXT, "Reason"),
        field("n", COUNT, "Values changed", required=True),
        field("examples", TEXT, "The first of them", required=True),
    ]
)

#: One row per number of the published tables that can hardly be meant.
PUBLISHED_WARNINGS = pa.schema(
    [
        field("kind", TEXT, "Kind of warning", required=True),
        field("trial", TEXT, "Trial identifier", required=True),
        field("label", TEXT, "Author and year", required=True),
        field("endpoint", TEXT, "Harmonised name of the outcome", required=True),
        field("outcome", TEXT, "Outcome in the trial's own words", required=True),
        field("file", TEXT, "File of data/published", required=True),
        field("row", COUNT, "Row of the file; the header is row 1", required=True),
        field("column", TEXT, "Column of the file", required=True),
        field("value", NUMBER, "Value", required=True),
        field("finding", TEXT, "What looks wrong", required=True),
        field("look", TEXT, "What to look at again", required=True),
    ]
)
