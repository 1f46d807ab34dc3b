"""What a declared table may be: its templates, and the names that each of them takes.

The configuration is checked against these names and the tables are made from them.
"""

from dataclasses import dataclass

#: Moments of a variable or of a measurement at a visit.
MOMENTS = (
    *("n", "mean", "sd", "mean_sd", "median", "minimum", "maximum"),
    *("range", "median_range"),
)

#: What counts participants.
COUNTED = ("count", "percent", "count_percent", "percent_count", "missing")

#: What is printed of one row: an estimate, how sure it is, its test.
OF_ONE_ROW = (
    *("estimate", "se", "estimate_se", "lower", "upper", "ci", "limits"),
    *("estimate_ci", "df", "numerator_df", "test", "p_value", "participants"),
)

#: What an adjusted comparison of arms may print.
OF_COMPARISONS = ("estimate", "se", "estimate_se", "ci", "estimate_ci", "df", "p_value")


@dataclass(frozen=True, slots=True)
class Template:
    """One layout of a table.

    Attributes
    ----------
    models : tuple of str
        Types of models whose rows it lays out; none for any.
    statistics : tuple of str
        What it may print of them.
    rows : tuple of str
        Names of its rows, where they do not depend on the trial.
    several : bool
        Whether it joins several analyses.
    keys : tuple of str
        Keys of the table that are for some templates only.
    """

    models: tuple[str, ...] = ()
    statistics: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    several: bool = False
    keys: tuple[str, ...] = ()


_BLOCKS = ("baseline", "value", "change")
_ADJUSTED = ("analysed", "with_data", "adjusted", "comparison")

TEMPLATES = {
    "counts": Template(
        ("counts",), ("count", "percent", "count_percent"), keys=("across", "places")
    ),
    "characteristics": Template(("characteristics",), (*MOMENTS, *COUNTED)),
    "ancova": Template(
        ("ancova",),
        (*MOMENTS, *OF_COMPARISONS),
        (*_BLOCKS, *_ADJUSTED, "dose_response", "interaction"),
    ),
    "mmrm": Template(("mmrm",), OF_COMPARISONS, _ADJUSTED),
    "responder": Template(
        ("proportions",),
        (*COUNTED, *OF_COMPARISONS),
        (
            *("analysed", "with_data", "events", "risk"),
            *("risk_difference", "risk_ratio", "odds_ratio", "test"),
        ),
    ),
    "time_to_event": Template(
        ("survival",),
        (*COUNTED, *OF_COMPARISONS, "lower", "upper"),
        (
            *("participants", "with_data", "events", "censored", "median"),
            *("survival", "log_rank", "hazard_ratio"),
        ),
    ),
    "summary": Template(("summary",), MOMENTS, _BLOCKS, several=True),
    "change": Template(
        ("summary",),
        tuple(
            f"{block}{name}"
            for block in ("", "baseline_", "change_")
            for name in MOMENTS
        ),
        several=True,
        keys=("groups",),
    ),
    "cmh": Template(("cmh",)),
    "shift": Template(("shift",)),
    "adverse_events": Template(
        ("adverse_events",), rows=("overview", "terms", "severity", "relation")
    ),
    "estimates": Template(
        (), (*MOMENTS, *COUNTED, *OF_ONE_ROW), several=True, keys=("where",)
    ),
    "listing": Template(keys=("dataset", "where", "sort", "page")),
}

#: Templates whose body is that of the table that an analysis has by default.
AS_BY_DEFAULT = ("cmh", "shift", "adverse_events")

#: Keys of a table that these templates do not have.
NOT_BY_DEFAULT = ("statistics", "labels", "decimals", "p_values", "counts", "sizes")

#: Templates whose columns are groups of participants.
BY_GROUP = (
    *("counts", "characteristics", "ancova", "mmrm", "responder"),
    *("time_to_event", "summary"),
)

#: Column of the tests, beside those of the groups.
TESTS = "p_value"

#: Datasets that a listing prints.
DATASETS = ("adsl", "bds", "adae")
