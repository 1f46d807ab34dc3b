"""Folders with names that a shell takes apart."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def pipeline(root: Path, monkeypatch):
    spec = importlib.util.spec_from_file_location(
        "pipeline_of_scripts", root / "scripts" / "_pipeline.py"
    )
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_an_environment_under_a_space_runs_unquoted(pipeline, tmp_path, monkeypatch):
    # Snakemake writes the path of Python into a shell command without quotes.
    place = tmp_path / "Ünder a späce"
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(place / "bin" / "python"))
    with pipeline.interpreter() as python:
        said = subprocess.run(
            f"{python} -c 'print(1 + 1)'",
            shell=True,
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.stdout == "2\n", said.stderr
    assert not os.path.lexists(python)


def test_an_ordinary_path_is_taken_as_it_is(pipeline, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/plain/bin/python")
    with pipeline.interpreter() as python:
        assert python == "/plain/bin/python"
