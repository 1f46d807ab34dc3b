"""What a declared table names must exist; a mistake is a sentence with its remedy."""

import pytest
import yaml

from tests.library.config.bad_trials import PARALLEL, problems

#: Analyses that the tables of these tests print, beside those of the trial.
ANALYSES = """
ends:
  title: Ends
  role: descriptive
  analysis_set: Safety
  model: {type: counts, lines: {Treated: {when: SAFFL == 'Y'}}}
people:
  title: People
  role: descriptive
  analysis_set: Safety
  model: {type: characteristics, variables: [WEIGHT]}
"""

#: A good table of each of them, and one of any rows.
GOOD = {
    "t_ends": {"template": "counts", "analysis": "ends", "rows": ["Treated"]},
    "t_people": {
        "template": "characteristics",
        "analysis": "people",
        "columns": {"Active": "Active", "Total": "All"},
        "statistics": ["n", "mean_sd"],
    },
    "t_any": {
        "template": "estimates",
        "analysis": ["ends", "people"],
        "columns": {"n": {"print": "count", "where": {"statistic": "count"}}},
        "rows": ["Treated"],
    },
    "l_people": {
        "template": "listing",
        "dataset": "adsl",
        "where": "WEIGHT > 50",
        "columns": {"USUBJID": "Participant"},
    },
}


def found(tmp_path, **tables):
    """Return the problems of the trial with these tables."""
    content = yaml.safe_load(PARALLEL)
    content["analyses"] |= yaml.safe_load(ANALYSES)
    content["analysis_sets"] = {**content["analysis_sets"], "Safety": "SAFFL == 'Y'"}
    content["tables"] = tables
    return problems(tmp_path, content)


def test_good_tables_have_no_problem(tmp_path):
    assert found(tmp_path, **GOOD) == []


#: Table of `GOOD`, what is changed in it (None: left out), and what is said of it.
MISTAKES = [
    (
        "t_ends",
        {"analysis": "end"},
        "tables.t_ends.analysis: no analysis 'end'; did you mean 'ends'?",
    ),
    (
        "t_ends",
        {"analysis": None},
        "tables.t_ends: missing key 'analysis' (analysis that it prints)",
    ),
    (
        "t_ends",
        {"template": "characteristics", "rows": None},
        "tables.t_ends.template: 'characteristics' lays out characteristics, "
        "not the counts of 'ends'; use counts or estimates",
    ),
    (
        "t_ends",
        {"rows": ["Treeted"]},
        "tables.t_ends.rows: no row 'Treeted'; did you mean 'Treated'?",
    ),
    (
        "t_ends",
        {"rows": [{"label": "x"}]},
        "tables.t_ends.rows: a row lacks its name; add `row` or `heading`",
    ),
    (
        "t_ends",
        {"across": {"Treated": "n"}},
        "tables.t_ends.across: the model of 'ends' has no `by`",
    ),
    (
        "t_ends",
        {"page": 4},
        "tables.t_ends.page: is no key of the template 'counts'; it is for listing",
    ),
    (
        "t_people",
        {"columns": {"Actve": "Active"}},
        "tables.t_people.columns: no column 'Actve'; did you mean 'Active'?",
    ),
    (
        "t_people",
        {"statistics": ["meansd"]},
        "tables.t_people.statistics: 'characteristics' prints no 'meansd'; "
        "did you mean 'mean_sd'?",
    ),
    (
        "t_people",
        {"analysis": ["people", "ends"]},
        "tables.t_people.analysis: 'characteristics' prints one analysis; "
        "several join in summary, change, estimates",
    ),
    (
        "t_any",
        {"columns": None},
        "tables.t_any: missing key 'columns', which the template 'estimates' needs",
    ),
    (
        "t_any",
        {"columns": {"n": {"print": "cuont"}}},
        "tables.t_any.columns.print: 'estimates' prints no 'cuont'; "
        "did you mean 'count'?",
    ),
    (
        "l_people",
        {"columns": {"USUBJID": "Who", "WIGHT": "Weight"}},
        "tables.l_people.columns: no variable 'WIGHT'; did you mean 'WEIGHT'?",
    ),
    (
        "l_people",
        {"dataset": None},
        "tables.l_people: missing key 'dataset', which the template 'listing' needs",
    ),
    (
        "l_people",
        {"statistics": ["n"]},
        "tables.l_people.statistics: is no key of the template 'listing'",
    ),
]


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    """Return the problems of a trial with one table for each mistake."""
    tables = {}
    for place, (name, change, _) in enumerate(MISTAKES):
        spec = {**GOOD[name], **change}
        kept = {key: value for key, value in spec.items() if value is not None}
        tables[f"{name}_{place}"] = kept
    return found(tmp_path_factory.mktemp("mistakes"), **tables)


@pytest.mark.parametrize("place", range(len(MISTAKES)))
def test_one_mistake(wrong, place):
    name, _, said = MISTAKES[place]
    own = [one for one in wrong if one.startswith(f"tables.{name}_{place}")]
    assert said.replace(name, f"{name}_{place}", 1) in own
    assert len(own) <= 2


def test_a_table_has_the_name_of_no_other_analysis(tmp_path):
    wrong = found(tmp_path, people=GOOD["t_ends"])
    assert wrong == [
        "tables.people: is the name of an analysis that it does not print: 'people'"
    ]
    assert found(tmp_path, ends=GOOD["t_ends"]) == []
