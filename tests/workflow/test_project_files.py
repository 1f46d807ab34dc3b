"""Locks, environment, licence and the files around the code agree with each other."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("requirements.lock", "requirements-dev.lock")

#: Names that conda-forge and bioconda give to packages of another name.
CONDA_NAMES = {
    "brotli-python": "brotli",
    "matplotlib-base": "matplotlib",
    "python-duckdb": "duckdb",
    "snakemake-minimal": "snakemake",
}

#: Pythons that the project serves, and the two systems.
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
SYSTEMS = ("linux", "darwin")


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def pinned(lock):
    """Return the requirements of a lock, each a name, one version and a marker."""
    lines = [line.rstrip(" \\") for line in read(lock).splitlines()]
    return [Requirement(line) for line in lines if re.match(r"[a-z0-9]", line)]


def versions(lock, python="3.11", system="linux"):
    """Return name -> version that a lock installs on a Python and a system."""
    here = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": system,
        "platform_system": {"linux": "Linux", "darwin": "Darwin"}[system],
        "platform_machine": "x86_64",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    found = {}
    for need in pinned(lock):
        if need.marker is None or need.marker.evaluate(here):
            assert need.name not in found
            found[need.name] = str(need.specifier).removeprefix("==")
    return found


def direct_needs():
    extras = PROJECT["project"]["optional-dependencies"].values()
    needs = [
        *PROJECT["project"]["dependencies"],
        *(n for extra in extras for n in extra),
    ]
    return [Requirement(need) for need in needs]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_the_locks_agree_and_meet_the_lower_bounds(python, system):
    small, large = (versions(lock, python, system) for lock in LOCKS)
    assert small.items() <= large.items()
    development = map(Requirement, PROJECT["dependency-groups"]["dev"])
    for needs, lock in ((direct_needs(), small), (development, large)):
        for need in needs:
            assert need.specifier.contains(lock[canonicalize_name(need.name)])


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_a_lock_has_hashes_and_no_host_is_named(lock):
    text = read(lock)
    blocks = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert len(blocks) == len(pinned(lock))
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "--index" not in text


def test_the_conda_environment_has_the_versions_of_the_lock():
    environment = yaml.safe_load(read("environment.yml"))
    pins = dict(entry.split("=") for entry in environment["dependencies"])
    python = pins.pop("python")
    named = {
        canonicalize_name(CONDA_NAMES.get(name, name)): version
        for name, version in pins.items()
    }
    lock = versions("requirements.lock", python)
    needed = {canonicalize_name(need.name) for need in direct_needs()}
    assert named == {name: lock[name] for name in needed}


def test_licence_citation_and_package_agree():
    licence = read("LICENSE")
    assert "Apache License" in licence
    assert "Copyright 2026 The trialstats developers" in licence
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["authors"] == PROJECT["project"]["authors"]
    assert citation["license"] == PROJECT["project"]["license"] == "Apache-2.0"
    assert f'__version__ = "{citation["version"]}"' in read("trialstats/version.py")


def test_make_alone_lists_every_target():
    listed = subprocess.run(
        ["make", "--no-print-directory"],
        cwd=ROOT,
        env={**os.environ, "MAKEFLAGS": "", "MAKELEVEL": "0"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    targets = set(re.findall(r"^\.PHONY: (\S+)", read("Makefile"), flags=re.MULTILINE))
    inner = {"help", "environment", "dev-environment"}
    assert (
        set(re.findall(r"^make (\S+)", listed, flags=re.MULTILINE)) == targets - inner
    )


def test_clean_removes_what_rules_made_and_nothing_else(tmp_path):
    folder = tmp_path / "a dossier"
    made = [
        "results/report.html",
        "results/figures/a.svg",
        "logs/a.log",
        ".snakemake/x",
    ]
    kept = ["results/README.md", "data/raw/a.csv", "Makefile"]
    for name in made + kept:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("", encoding="utf-8")
    (folder / "Makefile").write_text(read("Makefile"), encoding="utf-8")
    subprocess.run(["make", "clean"], cwd=folder, capture_output=True, check=True)
    left = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert left == set(kept)


def test_ci_runs_the_tests_as_the_readme_does_and_lint():
    path = ROOT / ".ci/run"
    assert os.access(path, os.X_OK)
    lines = read(".ci/run").splitlines()
    assert {"make test", "make lint"} <= set(lines)
    assert "set -euo pipefail" in lines
    lint = read("Makefile").split("\nlint:")[1].split("\n.PHONY")[0]
    for tool in ("ruff check", "ruff format --check", "mypy", "snakefmt --check"):
        assert tool in lint
    assert "snakemake --lint" in lint


def test_the_hosted_workflow_makes_and_verifies_the_dossier():
    job = yaml.safe_load(read(".github/workflows/dossier.yml"))["jobs"]["dossier"]
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert [
        c for c in commands if c in ("make test", "make report", "make verify")
    ] == [
        "make test",
        "make report",
        "make verify",
    ]
    actions = [step["uses"] for step in job["steps"] if "uses" in step]
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in actions)
    # The fixture `shared` fails without reference data under CI=true.
    assert job["env"]["CI"] == "false"
    assert all(python in PYTHONS for python in job["strategy"]["matrix"]["python"])
    hooks = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"][0]["hooks"]
    assert hooks[0]["entry"] == "make lint"


def test_results_are_described_and_not_committed():
    text = read("results/README.md")
    for name in ("report.html", "manifest.json", "datasets/", "estimates/", "figures/"):
        assert name in text
    ignored = read(".gitignore").splitlines()
    assert "/results/*" in ignored
    assert "!/results/README.md" in ignored
