"""A trial cleaned some subjects at a time is the trial cleaned at once."""

import pandas as pd
import pytest

from tests.library.small_trial import configuration, with_variables
from trialstats import io
from trialstats.clean.files import clean_files, dataset_schemas
from trialstats.config.loading import load_project


def outputs(folder, config):
    return {name: str(folder / f"{name}.parquet") for name in dataset_schemas(config)}


def cleaned(config, folder, root, **settings):
    made = outputs(folder, config)
    clean_files(config, made, root=root, **settings)
    return {name: io.read_table(path) for name, path in made.items()}


@pytest.mark.parametrize(
    ("trial", "rows"),
    # A part of one or two subjects is slow, so only one trial has them.
    [
        ("crohn_parallel_synthetic", 20),
        ("fm_parallel_synthetic", 300),
        ("fm_crossover_synthetic", 700),
    ],
)
def test_parts_give_the_same_tables(tmp_path, root, trial, rows):
    config = load_project(root).trials[trial]
    whole = cleaned(config, tmp_path / "whole", root)
    parts = cleaned(config, tmp_path / "parts", root, large=1, part=rows)
    for name, table in whole.items():
        pd.testing.assert_frame_equal(parts[name], table, obj=name)
    # No part divides a subject.
    bds = parts["bds"]
    assert bds["USUBJID"].is_monotonic_increasing
    same = ["USUBJID", "PARAMCD", "AVISIT", "ADT", "AVAL", "DTYPE", "ADY"]
    same += ["APERIOD"] if "APERIOD" in bds else []
    assert not bds.duplicated(same).any()


def test_bytes_do_not_depend_on_the_run(tmp_path, root):
    config = load_project(root).trials["crohn_parallel_synthetic"]
    digests = []
    for run in ("one", "two"):
        made = outputs(tmp_path / run, config)
        clean_files(config, made, root=root, large=1, part=200)
        digests.append({name: io.read_bytes(path) for name, path in made.items()})
    assert digests[0] == digests[1]


PEOPLE = "id,arm,start,centre\n" + "".join(
    f"{n},{'AB'[n % 2]},2024-01-01,{10 * (n % 3)}\n" for n in range(1, 10)
)
SCORES = "id,date,score\n" + "".join(
    # A tab behind a subject is no other subject.
    f"{n}{tab},2024-01-{day:02d},{n * day}\n"
    for day, tab in ((1, ""), (15, "\t"))
    for n in range(1, 10)
)


def test_joined_tables_and_visits_of_nobody(tmp_path):
    config = configuration(
        sources={
            "people": {
                "file": "people.csv",
                "key": ["id"],
                "join": [
                    {
                        "source": "sites",
                        "on": ["centre"],
                        "columns": ["country"],
                        "cardinality": "many-to-one",
                    }
                ],
            },
            "scores": {"file": "scores.csv", "key": ["id", "date"]},
            "sites": {"file": "sites.csv", "key": ["centre"]},
        },
        bds={
            "SCORE": {
                "label": "Score",
                "unit": "points",
                "from": "scores",
                "value": {"column": "score", "type": "number"},
                "date": {"column": "date"},
                "visits": {
                    "reference": "TRTSDT",
                    "windows": {
                        "Baseline": {"number": 0, "days": [-7, 1]},
                        "Week 2": {"number": 2, "days": [8, 20]},
                        "Week 9": {"number": 9, "days": [60, 70]},
                    },
                },
                "baseline": "Baseline",
                "records": [{"dtype": "LOCF"}],
            }
        },
        responders={
            "RESP": {
                "label": "Lower",
                "of": "SCORE",
                "when": "CHG < 0",
                "missing": "non_responder",
            }
        },
    )
    with_variables(config, COUNTRY={"column": "country", "label": "Country"})
    texts = {
        "people.csv": PEOPLE,
        "scores.csv": SCORES,
        "sites.csv": "centre,country\n0,SE\n10,DK\n20,NO\n30,FI\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    whole = cleaned(config, tmp_path / "whole", tmp_path)
    parts = cleaned(config, tmp_path / "parts", tmp_path, large=1, part=1)
    for name, table in whole.items():
        pd.testing.assert_frame_equal(parts[name], table, obj=name)
    assert whole["bds"].groupby("USUBJID")["AVISIT"].nunique().tolist() == [2] * 9
    assert whole["set_aside"][["source", "row"]].values.tolist() == [["sites", 5]]


@pytest.mark.parametrize("how", ["derived", "joined"])
def test_a_subject_that_no_file_names_as_it_is(tmp_path, how):
    config = configuration(
        sources={
            "people": {"file": "people.csv", "key": ["id"]},
            "scores": {"file": "scores.csv", "key": ["id", "visit"]},
        },
        bds={
            "SCORE": {
                "label": "Score",
                "unit": "points",
                "from": "scores",
                "value": {"column": "score", "type": "number"},
                "visits": {"visit": "End"},
            }
        },
    )
    rows = "".join(f"{n},v{n},p{n}\n" for n in range(1, 10))
    (tmp_path / "people.csv").write_text(
        "id,arm,start\n" + "".join(f"P{n},A,2024-01-01\n" for n in range(1, 10)),
        encoding="utf-8",
    )
    (tmp_path / "scores.csv").write_text(f"score,visit,written\n{rows}", "utf-8")
    (tmp_path / "ids.csv").write_text(
        "written,id\n" + "".join(f"p{n},P{n}\n" for n in range(1, 10)), "utf-8"
    )
    if how == "derived":
        config["sources"]["scores"]["derive"] = {"id": "upper(written)"}
    else:
        config["sources"]["ids"] = {"file": "ids.csv", "key": ["written"]}
        config["sources"]["scores"]["join"] = [
            {
                "source": "ids",
                "on": ["written"],
                "columns": ["id"],
                "cardinality": "one-to-one",
            }
        ]
    whole = cleaned(config, tmp_path / "whole", tmp_path)
    parts = cleaned(config, tmp_path / "parts", tmp_path, large=1, part=1)
    assert whole["bds"]["AVAL"].tolist() == list(range(1, 10))
    for name, table in whole.items():
        pd.testing.assert_frame_equal(parts[name], table, obj=name)
