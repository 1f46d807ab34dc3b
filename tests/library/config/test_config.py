"""Configuration: what is refused, and what the message says."""

import shutil
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from trialstats.analyses.trial_models import CONSTRAINED_TERMS, LADDER, TERMS
from trialstats.config.document import document
from trialstats.config.loading import load_project, load_yaml
from trialstats.config.models import KEYS, MEASURED
from trialstats.config.syntheses import published_trial_problems
from trialstats.errors import ConfigError
from trialstats.figures.forest_options import ForestOptions
from trialstats.mmrm import STRUCTURES
from trialstats.mmrm.inference import DEGREES_OF_FREEDOM as RULES
from trialstats.mmrm.inference import SANDWICHES
from trialstats.rows import BDS
from trialstats.vocabulary import COVARIANCES, DEGREES_OF_FREEDOM


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Path:
    """Return a copy of the configuration that a test may damage."""
    shutil.copytree(root / "config", tmp_path / "config")
    shutil.copytree(root / "workflow" / "schemas", tmp_path / "workflow" / "schemas")
    return tmp_path


def edit(project: Path, file: str, change) -> str:
    path = project / file
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_project(project)
    return str(caught.value)


FM = "config/trials/fm_parallel_synthetic.yaml"
PAIN = "config/syntheses/fibromyalgia_pain.yaml"


def test_the_dossier_is_right(root):
    project = load_project(root)
    assert "fm_parallel_synthetic" in project.trials


def test_a_misspelt_key_is_named_with_its_file_and_the_right_key(project):
    def change(content):
        age = content["adsl"]["variables"]["AGE"]
        age["lable"] = age.pop("label")

    text = edit(project, FM, change)
    assert f"{FM}, at adsl.variables.AGE: unknown key 'lable'" in text
    assert "did you mean 'label'?" in text
    assert "missing key 'label'" in text


def test_a_misspelt_key_of_a_synthesis(project):
    text = edit(project, PAIN, lambda c: c.update(measrue=c.pop("measure")))
    assert f"{PAIN}: unknown key 'measrue'; did you mean 'measure'?" in text


def test_a_misspelt_key_of_the_main_file(project):
    text = edit(project, "config/config.yaml", lambda c: c.update(titel="x"))
    assert text == ("config/config.yaml: unknown key 'titel'; did you mean 'title'?")


def test_an_unknown_measure_lists_those_that_exist(project):
    text = edit(project, PAIN, lambda c: c.update(measure="GEN"))
    assert f"{PAIN}, at measure: value 'GEN' is not known; known: MD, SMD" in text


def test_a_measure_that_the_published_tables_do_not_give(project):
    text = edit(project, PAIN, lambda c: c.update(measure="HR"))
    assert f"{PAIN}, at measure: HR does not follow from `published`" in text
    assert "write one of MD, SMD, RR, OR, RD" in text


def test_a_method_of_counts_for_means(project):
    text = edit(project, PAIN, lambda c: c["model"].update(method="peto"))
    assert f"{PAIN}, at model.method: peto pools OR, not MD" in text


def test_an_unknown_method_names_the_nearest(project):
    text = edit(project, PAIN, lambda c: c["model"].update(tau_squared="REMLL"))
    assert "at model.tau_squared: value 'REMLL' is not known" in text
    assert "did you mean 'REML'?" in text


def test_a_trial_without_a_file(project):
    text = edit(
        project,
        "config/config.yaml",
        lambda c: c["trials"].append("fm_paralel_synthetic"),
    )
    assert "'fm_paralel_synthetic' has no file" in text
    assert "did you mean 'fm_parallel_synthetic'?" in text


def test_an_analysis_that_does_not_exist(project):
    text = edit(
        project,
        "config/syntheses/synthetic_fibromyalgia_pain.yaml",
        lambda c: c.update(analyses=["fm_parallel_synthetic.pain_wek12"]),
    )
    assert "has no analysis 'pain_wek12'; did you mean 'pain_week12'?" in text


@pytest.mark.parametrize(
    ("contrasts", "said"),
    [
        (
            {"fm_parallel_synthetic.pain_week12": ["LDN 5 mg"]},
            "no treatment 'LDN 5 mg'; did you mean 'LDN 6 mg'?",
        ),
        (
            {"fm_parallel_synthetic.pain_week4": ["LDN 6 mg"]},
            "'fm_parallel_synthetic.pain_week4' is not under `analyses`; did you mean "
            "'fm_parallel_synthetic.pain_week12'?",
        ),
        ({"fm_parallel_synthetic.pain_week12": []}, "at contrasts"),
    ],
)
def test_treatments_that_enter_are_those_of_the_trial(project, contrasts, said):
    text = edit(
        project,
        "config/syntheses/synthetic_fibromyalgia_pain.yaml",
        lambda c: c.update(contrasts=contrasts),
    )
    assert said in text
    assert "at contrasts" in text


def test_a_published_trial_that_does_not_exist_is_named_with_the_likely_one(root):
    synthesis = load_project(root).syntheses["fibromyalgia_pain"]
    wrong = dict(synthesis, published={"endpoint": "x", "trials": ["INOVA_FM"]})
    said = published_trial_problems(wrong, ["INNOVA_FM"], file=PAIN)
    assert said == [
        f"{PAIN}, at published: no trial 'INOVA_FM'; did you mean 'INNOVA_FM'?"
    ]


def test_synthetic_results_never_stand_beside_published_ones(project):
    text = edit(
        project,
        PAIN,
        lambda c: c.update(analyses=["fm_parallel_synthetic.pain_week12"]),
    )
    assert "synthetic results never stand beside published" in text


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda c: c["arms"].update(control="Plcebo"), "no arm 'Placebo'"),
        (lambda c: c["bds"]["FIQR"].update(baseline="Basline"), "no visit 'Basline'"),
        (
            lambda c: c["analyses"]["pain_week12"].update(at="Week 13"),
            "no visit after baseline 'Week 13'",
        ),
        (
            lambda c: c["analyses"]["pain_week12_ancova"].update(at="Week 13"),
            "no visit 'Week 13'",
        ),
        (
            lambda c: c["analyses"]["pain_week12"].update(analysis_set="IT"),
            "no analysis set 'IT'; did you mean 'ITT'?",
        ),
        (
            lambda c: c["bds"]["FIQR"]["visits"]["windows"]["Week 4"].update(
                days=[22, 55]
            ),
            "'Week 4' and 'Week 8' overlap",
        ),
        (
            lambda c: c["bds"]["FIQR"].update({"from": "visit"}),
            "no source 'visit'; did you mean 'visits'?",
        ),
        (
            lambda c: c["analyses"]["pain_week12"]["model"].update(type="crossover"),
            "'crossover' needs a crossover design",
        ),
    ],
)
def test_names_must_fit_together(project, change, what):
    assert what in edit(project, FM, change)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (
            {"terms": ["TRT01P*AVISIT", "BSAE"]},
            "no column 'BSAE'; did you mean 'BASE'?",
        ),
        ({"terms": ["TRT01P", "BASE"]}, "model.terms: must hold TRT01P and AVISIT"),
        ({"covariance": "unstructered"}, "did you mean 'unstructured'?"),
        (
            {"covariance": ["unstructured", "ar_1"]},
            "model.covariance.1: value 'ar_1' is not known",
        ),
        (
            {"covariance": ["spatial_gaussian", "ar1"]},
            "a ladder has no spatial structures beside others",
        ),
        ({"group": "TRT01PP"}, "no column 'TRT01PP'; did you mean 'TRT01P'?"),
        ({"weights": "WEIGHT"}, "no column 'WEIGHT'"),
        ({"averaged_over": ["Week 12", "Week13"]}, "no visit after baseline 'Week13'"),
        ({"averaged_over": ["Baseline"]}, "no visit after baseline 'Baseline'"),
        ({"constrained_baseline": True}, "response: must be AVAL where the baseline"),
        (
            {"constrained_baseline": True, "terms": ["TRT01P:AVISIT", "BASE"]},
            "leave BASE out of the terms",
        ),
        ({"df": "kenward"}, "value 'kenward' is not known"),
        ({"covariates": ["BASE"]}, "is no key of a model of type 'mmrm'"),
        ({"level": 95}, "95"),
    ],
)
def test_a_model_over_visits_is_checked(project, change, what):
    def damage(content):
        content["analyses"]["pain_week12"]["model"].update(change)

    text = edit(project, FM, damage)
    assert text.startswith(FM) or f"- {FM}" in text
    assert what in text


def test_functions_and_products_in_terms_are_no_columns(root, project):
    path = project / FM
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    model = content["analyses"]["pain_week12"]["model"]
    model["terms"] = ["TRT01P*AVISIT", "np.log(BASE + 1):AVISIT", "poly(AGE, 2)"]
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    assert load_project(project).trials


def test_a_crossover_has_no_model_over_visits(project):
    def change(content):
        content["analyses"]["pain_week6"]["model"] = {"type": "mmrm"}

    text = edit(project, "config/trials/fm_crossover_synthetic.yaml", change)
    assert "'mmrm' needs a parallel design" in text


def test_the_schema_and_the_library_know_the_same_models(root):
    schema = load_yaml(root / "workflow/schemas/trial.schema.yaml")
    assert schema["$defs"]["covariance"]["enum"] == list(STRUCTURES)
    assert list(COVARIANCES) == list(STRUCTURES)
    model = schema["$defs"]["analysis"]["properties"]["model"]["properties"]
    assert model["df"]["enum"] == list(RULES) == list(DEGREES_OF_FREEDOM)
    assert model["vcov"]["enum"] == list(SANDWICHES)
    assert set(model) == {"type"} | {key for keys in KEYS.values() for key in keys}
    assert set(KEYS) == set(model["type"]["enum"])
    # Defaults are said where the key is described.
    assert ", ".join(LADDER) in model["covariance"]["description"]
    said = model["terms"]["description"]
    for terms in (TERMS, CONSTRAINED_TERMS):
        assert " and ".join(terms) in said
    assert set(MEASURED) <= set(BDS.names)


def test_all_problems_of_all_files_come_at_once(project):
    (project / PAIN).write_text("synthesis: [", encoding="utf-8")
    text = edit(project, FM, lambda c: c.update(design="paralel"))
    assert "fibromyalgia_pain.yaml, line" in text
    assert "did you mean 'parallel'?" in text


def test_a_key_given_twice_is_refused(tmp_path):
    path = tmp_path / "twice.yaml"
    path.write_text("a: 1\nb: 2\na: 3\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"line 3.*key 'a' is given twice"):
        load_yaml(path)


def test_the_readme_is_written_from_the_schemas(root):
    written = (root / "config" / "README.md").read_text(encoding="utf-8")
    assert written == document(root), "run make docs"


def test_the_readme_says_what_happens_without_being_asked_for(root):
    written = (root / "config" / "README.md").read_text(encoding="utf-8")
    for said in (
        "the first period alone, between subjects, is always analysed",
        "the random subject is dropped and the table says so",
        "nearest to its middle is analysed (the earlier of two as near)",
        "A window in which nobody has a value is a finding too",
        "One that nobody has is refused",
        "Kenward-Roger has no other, so name `df` beside it",
    ):
        assert said in written


def test_a_missing_key_is_said_once(project):
    def change(content):
        for key in ("estimand", "response"):
            del content["analyses"]["pain_week12"][key]

    text = edit(project, FM, change)
    assert text.count("missing key 'estimand'") == 1
    assert text.count("missing key 'response'") == 1


@pytest.mark.parametrize(
    ("name", "place"),
    [("RANDDT", "adsl.flags.RANDFL.when"), ("TRTSDT", "bds.FIQR.visits.reference")],
)
def test_dates_that_a_trial_uses_are_asked_for(project, name, place):
    text = edit(project, FM, lambda c: c["adsl"]["variables"].pop(name))
    assert f"{FM}, at {place}: no " in text
    assert f"{name!r}; " in text


def test_a_measurement_needs_no_type_of_its_date(root, project):
    path = project / FM
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for parameter in content["bds"].values():
        parameter["date"].pop("type", None)
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    dates = [
        parameter["date"]["type"]
        for parameter in load_project(project)
        .trials["fm_parallel_synthetic"]["bds"]
        .values()
    ]
    assert set(dates) == {"date"}


def test_options_of_a_figure_are_checked_and_described_alike(root, project):
    text = edit(project, PAIN, lambda c: c.update(figure={"fontsize": 8}))
    assert f"{PAIN}, at figure: unknown key 'fontsize'" in text
    assert "did you mean 'font_size'?" in text
    schemas = {
        name: load_yaml(root / f"workflow/schemas/{name}.schema.yaml")["properties"]
        for name in ("config", "synthesis")
    }
    options = {f.name for f in fields(ForestOptions)}
    forest = schemas["config"]["figures"]["properties"]["forest"]
    assert set(forest["properties"]) == options
    assert set(schemas["synthesis"]["figure"]["properties"]) == options
