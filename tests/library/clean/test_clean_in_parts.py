"""A trial cleaned some subjects at a time is the trial cleaned at once."""

import pandas as pd
import pytest

from trialstats import io
from trialstats.clean.files import clean_files, dataset_schemas
from trialstats.config.loading import load_project

TRIALS = ["fm_parallel_synthetic", "fm_crossover_synthetic", "crohn_parallel_synthetic"]


def outputs(folder, config):
    return {name: str(folder / f"{name}.parquet") for name in dataset_schemas(config)}


def cleaned(config, folder, root, **settings):
    made = outputs(folder, config)
    clean_files(config, made, root=root, **settings)
    return {name: io.read_table(path) for name, path in made.items()}


@pytest.mark.parametrize(
    ("trial", "rows"),
    # A part of one or two subjects is slow, so only one trial has them.
    [("crohn_parallel_synthetic", 20), *((trial, 700) for trial in TRIALS)],
)
def test_parts_give_the_same_tables(tmp_path, root, trial, rows):
    config = load_project(root).trials[trial]
    whole = cleaned(config, tmp_path / "whole", root)
    parts = cleaned(config, tmp_path / "parts", root, large=1, part=rows)
    for name, table in whole.items():
        pd.testing.assert_frame_equal(parts[name], table, obj=name)


def test_a_part_never_divides_a_subject(tmp_path, root):
    config = load_project(root).trials["fm_parallel_synthetic"]
    made = outputs(tmp_path, config)
    clean_files(config, made, root=root, large=1, part=300)
    bds = io.read_table(made["bds"])
    assert bds["USUBJID"].is_monotonic_increasing
    assert not bds.duplicated(
        ["USUBJID", "PARAMCD", "AVISIT", "ADT", "AVAL", "DTYPE", "ADY"]
    ).any()


def test_bytes_do_not_depend_on_the_run(tmp_path, root):
    config = load_project(root).trials["crohn_parallel_synthetic"]
    digests = []
    for run in ("one", "two"):
        made = outputs(tmp_path / run, config)
        clean_files(config, made, root=root, large=1, part=200)
        digests.append({name: io.read_bytes(path) for name, path in made.items()})
    assert digests[0] == digests[1]
