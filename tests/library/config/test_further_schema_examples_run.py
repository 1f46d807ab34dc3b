"""Every example of the schemas of syntheses and of the main file runs."""

import shutil

import pytest

from tests.library.config import example_syntheses as syntheses
from tests.library.config import example_trials as trials
from tests.library.config.example_files import FILES
from trialstats.config.checking import with_defaults
from trialstats.config.keys import keys_of
from trialstats.config.loading import SCHEMAS, load_project, require_files
from trialstats.config.reading import load_yaml
from trialstats.errors import TrialstatsError
from trialstats.figures.forest_options import ForestOptions

KEYS = [key for key in keys_of(syntheses.SCHEMA) if not key.free]
MAIN_SCHEMA = load_yaml(SCHEMAS / "config.schema.yaml")
MAIN = trials.BASES / "config.yaml"

#: Keys that change how a synthesis is told or drawn, and none of its numbers.
TOLD = {"figure", "figures", "notes"}

#: Keys that may be left out without any effect on these syntheses, and why.
NO_EFFECT = {
    "model.method": "the one that is taken when absent",
    "outcome.scale": "stands in the report",
    "outcome.timepoint": "stands in the report",
    "published.rows.[].timepoint_weeks": "the outcome is listed once",
    "studies.scale": "the one that is taken when absent",
    "studies.source": "stands in the report",
    "evidence": "sets where GRADE starts from",
}


def said(key):
    return ".".join(key.path) if hasattr(key, "path") else None


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Return the folder of the tables, and the trial that enters from its analysis."""
    folder = tmp_path_factory.mktemp("syntheses")
    syntheses.write_tables(folder)
    config = trials.checked("dated", trials.configuration("dated"))
    clean = trials.cleaned("dated", config, folder)
    fitted = {"dated.days_week_12": trials.fitted(config, "days_week_12", clean)}
    return folder, {"dated": config}, fitted


def rows_of(name, config, world):
    folder, known, fitted = world
    made = syntheses.checked(name, config, known)
    return syntheses.pooled(made, folder, fitted).to_csv()


@pytest.mark.parametrize("name", syntheses.NAMES)
def test_every_synthesis_runs(name, world):
    assert rows_of(name, syntheses.configuration(name), world).count("\n") > 1


def chosen(key, example):
    found = list(syntheses.places(key.path))
    assert found, f"no synthesis of tests/reference/configurations/ has {said(key)}"
    return next((one for one in found if holds(one[2], example)), found[0])


def holds(value, example):
    if isinstance(value, dict) and isinstance(example, dict):
        return value.items() >= example.items()
    return value == example


@pytest.mark.parametrize("key", [k for k in KEYS if not k.as_at], ids=said)
def test_the_example_runs(key, world):
    for example in key.schema["examples"]:
        name, place, value = chosen(key, example)
        config = syntheses.configuration(name)
        if not holds(value, example):
            node = config
            for part in place[:-1]:
                node = node[part]
            node[place[-1]] = example
        assert rows_of(name, config, world)


OPTIONAL = [k for k in KEYS if not k.required and not k.as_at]
COMPUTED = [key for key in OPTIONAL if key.path[0] not in TOLD]


@pytest.mark.parametrize("key", COMPUTED, ids=said)
def test_without_the_key_something_else_comes_out(key, world):
    name, place, _ = chosen(key, key.schema["examples"][0])
    config = syntheses.configuration(name)
    usual = rows_of(name, config, world)
    node = config
    for part in place[:-1]:
        node = node[part]
    del node[place[-1]]
    try:
        after = rows_of(name, config, world)
    except (TrialstatsError, AssertionError):
        return  # The synthesis needs it.
    assert (after == usual) == (said(key) in NO_EFFECT)


def test_the_figure_takes_its_options():
    given = syntheses.configuration("counts")["figure"]
    assert ForestOptions.from_mapping(given) != ForestOptions.from_mapping({})
    for name in given:
        fewer = {key: value for key, value in given.items() if key != name}
        assert ForestOptions.from_mapping(fewer) != ForestOptions.from_mapping(given)


@pytest.fixture
def dossier(tmp_path, root):
    """Return a dossier of the main file, with the trial and the synthesis it names."""
    for folder in ("config/trials", "config/syntheses"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(MAIN, tmp_path / "config/config.yaml")
    shutil.copy(trials.BASES / "dated.yaml", tmp_path / "config/trials")
    shutil.copy(syntheses.BASES / "counts.yaml", tmp_path / "config/syntheses")
    for folder in ("published", "judgements"):
        shutil.copytree(root / "data" / folder, tmp_path / "data" / folder)
    for file, content in FILES["dated"]().items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(content)
    syntheses.write_tables(tmp_path)
    return tmp_path


def test_the_main_file_runs(dossier):
    project = load_project(dossier)
    require_files(project, dossier)
    assert list(project.trials) == ["dated"]
    assert project.config == with_defaults(load_yaml(MAIN), MAIN_SCHEMA)
    options = ForestOptions.from_mapping(project.config["figures"]["forest"])
    assert options != ForestOptions.from_mapping({})


@pytest.mark.parametrize("key", list(keys_of(MAIN_SCHEMA)), ids=said)
def test_the_main_file_holds_every_example_and_goes_without_optional_keys(key, dossier):
    (place, value), *_ = trials.places_in(load_yaml(MAIN), key.path)
    example = key.schema["examples"][0]
    assert (
        value == example or value.items() >= example.items() or key.path[0] == "figures"
    )
    if key.required:
        return
    config = load_yaml(dossier / "config/config.yaml")
    node = config
    for part in place[:-1]:
        node = node[part]
    del node[place[-1]]
    import yaml

    (dossier / "config/config.yaml").write_text(
        yaml.safe_dump(config), encoding="utf-8"
    )
    if key.path == ("published",):
        return  # Needed by no synthesis here.
    assert load_project(dossier).config != with_defaults(load_yaml(MAIN), MAIN_SCHEMA)
