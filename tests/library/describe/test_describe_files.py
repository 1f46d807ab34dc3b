"""Drafts of files written in a test: their shape, their dialect, and hostile ones."""

import csv
import io
import random

import pytest
import yaml

from trialstats.config.checking import check
from trialstats.config.loading import SCHEMAS
from trialstats.describe import Dialect, sniff
from trialstats.errors import DataError, TrialstatsError

N = 24


def table(header, rows, delimiter=","):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerows([header, *rows])
    return out.getvalue()


def subjects(extra=("age",), seed=1, arms=("Placebo", "Verum")):
    rng = random.Random(seed)
    assigned = [arms[i % len(arms)] for i in range(N)]
    rng.shuffle(assigned)
    made = {
        "age": lambda: rng.randint(20, 75),
        "sex": lambda: rng.choice(["m", "f"]),
        "weight": lambda: round(rng.gauss(70, 8), 1),
    }
    return [
        [f"P-{i:03d}", assigned[i], *(made[name]() for name in extra)] for i in range(N)
    ]


def fits(draft):
    schema = yaml.safe_load((SCHEMAS / "trial.schema.yaml").read_text("utf-8"))
    check(draft.config, schema, file="draft")
    assert yaml.safe_load(draft.text) == draft.config
    return draft.config


def test_a_wide_table_with_weeks(draft_of):
    rng = random.Random(2)
    rows = [
        [*row, *(round(rng.gauss(6 - k, 1), 1) for k in range(3))]
        for row in subjects(("age", "sex"))
    ]
    rows[3][-1] = -99
    header = ["patient", "group", "age", "sex", "pain_bl", "pain_w4", "pain_w8"]
    config = fits(draft_of({"wide.csv": table(header, rows)}))
    assert config["arms"] == {"control": "Placebo", "treatments": ["Verum"]}
    assert config["missing_codes"] == {"-99": "not recorded"}
    assert config["bds"]["PAIN"]["visits"]["columns"] == {
        "pain_bl": {"visit": "Baseline", "number": 0},
        "pain_w4": {"visit": "Week 4", "number": 4},
        "pain_w8": {"visit": "Week 8", "number": 8},
    }
    assert config["analyses"]["pain"]["model"]["type"] == "mmrm"


def test_a_semicolon_a_decimal_comma_and_comments_are_found(draft_of):
    rows = [
        [*row, f"{20 + i / 7:.2f}".replace(".", ",")]
        for i, row in enumerate(subjects(()))
    ]
    text = "# exported\n" + table(["patient", "group", "crp"], rows, ";")
    config = fits(draft_of({"a.csv": text}))
    assert config["sources"]["a"] == {
        "file": "data/raw/back_pain/a.csv",
        "delimiter": ";",
        "decimal": ",",
        "comment": "#",
        "key": ["patient"],
    }
    assert config["adsl"]["variables"]["CRP"]["type"] == "number"


def test_files_are_joined_by_the_subject_whatever_its_column_is_called(draft_of):
    people = table(["patient", "group", "age"], subjects())
    rng = random.Random(3)
    visits = [
        [f"P-{i:03d}", visit, round(rng.gauss(50, 9), 1)]
        for i in range(N)
        for visit in ("Baseline", "Week 6", "Week 12")
    ]
    config = fits(
        draft_of(
            {
                "people.csv": people,
                "scores.csv": table(["pid", "when", "score"], visits),
            }
        )
    )
    assert config["sources"]["scores"]["rename"] == {"pid": "patient"}
    assert config["sources"]["scores"]["key"] == ["patient", "when"]
    score = config["bds"]["SCORE"]
    assert list(score["visits"]["names"]) == ["Baseline", "Week 6", "Week 12"]
    assert score["baseline"] == "Baseline"


def test_a_file_of_other_subjects_is_left_out_and_named(draft_of):
    people = table(["patient", "group", "age"], subjects())
    other = table(["code", "meaning"], [[f"c{i}", f"text {i}"] for i in range(9)])
    draft = draft_of({"people.csv": people, "codes.csv": other})
    assert "codes.csv is left out: no column holds the subjects" in draft.text
    assert list(fits(draft)["sources"]) == ["people"]


def test_columns_that_no_part_uses_are_named(draft_of):
    people = table(["patient", "group", "age"], subjects())
    visits = [
        [f"P-{i:03d}", visit, 40 + (7 * i + 3 * visit) % 11, clerk]
        for i in range(N)
        for place, visit in enumerate((0, 4, 8))
        for clerk in [("JS", "ND", "PT")[(i + place) % 3]]
    ]
    draft = draft_of(
        {
            "people.csv": people,
            "v.csv": table(["patient", "week", "score", "by"], visits),
        }
    )
    assert "not used: by (3 values: JS, ND, PT)" in draft.text


def test_a_time_and_its_status(draft_of):
    rng = random.Random(4)
    rows = [[*row, rng.randint(1, 900), rng.randint(0, 1)] for row in subjects()]
    config = fits(
        draft_of({"s.csv": table(["id", "trt", "age", "time", "status"], rows)})
    )
    assert config["adtte"]["TTE"] == {
        "label": "Time to event",
        "unit": "days",
        "from": "s",
        "time": {"column": "time"},
        "event": "status == '1'",
    }


def test_findings_of_sdtm(draft_of):
    people = [
        [r[0], r[1], r[2], f"2024-01-{i % 28 + 1:02d}"]
        for i, r in enumerate(subjects())
    ]
    rng = random.Random(6)
    rows = [
        [f"P-{i:03d}", n, code, name, round(rng.gauss(middle, 9)), "mmHg", visit, n]
        for i in range(N)
        for code, name, middle in (
            ("SYSBP", "Systolic", 130),
            ("DIABP", "Diastolic", 80),
        )
        for n, visit in enumerate(("BASELINE", "WEEK 4"), 1)
    ]
    header = ["USUBJID", "VSSEQ", "VSTESTCD", "VSTEST", "VSSTRESN", "VSSTRESU"]
    header += ["VISIT", "VISITNUM"]
    config = fits(
        draft_of(
            {
                "dm.csv": table(["USUBJID", "ARM", "AGE", "RFSTDTC"], people),
                "vs.csv": table(header, rows),
            }
        )
    )
    assert config["adsl"]["variables"]["TRT01P"]["column"] == "ARM"
    assert config["adsl"]["variables"]["TRTSDT"]["column"] == "RFSTDTC"
    systolic = config["bds"]["SYSBP"]
    assert systolic["where"] == "VSTESTCD == 'SYSBP'"
    assert (systolic["label"], systolic["unit"]) == ("Systolic", "mmHg")
    # The number of a visit after the baseline is the one in its name; that of the
    # baseline, 1 in the file, is 0.
    assert systolic["visits"]["names"] == {
        "Baseline": {"number": 0, "received": "BASELINE"},
        "Week 4": {"number": 4, "received": "WEEK 4"},
    }
    assert systolic["baseline"] == "Baseline"
    # The sequence number tells no rows apart here: it counts within each test.
    assert config["sources"]["vs"]["key"] == ["USUBJID", "VSTESTCD", "VISIT"]


def test_the_key_is_the_fewest_columns_that_tell_rows_apart(draft_of):
    people = table(["patient", "group", "age"], subjects())
    # Nothing tells the doses of a day apart but their number; a dose given twice is
    # in the file twice.
    doses = [
        [f"P-{i:03d}", f"2024-05-{day:02d}", number, 5 * (i % 3)]
        for i in range(N)
        for day in (1, 2, 2)
        for number in (1, 2)
    ]
    given = table(["patient", "date", "number", "mg"], doses)
    config = fits(draft_of({"people.csv": people, "doses.csv": given}))
    assert config["sources"]["doses"]["key"] == ["patient", "number", "date"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,2\n", Dialect()),
        ("a;b\n1,5;2\n", Dialect(delimiter=";", decimal=",")),
        ("a\tb\n1.5\t2\n", Dialect(delimiter="\t")),
        ("a|b\nx|y\n", Dialect(delimiter="|")),
        ("# made 2024\na,b\n1,2\n", Dialect(comment="#")),
        ("Trial X\n\na,b,c\nx,2,3\ny,5,6\nz,8,9\n", Dialect(skip_rows=1)),
        ("1,2,3\n4,5,6\n", Dialect(header=False)),
        # A comma within a cell cuts nothing.
        ('a;b\n"x, y";1\n"u, v";2\n', Dialect(delimiter=";")),
    ],
)
def test_how_a_text_file_is_written(text, expected):
    assert sniff(text.encode("utf-8")) == expected


def test_the_encoding_of_a_text_file():
    text = "id;ort\n1;Köln\n"
    assert sniff(text.encode("utf-8")).encoding is None
    assert sniff(text.encode("utf-8-sig")).encoding is None
    assert sniff(text.encode("utf-16")) == Dialect(delimiter=";")
    assert sniff(text.encode("cp1252")).encoding == "cp1252"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.csv": ""}, "empty"),
        ({"a.csv": "id,arm\n"}, "no rows"),
        ({"a.csv": "id,arm\n,\n,\n"}, "no"),
        ({"a.csv": "id,id\n1,2\n"}, "id"),
        ({"a.csv": "x\n" + "\n".join("abcdefghijkl")}, "no column with the treatment"),
        ({"a.csv": 'id,arm\n1,"A\n2,B\n'}, "a.csv"),
        ({"a.docx": "x"}, "cannot read a '.docx' file"),
        ({"a.xlsx": "id,arm\n1,A\n"}, "a.xlsx"),
    ],
)
def test_hostile_files_end_in_one_clear_error(draft_of, files, message):
    with pytest.raises(TrialstatsError) as caught:
        draft_of(files)
    assert message in str(caught.value)
    assert next(iter(files)) in str(caught.value)


def test_no_files_and_no_treatment_say_what_to_do(draft_of):
    with pytest.raises(DataError, match="name at least one file"):
        draft_of({})
    rows = [[f"P{i:02d}", 20 + i * 1.5] for i in range(N)]
    with pytest.raises(DataError, match="who was treated with what"):
        draft_of({"a.csv": table(["id", "crp"], rows)})


def test_strange_cells_and_names_are_quoted(draft_of):
    arms = ("control: none", "Drug #1, 'x'")
    rows = [
        [*row, ["no", "yes"][i % 2]] for i, row in enumerate(subjects((), arms=arms))
    ]
    header = ["patient no.", "group", "{a: b}"]
    config = fits(draft_of({"a.csv": table(header, rows)}))
    assert config["adsl"]["subject"] == "patient no."
    assert config["adsl"]["variables"]["AB"]["column"] == "{a: b}"
    assert config["arms"]["treatments"] == ["Drug #1, 'x'"]


def test_many_columns_take_seconds(draft_of):
    rng = random.Random(8)
    header = [
        "id",
        "arm",
        *(f"q{i}" for i in range(200)),
        *(f"flag{i}x" for i in range(100)),
    ]
    rows = [
        [
            *row,
            *(rng.randint(0, 4) for _ in range(200)),
            *(rng.choice("YN") for _ in range(100)),
        ]
        for row in subjects(())
    ]
    fits(draft_of({"a.csv": table(header, rows)}))
