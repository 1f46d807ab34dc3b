"""Drafts of one small trial in five shapes, and of files that belong together.

The dossier of the shapes is part of the repository: twelve patients, three visits. Each
shape has the same measurements, so drafts that are right lead to the same estimates.
"""

import csv
import io
import random
from itertools import pairwise

import pandas as pd
import pytest
import yaml

from trialstats.analyses.trial import analyse_trial
from trialstats.clean.files import read_sources
from trialstats.clean.trial import clean_trial
from trialstats.commands.describe import received
from trialstats.config.checking import check
from trialstats.config.loading import SCHEMAS, read_trial
from trialstats.describe import describe, edits
from trialstats.describe.windows import clusters_of

N = 24

#: Edits from the draft to the configuration of each shape, its analyses and estimands
#: left out. In each of them the name of the trial, title, condition, status of the
#: data, two labels and the direction of the score stand in no file: seven edits.
SHAPES = {"adam": 14, "dates": 10, "files": 13, "sdtm": 8, "wide": 10}


@pytest.fixture(scope="module")
def dossier(root):
    return root / "config/examples/shapes"


def files_of(dossier, shape):
    paths = sorted((dossier / "data/raw" / shape).iterdir())
    return [t for path in paths for t in received(str(path))]


@pytest.fixture(scope="module")
def shapes(dossier):
    return {name: describe(files_of(dossier, name), trial=name) for name in SHAPES}


def fits(draft):
    schema = yaml.safe_load((SCHEMAS / "trial.schema.yaml").read_text("utf-8"))
    check(draft.config, schema, file="draft")
    assert yaml.safe_load(draft.text) == draft.config
    return draft.config


def table(header, rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()


def analysed(draft, place, folder):
    """Return ADSL and the rows of every analysis of a draft, as it stands."""
    path = folder / "draft.yaml"
    path.write_text(draft.text, encoding="utf-8")
    config, wrong = read_trial(place, str(path))
    assert not wrong
    clean = clean_trial(config, read_sources(config, root=place))
    named = {**config, "id": "draft"}
    found = analyse_trial(named, clean.adsl, clean.bds, clean.adae, clean.adtte)
    return clean.adsl, found


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_a_draft_of_a_shape_is_near_its_configuration(dossier, shapes, shape):
    path = dossier / f"config/trials/{shape}.yaml"
    target = yaml.safe_load(path.read_text("utf-8"))
    own = {k: v for k, v in fits(shapes[shape]).items() if k != "analyses"}
    other = {k: v for k, v in target.items() if k not in ("analyses", "estimands")}
    found = edits(own, other)
    assert len(found) <= SHAPES[shape], found


def test_drafts_of_five_shapes_lead_to_the_same_estimates(dossier, shapes, tmp_path):
    found = {}
    for shape, draft in shapes.items():
        adsl, rows = analysed(draft, dossier, tmp_path)
        assert len(adsl) == 12
        estimates = rows["pain"].loc[rows["pain"]["statistic"] == "difference"]
        found[shape] = estimates["estimate"].round(9).tolist()
    # At each of two visits after baseline, and over both.
    assert len(found["wide"]) == 3
    assert all(values == found["wide"] for values in found.values()), found


def test_a_schedule_of_visits_is_no_crossover(shapes):
    draft = fits(shapes["sdtm"])
    assert draft["design"] == "parallel"
    assert draft["arms"] == {"control": "Placebo", "treatments": ["Active"]}
    assert draft["adsl"]["where"] == "ARM != 'Screen Failure'"
    assert draft["date_formats"] == ["ISO8601"]
    assert draft["bds"]["PAIN"]["where"] == "QSTESTCD == 'PAIN'"


@pytest.mark.parametrize("levels", [("v1", "v2", "v3"), ("S1", "S2", "S3")])
def test_one_order_of_all_subjects_is_no_crossover(draft_of, levels):
    # Each subject has the levels in the same order: nothing is crossed over.
    rng = random.Random(4)
    people = [[f"P-{i:03d}", ("Placebo", "Verum")[i % 2]] for i in range(N)]
    rows = [
        [f"P-{i:03d}", n, level, round(rng.gauss(50, 9), 1)]
        for i in range(N)
        for n, level in enumerate(levels, 1)
    ]
    files = {
        "people.csv": table(["patient", "group"], people),
        "x.csv": table(["patient", "number", "what", "score"], rows),
    }
    assert fits(draft_of(files))["design"] == "parallel"


def crossed(orders, names=("subject", "period", "drug", "score"), *, value):
    rng = random.Random(9)
    rows = [
        [f"P-{i:03d}", n, treatment, value(rng)]
        for i in range(N)
        for n, treatment in enumerate(orders[i % len(orders)], 1)
    ]
    return table(names, rows)


def test_two_orders_are_a_crossover(draft_of):
    score = crossed(["AB", "BA"], value=lambda rng: round(rng.gauss(50, 9), 1))
    config = fits(draft_of({"x.csv": score}))
    assert config["design"] == "crossover"
    assert len(config["sequences"]) == 2
    assert config["analyses"]["score"]["model"] == {"type": "crossover"}


@pytest.mark.parametrize(
    ("name", "lowest", "model"),
    [
        ("Cmax", 1.0, {"type": "bioequivalence", "method": "A"}),
        # A difference may be negative, and a score has no ratio.
        ("Cmax", -1.0, {"type": "crossover"}),
        ("score", 1.0, {"type": "crossover"}),
    ],
)
def test_bioequivalence_is_drafted_of_positive_concentrations(
    draft_of, name, lowest, model
):
    header = ("subject", "period", "formulation", name)
    text = crossed(
        ["TRTR", "RTRT"],
        header,
        value=lambda rng: round(lowest * (1 + rng.random()), 3),
    )
    analysis = next(iter(fits(draft_of({"x.csv": text}))["analyses"].values()))
    assert analysis["model"] == model


def visit_files(names):
    rng = random.Random(3)
    return {
        name: table(
            ["patient", "pain"],
            [[f"P-{i:03d}", round(rng.gauss(6, 1), 1)] for i in range(N) if i != place],
        )
        for place, name in enumerate(names)
    }


PEOPLE = table(
    ["patient", "group", "age"],
    [[f"P-{i:03d}", "PA"[i % 2], 30 + 2 * (7 * i % N)] for i in range(N)],
)


@pytest.mark.parametrize(
    ("names", "visits", "source"),
    [
        (["visit_4", "visit_12", "visit_0"], {"Baseline": 0, "Visit 4": 4}, "visits"),
        (["week_12", "baseline", "week_4"], {"Baseline": 0, "Week 4": 4}, "visits"),
        (["pain_m3", "pain_m1"], {"Month 1": 1, "Month 3": 3}, "pain"),
        (["v1_baseline", "v1_final"], {"Baseline": 0, "End": 901}, "visits"),
        (["day1", "screening"], {"Screening": 0, "Day 1": 1}, "visits"),
    ],
)
def test_a_file_a_visit_is_one_source(draft_of, names, visits, source):
    files = visit_files([f"{name}.csv" for name in names])
    draft = draft_of({**files, "people.csv": PEOPLE})
    config = fits(draft)
    stacked = config["sources"][source]
    assert set(config["sources"]) == {"people", source}
    folder = "data/raw/back_pain"
    assert set(stacked["files"].values()) == {f"{folder}/{name}.csv" for name in names}
    assert stacked["into"] == "visit"
    assert stacked["key"] == ["patient", "visit"]
    assert "have the same columns and subjects" in " ".join(draft.text.split("\n  #"))
    pain = config["bds"]["PAIN"]
    assert pain["visits"]["column"] == "visit"
    found = pain["visits"]["names"]
    assert list(found) == list(stacked["files"])
    assert {name: found[name]["number"] for name in visits} == visits
    first = next(iter(visits))
    assert pain.get("baseline") == (first if visits[first] == 0 else None)


def test_the_order_of_the_files_does_not_matter(draft_of):
    files = visit_files(["week_12.csv", "week_4.csv", "baseline.csv"])
    one = draft_of({**files, "people.csv": PEOPLE})
    other = draft_of({"people.csv": PEOPLE, **dict(reversed(files.items()))})
    assert one.config["sources"] == other.config["sources"]
    assert one.config["bds"] == other.config["bds"]


def test_files_that_name_their_visit_are_stacked_without_another_column(draft_of):
    rows = [[f"P-{i:03d}", 30 + 7 * i] for i in range(N)]
    files = {
        f"week_{week}.csv": table(
            ["patient", "when", "score"],
            [[name, f"Week {week}", value * week % 41] for name, value in rows],
        )
        for week in (4, 8)
    }
    config = fits(draft_of({**files, "people.csv": PEOPLE}))
    folder = "data/raw/back_pain"
    listed = [f"{folder}/week_4.csv", f"{folder}/week_8.csv"]
    assert config["sources"]["visits"] == {"files": listed, "key": ["patient", "when"]}
    assert config["bds"]["SCORE"]["visits"]["column"] == "when"


def site_files(first, name="site"):
    header = ["patient", "group", "age"]
    return {
        f"{name}_{site}.csv": table(
            header,
            [
                [f"P-{first * site + i:03d}", ("Placebo", "Verum")[i % 2], 30 + 2 * i]
                for i in range(N)
            ],
        )
        for site in (1, 2)
    }


def test_a_file_a_site_is_one_source(draft_of):
    config = fits(draft_of(site_files(100)))
    assert list(config["sources"]) == ["sites"]
    assert list(config["sources"]["sites"]["files"]) == ["Site 1", "Site 2"]
    assert config["sources"]["sites"]["into"] == "site"
    assert config["adsl"]["variables"]["SITE"] == {"column": "site", "label": "Site"}


@pytest.mark.parametrize(
    "files",
    [
        # Patient 1 of one site is not patient 1 of the other.
        site_files(0),
        # Nobody in common, and no place in the names: not the same people later.
        site_files(100, "people"),
        # Numbers that are years say nothing of visits.
        {
            name.replace("_", "_202"): text
            for name, text in visit_files(["labs_1.csv", "labs_2.csv"]).items()
        }
        | {"people.csv": PEOPLE},
        # Other columns.
        {
            **visit_files(["week_4.csv"]),
            "week_8.csv": PEOPLE,
        },
    ],
)
def test_other_files_are_not_put_on_each_other(draft_of, files):
    assert all("files" not in s for s in draft_of(files).config["sources"].values())


def test_a_file_a_period_is_a_crossover(draft_of):
    files = {
        f"period_{period}.csv": table(
            ["patient", "drug", "pef"],
            [
                [f"P-{i:03d}", ("AB", "BA")[i % 2][period - 1], 7 * i * period % 41]
                for i in range(N)
            ],
        )
        for period in (1, 2)
    }
    config = fits(draft_of(files))
    assert config["design"] == "crossover"
    assert list(config["sources"]["periods"]["files"]) == ["1", "2"]
    assert config["bds"]["PEF"]["visits"]["period"] == "period"


@pytest.mark.parametrize(
    ("levels", "arms"),
    [
        ("AP", {"control": "Placebo", "treatments": ["Active"]}),
        ("TC", {"control": "Control", "treatments": ["Treatment"]}),
        # Letters without a usual meaning stay as they are.
        ("AB", {"control": "A", "treatments": ["B"]}),
        ("PQ", {"control": "P", "treatments": ["Q"]}),
    ],
)
def test_letters_of_arms(draft_of, levels, arms):
    people = [[f"P-{i:03d}", levels[i % 2], 30 + 2 * (7 * i % N)] for i in range(N)]
    draft = draft_of({"people.csv": table(["patient", "group", "age"], people)})
    assert fits(draft)["arms"] == arms
    assert ("usually stands for" in draft.text) == (levels in ("AP", "TC"))


def days(*visits, subjects=12):
    """Return subjects with a row around each of some days, up to 5 days off."""
    return [
        (subject, day + (5 * subject + place) % 11 - 5)
        for subject in range(subjects)
        for place, day in enumerate(visits)
    ]


@pytest.mark.parametrize(
    ("rows", "weeks"),
    [
        (days(-5, 28, 84), [0, 4, 12]),
        (days(-40, -5, 56), [0, 8]),
        # Without rows before the first dose there is no baseline.
        (days(28, 84), None),
        # Visits that run into each other cannot be told apart.
        (days(-5, 2, 9, 16), None),
        # A diary is no list of visits.
        ([(s, d) for s in range(12) for d in range(-7, 60)], None),
    ],
)
def test_visits_are_found_in_dates(rows, weeks):
    frame = pd.DataFrame(rows, columns=["subject", "day"])
    found = clusters_of(frame)
    if weeks is None:
        assert found is None
        return
    windows, shown = found
    assert shown == weeks
    spans = [window["days"] for window in windows.values()]
    assert all(a[1] < b[0] for a, b in pairwise(spans))
    # No row lies outside: day 0 of the rows is day 1.
    assert all(
        any(low <= day + (day >= 0) <= high for low, high in spans)
        for day in frame["day"]
    )


DM = ["STUDYID", "USUBJID", "RFSTDTC", "AGE", "ARM"]
EX = ["USUBJID", "EXSEQ", "EXTRT", "EXDOSE", "EXSTDTC", "EXENDTC"]
DS = ["USUBJID", "DSSEQ", "DSTERM", "DSDECOD", "DSCAT", "DSSTDTC"]


def domains():
    """Return DM, EX and DS: every sixth fails the screening, every fifth stops."""
    dm, ex, ds = [], [], []
    for i in range(30):
        name = f"S-{i:03d}"
        if i % 6 == 5:
            dm.append(["S", name, "", 40 + i, "Screen Failure"])
            ds.append([name, 1, "FAILED", "SCREEN FAILURE", "DISPOSITION EVENT", ""])
            continue
        dm.append(["S", name, f"2024-01-{i % 9 + 1:02d}", 40 + i, ARMS[i % 2]])
        stops = i % 5 == 4
        for n in (1,) if stops else (1, 2):
            start, end = f"2024-0{n}-10T08:00", f"2024-0{n}-28"
            ex.append([name, n, "DRUG", 10 * (i % 2), start, end])
        ds.append([name, 1, "IN", "RANDOMIZED", "PROTOCOL MILESTONE", "2024-01-09"])
        end = ("ILL", "ADVERSE EVENT") if stops else ("DONE", "COMPLETED")
        ds.append([name, 2, *end, "DISPOSITION EVENT", "2024-03-01"])
    # The rows of a subject need not stand in the order of time.
    return {
        "dm.csv": table(DM, dm),
        "ds.csv": table(DS, ds),
        "ex.csv": table(EX, ex[::-1]),
    }


ARMS = ("Placebo", "Drug")


def test_exposure_and_disposition_of_sdtm(draft_of, tmp_path):
    draft = draft_of(domains())
    config = fits(draft)
    assert config["sources"]["ds"]["key"] == ["USUBJID", "DSSEQ"]
    assert "bds" not in config
    assert "EXDOSE (2 values: 0, 10)" in draft.text
    adsl, _ = analysed(draft, tmp_path, tmp_path)
    assert len(adsl) == 25
    people = adsl.set_index("USUBJID")
    for name, stops in (("S-000", False), ("S-004", True)):
        person = people.loc[name]
        last = "2024-01-28" if stops else "2024-02-28"
        assert str(person["TRTSDT"].date()) == "2024-01-10"
        assert str(person["TRTEDT"].date()) == last
        assert str(person["EOSDT"].date()) == "2024-03-01"
        assert person["EOSSTT"] == ("DISCONTINUED" if stops else "COMPLETED")
    reasons = people["DCSREAS"]
    assert (reasons == "ADVERSE EVENT").sum() == 5
    assert reasons.isna().sum() == 20


def test_the_study_counts_where_the_treatment_ends_before_it(draft_of):
    files = domains()
    rows = list(csv.reader(io.StringIO(files["ds.csv"])))[1:]
    phases = [[*row, "STUDY PARTICIPATION"] for row in rows]
    phases += [
        [row[0], "9", "OFF", "LACK OF EFFICACY", *row[4:], "STUDY TREATMENT"]
        for row in rows
        if row[3] == "COMPLETED"
    ]
    files["ds.csv"] = table([*DS, "DSSCAT"], phases)
    status = fits(draft_of(files))["adsl"]["variables"]["EOSSTT"]
    chosen = "DSCAT == 'DISPOSITION EVENT' and DSSCAT == 'STUDY PARTICIPATION'"
    assert status["where"] == chosen
    assert status["recode"] == {
        "ADVERSE EVENT": "DISCONTINUED",
        "COMPLETED": "COMPLETED",
    }


def test_a_reference_date_starts_the_treatment_where_no_exposure_is_sent(draft_of):
    files = domains()
    del files["ex.csv"]
    variables = fits(draft_of(files))["adsl"]["variables"]
    assert variables["TRTSDT"]["column"] == "RFSTDTC"
    assert "TRTEDT" not in variables


def test_times_to_an_event_alone_get_an_analysis_of_survival(draft_of, tmp_path):
    rng = random.Random(4)
    rows = [
        [f"P-{i:03d}", ARMS[i % 2], rng.randint(1, 900), rng.randint(0, 1)]
        for i in range(N)
    ]
    draft = draft_of({"s.csv": table(["id", "trt", "time", "status"], rows)})
    analysis = fits(draft)["analyses"]["tte"]
    assert analysis["model"] == {"type": "survival"}
    assert "response" not in analysis
    _, found = analysed(draft, tmp_path, tmp_path)
    counted = found["tte"].loc[found["tte"]["statistic"] == "events", "estimate"]
    assert counted.sum() == sum(row[3] for row in rows)


def test_yes_or_no_gets_an_analysis_of_proportions(draft_of, tmp_path):
    rows = [
        [f"P-{i:03d}", visit, ("no", "yes")[(i // 2 + place * i) % 2]]
        for i in range(N)
        for place, visit in enumerate(("Week 4", "Week 8"))
    ]
    files = {
        "people.csv": PEOPLE,
        "visits.csv": table(["patient", "visit", "better"], rows),
    }
    draft = draft_of(files)
    analysis = fits(draft)["analyses"]["better"]
    assert analysis["model"] == {"type": "proportions"}
    assert (analysis["at"], analysis["response"]) == ("Week 8", "AVAL")
    _, found = analysed(draft, tmp_path, tmp_path)
    rows = found["better"]
    assert rows.loc[rows["statistic"] == "risk_difference", "estimate"].notna().all()
