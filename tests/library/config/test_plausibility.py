"""Settings that fit the schema and cannot be meant, and how YAML is read.

Each case changes one setting of the shipped trials; the message must name its place.
"""

import shutil
from pathlib import Path

import pytest
import yaml

from trialstats.config.loading import load_project, load_yaml, require_files
from trialstats.errors import ConfigError

FM = "config/trials/fm_parallel_synthetic.yaml"
FX = "config/trials/fm_crossover_synthetic.yaml"


@pytest.fixture
def folder(root: Path, tmp_path: Path) -> Path:
    """Return a copy of the configuration that a test may damage."""
    shutil.copytree(root / "config", tmp_path / "config")
    shutil.copytree(root / "workflow" / "schemas", tmp_path / "workflow" / "schemas")
    return tmp_path


def refusal(folder: Path, file: str, place: str, value: object) -> str:
    path = folder / file
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    *way, last = place.split("/")
    inner = content
    for key in way:
        inner = inner[key]
    inner[last] = value
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_project(folder)
    return str(caught.value)


AGE = {"column": "age", "label": "Age", "type": "number"}

CASES = [
    (FM, "adsl/variables/USUBJID", AGE, "is made by the cleaning"),
    (FX, "adsl/variables/TRT02P", AGE, "is made by the cleaning"),
    (FM, "adsl/variables/RANDFL", AGE, "is the name of a variable too"),
    (FM, "analysis_sets/itt", "AGE > 1", "'ITT' makes the same flag ITTFL"),
    (FM, "analysis_sets/Rand", "AGE > 1", "flag RANDFL has another condition"),
    (FM, "arms/treatments", ["LDN 6 mg", "LDN-6-mg"], "differ in punctuation alone"),
    (FM, "adsl/variables/TRTSDT/type", "text", "TRTSDT must be of type date"),
    (FM, "bds/FIQR/visits/reference", "AGE", "AGE must be of type date"),
    (FX, "periods", ["AP01SDT", "AGE"], "AGE must be of type date"),
    (FM, "bds/FIQR/value/range", [100, 0], "100 is not below 0"),
    (FM, "adsl/variables/WEIGHTBL/units/factors/lb", 0, "0 makes every value 0"),
    (FM, "bds/FIQR/visits/windows/Week 4/number", 8, "'Week 4' and 'Week 8' have one"),
    (FM, "bds/FIQR/visits/windows/Baseline/number", 1, "has a number above 0"),
    (FX, "bds/PAINWK/summarise/at_least", 8, "8 of 7 can never be reached"),
    (FM, "date_formats", ["%d/%m"], "'%d/%m' does not give day, month and year"),
    (FM, "date_formats", ["%Y-%m-%q"], "does not give day, month and year"),
    (FX, "trial", "FM-PARALLEL", "another trial is named 'FM-PARALLEL' too"),
]


@pytest.mark.parametrize(("file", "place", "value", "says"), CASES)
def test_what_cannot_be_meant_is_refused(folder, file, place, value, says):
    text = refusal(folder, file, place, value)
    assert says in text
    assert f"{file}, at {place.split('/')[0]}" in text


def test_a_broken_trial_is_not_missing_from_its_synthesis(folder):
    # One cause gives one message: the synthesis of the trial is not at fault.
    text = refusal(folder, FM, "design", "paralel")
    assert "syntheses" not in text


def test_keys_are_text_as_written(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("codes: {-99: not done, No: none, 1: MILD, 1.0: x}\n")
    assert list(load_yaml(path)["codes"]) == ["-99", "No", "1", "1.0"]


def test_merge_keys_still_merge(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n")
    assert load_yaml(path)["b"] == {"x": 1, "y": 3}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"title: \xe4\n", "the text is not UTF-8"),
        (b"? [a, b]\n: 1\n", "line 1: .*a key must be text"),
        (b"level: .nan\n", "line 1: .*is no finite number"),
        (b"limits: [-.inf, 1]\n", "line 1: .*is no finite number"),
        (b"a:\n\tb: 1\n", "line 2: not readable as YAML"),
    ],
)
def test_what_yaml_lets_through_or_stumbles_over(tmp_path, content, says):
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=says):
        load_yaml(path)


def test_a_file_that_has_gone_is_named(root, folder):
    # Snakemake would keep what was made from it, and say nothing.
    require_files(load_project(root), root)
    path = folder / FM
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("synthetic_diary.csv", "synthetic_dairy.csv"))
    with pytest.raises(ConfigError) as caught:
        require_files(load_project(folder), root)
    said = str(caught.value)
    assert said.startswith(f"{FM}, at sources.diary.file: there is no file")
    assert "did you mean 'synthetic_diary.csv'?" in said
