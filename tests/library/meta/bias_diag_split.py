"""Which test module compares which cases of the files metafor.bias_diag.*.

A case belongs to a module when the first word of its id, up to a dot, is in its
list. `test_bias_diag_split` holds that every case belongs to exactly one.
"""

SMALL_STUDY = (
    "fsn",
    "hc",
    "hettest",
    "ranktest",
    "regtest",
    "selmodel",
    "tes",
    "trimfill",
)

INFLUENCE = (
    "baujat",
    "cumul",
    "funnel_xy",
    "influence",
    "leave1out",
    "qqnorm",
    "radial",
    "rstandard",
    "rstudent",
)


def belongs(case_id: str, prefixes: tuple[str, ...]) -> bool:
    """Return whether a case is one of those that `prefixes` names."""
    return case_id.split(".")[0] in prefixes
