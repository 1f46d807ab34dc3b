"""Rows of a table of shifts: the category after baseline by that at baseline, by arm.

Whoever has no value at baseline, or none after it, stands under "Missing": the counts
of an arm always add to its number of subjects.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from trialstats.analyses.trial_categories import categories_of
from trialstats.analyses.trial_characteristics import require_subjects
from trialstats.analyses.trial_cmh import Counted, cmh_test_rows, strata_rows
from trialstats.analyses.trial_covariates import with_subjects
from trialstats.analyses.trial_rows import USED_UNNAMED, Analysis, Row
from trialstats.errors import DataError
from trialstats.expressions import condition, parse
from trialstats.rows import distinct_keys
from trialstats.vocabulary import MISSING, sentence_list, shift_in_words

_WORST = {
    "low": "the lowest category in the order of the categories",
    "high": "the highest category in the order of the categories",
    "last": "the category at the last visit",
}


def shift_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield numbers at baseline, after it and of each shift, by arm; then the tests."""
    people = require_subjects(analysis)
    before, after = _at_baseline(analysis), _after_baseline(analysis)
    rows = pd.concat([before, after])
    found = categories_of(analysis, rows.reset_index(drop=True), "AVAL")
    labels = list(found.labels)
    category = found.of_record.to_numpy()
    first = dict(zip(before["USUBJID"], category[: len(before)], strict=True))
    later = _chosen(analysis, after.assign(_label=category[len(before) :]), labels)
    table = pd.DataFrame(
        {
            "arm": people["TRT01P"],
            "before": [first.get(subject, MISSING) for subject in people["USUBJID"]],
            "after": [later.get(subject, MISSING) for subject in people["USUBJID"]],
        }
    )
    for arm in analysis.arms:
        yield from _arm_rows(analysis, arm, table[table["arm"] == arm], labels)
    if "statistics" in analysis.model:
        yield from _tests(analysis, table, labels, found.scores, found.said)


def _records(analysis: Analysis) -> pd.DataFrame:
    """Return the records with a value of the parameter, of the analysis set."""
    bds = analysis.bds
    used = bds["DTYPE"].isna() | bds["DTYPE"].isin([*USED_UNNAMED, *analysis.derived])
    rows: pd.DataFrame = bds[
        (bds["PARAMCD"] == analysis.settings["parameter"])
        & used
        & bds["AVAL"].notna()
        & bds["USUBJID"].isin(analysis.subjects()["USUBJID"])
    ]
    return rows


def _at_baseline(analysis: Analysis) -> pd.DataFrame:
    """Return a record a subject with the baseline as its value.

    Where the record that is the baseline is not at hand, a later one that states it
    stands for it.
    """
    rows = _records(analysis)
    flagged = rows[rows["ABLFL"] == "Y"]
    repeated = flagged[flagged.duplicated("USUBJID")]
    if len(repeated):
        raise DataError(
            f"subject {repeated['USUBJID'].iloc[0]} has two baseline records of "
            f"{analysis.settings['parameter']}",
            column="ABLFL",
            remedy="flag one record as baseline",
        )
    stated = rows[rows["BASE"].notna() & ~rows["USUBJID"].isin(flagged["USUBJID"])]
    stated = stated.drop_duplicates("USUBJID")
    stated = stated.assign(AVAL=stated["BASE"])
    return pd.concat([part for part in (flagged, stated) if len(part)] or [flagged])


def _after_baseline(analysis: Analysis) -> pd.DataFrame:
    """Return the records after baseline at the visits of the analysis."""
    rows = _records(analysis)
    at = analysis.settings.get("at")
    rows = rows[
        (rows["ANL01FL"] == "Y") & (rows["ABLFL"] != "Y") & ~(rows["AVISITN"] <= 0)
    ]
    if at is not None:
        rows = rows[rows["AVISIT"].isin([at] if isinstance(at, str) else list(at))]
    where = analysis.settings.get("where")
    if where is not None:
        named = with_subjects(rows, analysis.adsl, parse(where).names)
        rows = rows[condition(where, named)]
    repeated = rows[rows.duplicated(["USUBJID", "AVISIT"])]
    if len(repeated):
        first = repeated.iloc[0]
        raise DataError(
            f"subject {first['USUBJID']} has two records of "
            f"{analysis.settings['parameter']} at {first['AVISIT']}",
            column="ANL01FL",
            remedy="flag one record, or name fewer DTYPE under `records`",
        )
    return rows


def _chosen(
    analysis: Analysis, rows: pd.DataFrame, labels: list[str]
) -> dict[str, str]:
    """Return the category of each subject: of the one visit, or of the worst."""
    worst = analysis.model.get("worst")
    if worst is None or worst == "last":
        order = rows["AVISITN"].astype(float)
    else:
        places = {label: place for place, label in enumerate(labels)}
        order = rows["_label"].map(places) * (-1.0 if worst == "low" else 1.0)
    last = rows.assign(_order=order).sort_values(
        ["USUBJID", "_order"], kind="stable", na_position="first"
    )
    chosen = last.drop_duplicates("USUBJID", keep="last")
    return dict(zip(chosen["USUBJID"], chosen["_label"], strict=True))


def _when(analysis: Analysis) -> str:
    """Return which value after baseline counts, in words."""
    at, worst = analysis.settings.get("at"), analysis.model.get("worst")
    if worst is None:
        return f"after baseline: at {at}"
    listed = [at] if isinstance(at, str) else at
    visits = f"of {sentence_list(listed)}" if listed else "of all visits after baseline"
    return f"after baseline: {_WORST[worst]} {visits}"


def _arm_rows(
    analysis: Analysis, arm: str, part: pd.DataFrame, labels: list[str]
) -> Iterator[Row]:
    every = [*labels, MISSING]
    keys = distinct_keys(every)
    when, n = _when(analysis), len(part)
    yield analysis.row(
        "n", group=arm, estimate=n, n_subjects=n, method="Number of subjects"
    )
    for first in every:
        here = part[part["before"] == first]
        yield analysis.row(
            "n_at_baseline",
            key=[keys[first]],
            group=arm,
            subgroup=first,
            estimate=len(here),
            n_subjects=n,
            method="Number of subjects in the category at baseline",
        )
        for then in every:
            yield analysis.row(
                "shift",
                key=[keys[first], "to", keys[then]],
                group=arm,
                subgroup=shift_in_words(first, then),
                estimate=int((here["after"] == then).sum()),
                n_subjects=len(here),
                method="Number of subjects in the categories at baseline and after it, "
                "percentages of all of the arm in that category at baseline; "
                f"{when}",
            )
    for then in every:
        yield analysis.row(
            "n_after_baseline",
            key=[keys[then]],
            group=arm,
            subgroup=then,
            estimate=int((part["after"] == then).sum()),
            n_subjects=n,
            method=f"Number of subjects in the category after baseline; {when}",
        )


def _tests(
    analysis: Analysis,
    table: pd.DataFrame,
    labels: list[str],
    scores: tuple[float, ...],
    said: str,
) -> Iterator[Row]:
    """Yield the tests of arms by category after baseline, over those at baseline."""
    arms = (analysis.control, *analysis.treatments)
    tables = np.array(
        [
            [
                [
                    ((own["before"] == first) & (own["after"] == then)).sum()
                    for then in labels
                ]
                for own in (table[table["arm"] == arm] for arm in arms)
            ]
            for first in labels
        ],
        dtype=np.int64,
    )
    strata = tuple(f"{label} at baseline" for label in labels)
    counted = Counted(tables, arms, tuple(labels), strata, scores, said)
    absent = [arm for i, arm in enumerate(arms) if not tables[:, i].any()]
    why = f"{absent[0]} has no subject with both values." if absent else None
    contrast = None
    if len(analysis.treatments) == 1:
        contrast = analysis.contrast(analysis.treatments[0])
    yield from strata_rows(analysis, counted, contrast)
    over = "stratified by the category at baseline, of the subjects with both values"
    yield from cmh_test_rows(analysis, counted, contrast, why, over=over)
