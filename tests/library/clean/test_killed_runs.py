"""A run that is killed leaves nothing that a second run would not make."""

import multiprocessing
import os
import random
import signal
import time

import pytest

from trialstats import io
from trialstats.clean.files import clean_files, dataset_schemas
from trialstats.config.loading import load_project

TRIAL = "crohn_parallel_synthetic"


def clean(root, made):
    """Clean the trial in parts, which takes the longest way through the code."""
    config = load_project(root).trials[TRIAL]
    clean_files(config, made, root=root, large=1, part=250)


def paths(folder, root):
    config = load_project(root).trials[TRIAL]
    return {name: str(folder / f"{name}.parquet") for name in dataset_schemas(config)}


def contents(made):
    return {name: io.read_bytes(path) for name, path in made.items()}


@pytest.mark.parametrize("moments", [2, pytest.param(20, marks=pytest.mark.validation)])
def test_killed_runs(tmp_path, root, moments):
    made = paths(tmp_path / "undisturbed", root)
    clean(root, made)
    began = time.monotonic()
    clean(root, made)
    usual = time.monotonic() - began
    undisturbed = contents(made)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["trialstats.clean.files", "duckdb", __name__])
    # Moments over the whole length of a run, its beginning and its end included.
    chance = random.Random(20)
    killed = 0
    made = paths(tmp_path / "killed", root)
    for number in range(moments):
        run = context.Process(target=clean, args=(root, made))
        run.start()
        run.join(usual * 1.5 * (number + chance.random()) / moments)
        if run.is_alive():
            os.kill(run.pid, signal.SIGKILL)
            killed += 1
        run.join()
        # Whatever has its name is whole.
        whole = {n: p for n, p in made.items() if os.path.exists(p)}
        assert contents(whole) == {name: undisturbed[name] for name in whole}
    assert killed >= moments / 2, "too few runs were killed to show anything"
    clean(root, made)
    assert contents(made) == undisturbed
    names = {path.name for path in (tmp_path / "killed").iterdir()}
    assert names == {f"{name}.parquet" for name in made}
