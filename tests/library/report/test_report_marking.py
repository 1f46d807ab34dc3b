"""Where each number on the page is from: rows, given texts, origins, embedded rows."""

import json

import pytest

from trialstats.report.embedding import embedded_rows
from trialstats.report.given import Given, Known, texts_of
from trialstats.report.marking import Marker, data_row
from trialstats.report.origins import KINDS, Origin, Origins

ROW = {
    "row_id": "t.a.difference",
    "kind": "trial",
    "trial": "t",
    "synthesis": None,
    "analysis": "a",
    "estimate": -0.342,
    "ci_lower": -0.951,
    "ci_upper": 0.267,
    "method": "</script><b>",
}
OTHER = {**ROW, "row_id": "t.a.mean", "estimate": 7.25}
TRIAL = {
    "id": "t",
    "analyses": {"a": {}},
    "sources": {"x": {"file": "data/x.csv"}, "y": {"files": ["data/y.csv"]}},
}
SYNTHESIS = {"id": "s", "published": {"trials": ["P"]}, "analyses": ["t.a"]}
ORIGINS = Origins([TRIAL], [SYNTHESIS], ["p.csv"])


def test_one_row_is_named_by_what_holds_the_text_and_several_by_each_number():
    mark = Marker({"t.a.difference": ROW, "t.a.mean": OTHER})
    single = mark("−0.34 (−0.95 to 0.27)", ("t.a.difference",))
    assert single == (
        '<span data-column="estimate">−0.34</span> (<span data-column="ci_lower">−0.95'
        '</span> to <span data-column="ci_upper">0.27</span>)'
    )
    both = mark("7.25", ("t.a.difference", "t.a.mean"))
    assert both == '<span data-row="t.a.mean" data-column="estimate">7.25</span>'


def test_numbers_of_no_row_and_words_with_digits_say_where_they_are_from():
    mark = Marker({}, [Given("Week 12", "config: visits")])
    assert mark("HAMD17 < 9 at week 12", (), "elsewhere") == (
        '<span data-given="elsewhere">HAMD17</span> '
        '<span data-given="elsewhere">&lt; 9</span> at week '
        '<span data-given="config: visits">12</span>'
    )
    assert mark("<b>") == "&lt;b&gt;"
    further = mark.knowing([Given("HAMD17", "config: bds")])
    assert 'data-given="config: bds">HAMD17' in further("HAMD17")


def test_a_text_about_a_whole_table_names_no_single_row():
    many = tuple(f"r{n}" for n in range(500))
    assert data_row(many[:2]) == ' data-row="r0 r1"'
    assert "data-row" not in data_row(many, "Counts")
    assert "500 rows, from r0 to r499" in data_row(many, "Counts")


def test_given_texts_are_those_of_the_configuration_with_their_key():
    found = texts_of({"a": {"Week 4": ["x1", 12, "13"]}, "b": True}, "f.yaml")
    assert found == (Given("Week 4", "f.yaml: a"), Given("x1", "f.yaml: a.Week 4"))


def test_the_longest_given_text_counts_and_parts_of_words_do_not():
    known = Known([Given("LDN 6", "short"), Given("LDN 6 mg daily", "long")])
    assert known.source("LDN 6 mg daily", 4, 5) == "long"
    assert known.source("LDN 6 mg", 4, 5) == "short"
    assert known.source("LDN 60 mg", 4, 6) == ""
    assert known.source("no digit", 0, 2) == ""


def test_an_estimate_names_file_rule_script_and_the_files_as_received():
    assert ORIGINS.of_estimate(ROW) == Origin(
        "results/estimates/trial/t/a.parquet",
        "fit_analysis",
        ("data/x.csv", "data/y.csv"),
    )
    described = ORIGINS.of_estimate({**ROW, "analysis": "baseline"})
    assert described.script == "scripts/describe_trial.py"
    pooled = ORIGINS.of_estimate({**ROW, "kind": "synthesis", "synthesis": "s"})
    assert pooled.rule == "pool_synthesis"
    assert pooled.inputs == ("p.csv", "data/x.csv", "data/y.csv")


@pytest.mark.parametrize(
    ("row_id", "parquet", "rule"),
    [
        ("steps:t:3", "results/datasets/t/steps.parquet", "summarise_trial"),
        ("queries:t:1", "results/datasets/t/queries.parquet", "build_trial"),
        (
            "published_trials:2",
            "results/datasets/published/trials.parquet",
            "build_published",
        ),
        (
            "file:results/datasets/t/queries.parquet",
            "results/datasets/t/queries.parquet",
            "build_trial",
        ),
        ("unheard:of", "", ""),
    ],
)
def test_other_rows_name_theirs_by_their_kind(row_id, parquet, rule):
    origin = ORIGINS.of_other(row_id, {})
    assert (origin.parquet, origin.rule) == (parquet, rule)


def test_a_check_by_a_second_engine_stands_with_what_it_checked():
    of_trial = ORIGINS.of_other("agreement:1", {"of": "t.a.difference"})
    assert of_trial.parquet == "results/estimates/agreement/trial_t.parquet"
    assert of_trial.script == "scripts/check_trial.py"
    pooled = ORIGINS.of_other("agreement:2", {"of": "s.reml.pooled-effect"})
    assert pooled.parquet == "results/estimates/agreement/syntheses.parquet"
    assert pooled.script == "scripts/check_syntheses.py"


def test_every_kind_of_rows_has_a_rule_with_a_script(root):
    for kind in KINDS:
        assert (root / ORIGINS.of_other(f"{kind}:t:1", {}).script).is_file()


def test_embedded_rows_are_read_back_as_they_were_and_end_no_element():
    text = embedded_rows(
        [ROW, OTHER],
        {"steps:t:3": {"source": "x", "n_in": 12}, "odd:1": {"n": 1.0, "flag": True}},
        origins=ORIGINS,
        digests=[("data/x.csv", "ab"), ("data/z.csv", "cd")],
    )
    assert "<" not in text
    read = json.loads(text)
    rows = {}
    for kind, set_ in read["sets"].items():
        for at in range(len(set_["origin"])):
            row = {
                name: column["v"][column["i"][at] - 1] if column["i"][at] else None
                for name, column in set_["columns"].items()
            }
            rows[row["row_id"]] = (kind, row, read["origins"][set_["origin"][at]])
    assert rows["t.a.difference"][1] == ROW
    assert rows["t.a.mean"][1] == OTHER
    kind, step, origin = rows["steps:t:3"]
    assert (kind, step["n_in"]) == ("steps", 12)
    assert read["sets"]["steps"]["labels"]["n_in"] == "Rows in"
    assert origin["files"] == [0]  # Only data/x.csv of the trial has a digest.
    assert rows["odd:1"][1] == {"row_id": "odd:1", "n": 1, "flag": True}
    assert rows["odd:1"][2]["parquet"] == ""
