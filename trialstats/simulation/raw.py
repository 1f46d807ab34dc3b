"""The raw files of the three synthetic trials, as a site would send them.

`raw_files` returns the content of every file under its path in the repository: the
sources, a README for each trial, and under data/truth the true effects with the list of
planted errors.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import yaml

from trialstats.randomness import stream
from trialstats.simulation import messes, tables
from trialstats.simulation.messes import Submission, Unit
from trialstats.simulation.truth import (
    crossover_truth,
    parallel_truth,
    readme,
)
from trialstats.simulation.workbook import workbook_bytes

MILLIMETRES = Unit("scale", "0-100 mm", 0.1, 0)
PER_DECILITRE = Unit("crp_unit", "mg/dL", 10.0, 2)
POUNDS = Unit("weight_unit", "lb", 0.45359237, 1)

Sent = dict[str, Submission]
Files = dict[str, str | bytes]


@dataclass(frozen=True, slots=True)
class TrialFiles:
    """How one trial is sent.

    Parameters
    ----------
    folder : str
        Folder under data/raw, and name of the truth's file.
    excel : tuple of str
        Sources sent as Excel files, the sheet named like the source; the others are
        sent as CSV.
    simulate : callable
        From a seed to the true trial and its source tables.
    spoil : callable
        Plants the errors.
    truth : callable
        From the true trial to the true values.
    """

    folder: str
    excel: tuple[str, ...]
    simulate: Callable[[int], tuple[Any, tables.Tables]]
    spoil: Callable[[Sent, np.random.Generator], None]
    truth: Callable[[Any], dict[str, Any]]


def raw_files(seed: int) -> Files:
    """Return every file of the three trials, by its path from the repository's root.

    Parameters
    ----------
    seed : int
        Everything follows from it.

    Returns
    -------
    dict of str to str or bytes
        Text of CSV, YAML and Markdown files; bytes of Excel files.
    """
    files: Files = {}
    for trial in TRIALS:
        files |= _files_of(trial, seed)
    return files


def _files_of(trial: TrialFiles, seed: int) -> Files:
    truth, clean = trial.simulate(seed)
    sent = {
        source: Submission(source, _path(trial, source), frame)
        for source, frame in clean.items()
    }
    trial.spoil(sent, stream(seed, trial.folder, "errors"))
    files: Files = {s.file: _content(s, trial) for s in sent.values()}
    document = {
        "trial": truth.design.trial,
        "data_status": "synthetic",
        "made_by": "scripts/simulate_raw_data.py",
        "seed": seed,
        **trial.truth(truth),
        "files": {
            s.file: {"rows": len(s.cells), "date_formats": s.date_formats}
            for s in sent.values()
        },
        "planted": [entry for s in sent.values() for entry in s.planted],
    }
    files[f"data/truth/{trial.folder}.yaml"] = yaml.safe_dump(
        document, sort_keys=False, allow_unicode=True, width=88
    )
    files[f"data/raw/{trial.folder}/README.md"] = readme(document, trial.folder)
    return files


def _path(trial: TrialFiles, source: str) -> str:
    ending = "xlsx" if source in trial.excel else "csv"
    return f"data/raw/{trial.folder}/synthetic_{source}.{ending}"


def _content(sent: Submission, trial: TrialFiles) -> str | bytes:
    if sent.source in trial.excel:
        return workbook_bytes(sent.cells, sent.source)
    return sent.cells.to_csv(index=False, lineterminator="\n")


def _spoil_fm_parallel(sent: Sent, rng: np.random.Generator) -> None:
    people, visits, diary = sent["demographics"], sent["visits"], sent["diary"]
    events, ends = sent["adverse_events"], sent["disposition"]
    _spoil_people(people, rng)
    messes.heights_in_metres(
        people, people.pick(rng, 2, people.cells["height"].notna())
    )
    final = visits.cells["visit"] == "Week 12"
    messes.late_visit(visits, ends, visits.pick(rng, 1, final)[0])
    between = visits.cells["visit"].isin(["Week 4", "Week 8"])
    messes.missing_codes(visits, rng, "fiqr", [-99, "ND", "."], between)
    messes.text_dates(visits, rng, "visit_date", 8)
    messes.resubmit(visits, rng, 1)
    after = diary.cells.duplicated("subject")
    paper = diary.cell(diary.pick(rng, 1, _complete(diary))[0], "subject")
    rows = diary.cells.index[(diary.cells["subject"] == paper) & after][2:7].tolist()
    messes.other_unit(diary, rows, "pain", MILLIMETRES)
    messes.impossible_value(diary, diary.pick(rng, 1, after)[0], "pain", 47, (0, 10))
    messes.missing_codes(diary, rng, "pain", ["-99", "ND", ".", "-99", "NK"], after)
    messes.missing_codes(events, rng, "related", ["NK"])
    messes.text_dates(ends, rng, "last_date", 4)
    lost = ends.cells["reason"] == "Lost to follow-up"
    messes.missing_codes(ends, rng, "last_date", ["NK"], lost)
    _date_and_resubmit(
        [
            (people, ["randomised_on", "first_dose_on"], 0),
            (diary, ["date"], 2),
            (events, ["start_date"], 1),
        ],
        rng,
    )


def _spoil_crohn(sent: Sent, rng: np.random.Generator) -> None:
    people, visits, diary = sent["demographics"], sent["visits"], sent["diary"]
    events, ends = sent["adverse_events"], sent["disposition"]
    _spoil_people(people, rng)
    final, after = (
        visits.cells["visit"] == "Week 12",
        visits.cells["visit"] != "Baseline",
    )
    messes.late_visit(visits, ends, visits.pick(rng, 1, final)[0])
    other = visits.cell(visits.pick(rng, 1, final)[0], "subject")
    rows = visits.cells.index[visits.cells["subject"] == other].tolist()
    messes.other_unit(visits, rows, "crp", PER_DECILITRE)
    between = after & ~final
    row = visits.pick(rng, 1, between)[0]
    messes.impossible_value(visits, row, "cdai", 4500, (0, 1100))
    messes.missing_codes(visits, rng, "cdai", ["ND"], between)
    messes.missing_codes(visits, rng, "crp", [-99, "ND", "."], after)
    messes.text_dates(visits, rng, "visit_date", 6)
    messes.resubmit(visits, rng, 1)
    later = diary.cells.duplicated("subject")
    messes.missing_codes(diary, rng, "stools", ["-99", "."], later)
    messes.missing_codes(events, rng, "related", ["NK"])
    _date_and_resubmit(
        [
            (people, ["randomised_on", "first_dose_on"], 1),
            (diary, ["date"], 1),
            (events, ["start_date"], 0),
            (ends, ["last_date"], 0),
        ],
        rng,
    )


def _spoil_fm_crossover(sent: Sent, rng: np.random.Generator) -> None:
    people, visits, diary = sent["demographics"], sent["visits"], sent["diary"]
    events, ends = sent["adverse_events"], sent["disposition"]
    # A subject without a week is chosen first: deleting entries moves the rows below.
    stayed = ends.cells["completed"] == "Y"
    short = str(ends.cell(ends.pick(rng, 1, stayed)[0], "subject"))
    own = people.cells.loc[people.cells["subject"] == short, "period_1_start"]
    third_week = own.iloc[0] + pd.Timedelta(days=14).to_pytimedelta()
    messes.forgotten_days(diary, short, third_week)
    _spoil_people(people, rng)
    unreached = people.cells.index[people.cells["period_2_start"].isna()].tolist()
    for row in unreached:
        kind, cleaning = "missing code", "read as missing"
        people.plant(row, "period_2_start", "ND", kind, cleaning, becomes=None)
    final = visits.cells["visit"] == "Period 2 Week 6"
    messes.late_visit(visits, ends, visits.pick(rng, 1, final)[0])
    first = visits.cells["visit"] == "Period 1 Week 6"
    messes.missing_codes(visits, rng, "fiqr", ["-99", "ND"], first)
    other = diary.cells["subject"] != short
    paper = diary.cell(diary.pick(rng, 1, other)[0], "subject")
    rows = diary.cells.index[diary.cells["subject"] == paper][20:34].tolist()
    messes.other_unit(diary, rows, "pain", MILLIMETRES)
    messes.impossible_value(diary, diary.pick(rng, 1, other)[0], "pain", 99, (0, 10))
    codes = [-99, "ND", ".", "NK", -99, "ND", -99, "."]
    messes.missing_codes(diary, rng, "pain", codes, other)
    messes.text_dates(diary, rng, "date", 20)
    messes.resubmit(diary, rng, 2)
    _date_and_resubmit(
        [
            (people, ["randomised_on", "period_1_start", "period_2_start"], 0),
            (visits, ["visit_date"], 1),
            (events, ["start_date"], 0),
            (ends, ["last_date"], 0),
        ],
        rng,
    )


def _spoil_people(people: Submission, rng: np.random.Generator) -> None:
    """Damage what every trial's demographics have in common."""
    everyone = people.cells["weight"].notna()
    pounds = people.pick(rng, 3, everyone)
    messes.other_unit(people, pounds, "weight", POUNDS)
    messes.missing_codes(people, rng, "weight", ["ND"])
    messes.missing_codes(people, rng, "disease_years", ["NK"])
    variants = {"F": ["f", "female"], "M": ["m", "male"]}
    messes.label_variants(people, rng, "sex", variants)


def _date_and_resubmit(
    plan: list[tuple[Submission, list[str], int]], rng: np.random.Generator
) -> None:
    """Write the dates of CSV sources as text, then send rows twice."""
    for sent, columns, again in plan:
        for column in columns:
            messes.mixed_dates(sent, rng, column)
        if again:
            messes.resubmit(sent, rng, again)


def _complete(diary: Submission) -> pd.Series:
    """Return the rows of subjects with every weekly entry."""
    counts = diary.cells["subject"].map(diary.cells["subject"].value_counts())
    return pd.Series(counts == counts.max())


TRIALS = (
    TrialFiles(
        "fm_parallel_synthetic",
        ("visits", "disposition"),
        tables.fm_parallel_tables,
        _spoil_fm_parallel,
        parallel_truth,
    ),
    TrialFiles(
        "fm_crossover_synthetic",
        ("diary",),
        tables.fm_crossover_tables,
        _spoil_fm_crossover,
        crossover_truth,
    ),
    TrialFiles(
        "crohn_parallel_synthetic",
        ("visits",),
        tables.crohn_tables,
        _spoil_crohn,
        parallel_truth,
    ),
)
