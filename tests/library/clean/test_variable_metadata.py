"""Every variable says what it is and where it is from, as the configuration has it."""

import pytest

from trialstats import rows
from trialstats.clean.files import clean_files, dataset_schemas
from trialstats.clean.wording import (
    analysed_of,
    baseline_of,
    by_parameter,
    dtypes_of,
    origin_of,
    responder_of,
    value_of,
    visits_of,
)
from trialstats.config.loading import load_project
from trialstats.exports import metadata_gaps, trial_datasets
from trialstats.io import read_columns

#: What a SAS transport file holds of a label.
LONGEST_LABEL = 40


@pytest.fixture(scope="module")
def project(root):
    return load_project(root)


def told(schema, name):
    """Return the metadata of a variable as text."""
    metadata = schema.field(name).metadata
    return {key.decode(): value.decode() for key, value in metadata.items()}


def test_the_fixed_labels_fit_a_transport_file():
    fixed = [*rows.ADSL_CORE, *rows.BDS, *rows.ADAE, *rows.ADTTE, *rows.CROSSOVER]
    labels = [field.metadata[b"label"].decode() for field in [*fixed, rows.ADAE_END]]
    assert [label for label in labels if len(label) > LONGEST_LABEL] == []
    assert all(label.isascii() for label in labels)


@pytest.mark.parametrize(
    "name",
    ["fm_parallel_synthetic", "fm_crossover_synthetic", "crohn_parallel_synthetic"],
)
def test_the_metadata_of_the_synthetic_trials_leave_nothing_open(
    name, project, root, tmp_path
):
    trial = project.trials[name]
    files = {kind: str(tmp_path / f"{kind}.parquet") for kind in dataset_schemas(trial)}
    clean_files(trial, files, root=root)
    datasets = trial_datasets(trial, lambda kind: read_columns(files[kind]))
    assert metadata_gaps(datasets) == ()
    for dataset in datasets:
        assert dataset.keys, f"no keys tell the rows of {dataset.name} apart"
        for field in dataset.table.schema:
            known = told(dataset.table.schema, field.name)
            assert {"label", "origin"} <= set(known), (dataset.name, field.name)


def test_aval_says_how_each_parameter_is_made(project):
    schema = dataset_schemas(project.trials["crohn_parallel_synthetic"])["bds"]
    aval = told(schema, "AVAL")
    assert aval["source"] == "visits.cdai; visits.crp; diary.stools"
    assert aval["unit"] == "CDAI: points. CRP: mg/L. STOOLS: stools per week"
    assert (
        "CRP: visits.crp; converted to mg/L by crp_unit (mg/dL times 10); missing "
        "where outside 0 to 300. " in aval["derivation"]
    )
    assert (
        "REMISS: 1 where AVAL < 150 in the record of CDAI, else 0; 0 with DTYPE NRI at "
        "visits without a value" in aval["derivation"]
    )
    visit = told(schema, "AVISIT")["derivation"]
    assert visit.startswith(
        "CDAI, CRP: by days counted from TRTSDT (day 1): Baseline = -14 to 1, "
    )
    assert told(schema, "DTYPE")["codelist"] == '["NRI"]'


def test_a_crossover_says_where_its_treatments_are_from(project):
    schemas = dataset_schemas(project.trials["fm_crossover_synthetic"])
    assert told(schemas["bds"], "TRTP")["derivation"] == (
        "the treatment of APERIOD in the sequence TRTSEQP"
    )
    assert told(schemas["adae"], "TRTP")["origin"] == "Derived"
    parallel = dataset_schemas(project.trials["fm_parallel_synthetic"])
    assert told(parallel["bds"], "TRTP")["source"] == "ADSL.TRT01P"


@pytest.mark.parametrize(
    ("spec", "origin", "source", "derivation"),
    [
        ({"column": "sex"}, "Collected", "dm.sex", None),
        (
            {"column": "age", "range": [18, 80]},
            *("Collected", "dm.age", "missing where outside 18 to 80"),
        ),
        (
            {"column": "kg", "unit": "kg", "units": {"received": "lb"}},
            *("Derived", "dm.kg", "converted to kg from lb"),
        ),
        (
            {"derive": "WEIGHTBL / (HEIGHTBL / 100) ** 2"},
            *("Derived", None, "WEIGHTBL / (HEIGHTBL / 100) ** 2"),
        ),
        (
            {"column": "day", "take": "first", "where": "dose > 0", "by": "day"},
            *("Derived", "dm.day", "first of the subject's rows where dose > 0 by day"),
        ),
        (
            {"take": "any", "where": "term == 'Death'"},
            "Derived",
            "dm",
            "Y for a subject with a row where term == 'Death', else N",
        ),
        (
            {"column": "born", "partial": {"month": "first", "day": "middle"}},
            "Derived",
            "dm.born",
            "of a partial date the first month and the middle day are put in",
        ),
        (
            {
                "column": "cm",
                "corrections": [{"below": 3, "multiply": 100, "reason": "metres"}],
            },
            *("Derived", "dm.cm", "values below 3 multiplied by 100 (metres)"),
        ),
    ],
)
def test_origin_of_a_variable(spec, origin, source, derivation):
    found = origin_of(spec, "dm")
    assert found["origin"] == origin
    assert found.get("source") == source
    assert found.get("derivation") == derivation


def test_a_recoded_variable_has_a_codelist():
    found = origin_of({"column": "sex", "recode": {"1": "M", "m": "M", "2": "F"}}, "dm")
    assert found["codelist"] == ["M", "F"]


@pytest.mark.parametrize(
    "spec", [{"take": "count"}, {"units": {"received": "mg"}}, {"type": "date"}]
)
def test_what_is_made_of_recoded_values_has_no_codelist(spec):
    assert "codelist" not in origin_of({"column": "x", "recode": {"a": 1}} | spec, "dm")


WINDOWS = {"reference": "TRTSDT", "windows": {"Week 1": {"number": 1, "days": [1, 7]}}}


def parameter(**changes):
    return {
        "label": "Pain",
        "unit": "0-10",
        "from": "diary",
        "value": {"column": "pain"},
        "visits": WINDOWS,
    } | changes


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (value_of(parameter()), "diary.pain"),
        (value_of(parameter(where="arm == 'L'")), "diary.pain where arm == 'L'"),
        (
            value_of(
                parameter(summarise={"statistic": "mean", "at_least": 4, "of": 7})
            ),
            "diary.pain; mean of the values of a window when at least 4 of 7 are there",
        ),
        (
            value_of(parameter(records=[{"dtype": "LOCF", "until": "TRTEDT"}])),
            "diary.pain; DTYPE LOCF: last value after baseline, at visits without a "
            "value, up to TRTEDT",
        ),
        (
            value_of({"label": "x", "unit": "", "combine": "A + B"}),
            "A + B, of the analysed records at the same visit",
        ),
        (
            value_of(parameter(visits={"columns": {"pk1": {"visit": "V1"}}})),
            "diary.pk1",
        ),
        (
            visits_of(parameter(visits={"columns": {"pk1": {"visit": "V1"}}})),
            "by the column of the value: pk1 = V1",
        ),
        (
            visits_of(parameter(visits={"column": "visit", "names": {}})),
            "by diary.visit; other names are Unscheduled",
        ),
        (visits_of(parameter(visits={"visit": "End"})), "End for every record"),
        (
            analysed_of(parameter(several="worst")),
            "Y on the value of a visit; of several the worst",
        ),
        (
            analysed_of(parameter(as_received={"ANL01FL": "ANL01FL"})),
            "diary.ANL01FL as received",
        ),
        (baseline_of(parameter()), ""),
        (baseline_of(parameter(baseline={"column": "base"})), "diary.base"),
        (
            baseline_of(parameter(baseline={"last_before": "TRTSDT"})),
            "the subject's last value on or before TRTSDT",
        ),
        (
            responder_of({"of": "PAIN", "when": "CHG <= -2", "missing": "absent"}),
            "1 where CHG <= -2 in the record of PAIN, else 0",
        ),
        (by_parameter({"A": "", "B": "x"}), "B: x"),
    ],
)
def test_words_of_a_parameter(words, expected):
    assert words == expected


def test_codes_of_derived_records():
    config = {
        "bds": {
            "A": parameter(records=[{"dtype": "WOCF"}, {"dtype": "LAST"}]),
            "B": parameter(summarise={"statistic": "median", "at_least": 1, "of": 7}),
        },
        "responders": {"R": {"missing": "non_responder"}},
    }
    assert list(dtypes_of(config)) == ["WOCF", "LAST", "MEDIAN", "NRI"]


def test_a_trial_of_subjects_alone_has_words_for_all_its_datasets(project):
    trial = dict(project.trials["fm_parallel_synthetic"])
    bare = {k: v for k, v in trial.items() if k not in ("bds", "responders", "adae")}
    schemas = dataset_schemas(bare)
    for name in ("bds", "adae", "adtte"):
        assert all(told(schemas[name], n).get("origin") for n in schemas[name].names)


def test_times_to_an_event_say_what_they_are(project):
    trial = {
        **project.trials["fm_parallel_synthetic"],
        "adtte": {
            "DROPOUT": {
                "label": "Discontinuation",
                **{"start": "TRTSDT", "event_date": "DCSDT", "censor_date": "EOSDT"},
                "unit": "weeks",
            },
            "RESC": {
                "label": "Rescue",
                "from": "rescue",
                "time": {"column": "day"},
                "event": "taken == 'Y'",
            },
        },
    }
    schema = dataset_schemas(trial)["adtte"]
    assert told(schema, "AVAL")["derivation"] == (
        "DROPOUT: ADT - STARTDT + 1, in weeks. RESC: rescue.day; of the first event, "
        "without one the last"
    )
    assert told(schema, "CNSR")["derivation"] == (
        "DROPOUT: 0 where DCSDT is present, else 1. RESC: 0 where taken == 'Y', else 1"
    )
    assert told(schema, "ADT")["derivation"] == (
        "DROPOUT: ADSL.DCSDT of an event, else ADSL.EOSDT"
    )
