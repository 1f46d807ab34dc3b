"""`make report` and `make verify` on a workflow in small: what they say and return."""

import doctest
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: The real files that the workflow in small needs.
TAKEN = (
    "scripts/_pipeline.py",
    "scripts/_step.py",
    "scripts/run_pipeline.py",
    "scripts/verify_dossier.py",
    "scripts/write_manifest.py",
    "trialstats/__init__.py",
    "trialstats/errors.py",
    "trialstats/formatting.py",
    *(p.relative_to(ROOT).as_posix() for p in (ROOT / "trialstats/io").glob("*.py")),
    "trialstats/raw.py",
    "trialstats/rows.py",
    "trialstats/version.py",
    "trialstats/report/__init__.py",
    "trialstats/report/manifest.py",
    "pyproject.toml",
    "requirements.lock",
    "environment.yml",
)

SNAKEFILE = """\
rule write_manifest:
    input:
        outputs=["results/report.html", "results/constant.csv"],
    output:
        manifest="results/manifest.json",
    log:
        "logs/write_manifest.log",
    script:
        "scripts/write_manifest.py"


rule add_up:
    input:
        numbers="data/numbers.csv",
    output:
        total="results/{name}.html",
    log:
        "logs/add_up_{name}.log",
    script:
        "scripts/add_up.py"


rule copy_constant:
    output:
        "results/constant.csv",
    log:
        "logs/copy_constant.log",
    shell:
        "echo 1 > {output} 2> {log}"
"""

ADD_UP = """\
from _step import run
from trialstats.errors import DataError


def main(numbers, total):
    cells = open(numbers).read().split()
    for row, cell in enumerate(cells, start=1):
        if not cell.isdigit():
            raise DataError("not a number", file=numbers, row=row, value=cell)
    open(total, "w").write(str(sum(map(int, cells))))


if __name__ == "__main__":
    run(main, snakemake)
"""


def test_the_example_of_the_messages_is_true():
    # pytest collects doctests of the library only.
    path = ROOT / "scripts/_pipeline.py"
    spec = importlib.util.spec_from_file_location("_pipeline", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["_pipeline"] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
        assert doctest.testmod(module) == (0, 1)
    finally:
        del sys.modules["_pipeline"]


@pytest.fixture
def dossier(tmp_path):
    # A space, as the folders of users have them.
    folder = tmp_path / "a dossier"
    for name in TAKEN:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name, text in {
        "Snakefile": SNAKEFILE,
        "scripts/add_up.py": ADD_UP,
        "data/numbers.csv": "1\n2\n",
        "config/config.yaml": "title: in small\n",
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def run_script(folder, name, *arguments):
    return subprocess.run(
        [sys.executable, f"scripts/{name}.py", *arguments],
        cwd=folder,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.workflow
def test_from_report_to_verification(dossier):
    before = run_script(dossier, "verify_dossier")
    assert before.returncode == 2
    assert "run make report first" in before.stderr

    made = run_script(dossier, "run_pipeline")
    assert made.returncode == 0, made.stderr
    assert "3 steps to do" in made.stdout
    assert "of 3  add_up  name=report" in made.stdout
    assert made.stdout.endswith("report: results/report.html (make verify checks it)\n")
    again = run_script(dossier, "run_pipeline")
    assert again.stdout.endswith("nothing to do: results/report.html is up to date\n")

    same = run_script(dossier, "verify_dossier")
    assert same.returncode == 0, same.stderr
    # 2 outputs; sources: what TAKEN names and the four files written here.
    assert same.stdout.endswith(f"identical: 2 outputs, {len(TAKEN) + 4} inputs\n")

    (dossier / "data/numbers.csv").write_text("1\n3\n", encoding="utf-8")
    (dossier / "results/constant.csv").write_text("edited", encoding="utf-8")
    kept = dossier.parent / "kept"
    changed = run_script(dossier, "verify_dossier", "--keep", str(kept))
    assert changed.returncode == 1
    said = changed.stdout
    assert "changed inputs:\n  data/numbers.csv\n" in said
    assert "changed outputs:\n  results/report.html\n" in said
    assert "half rerun):\n  results/constant.csv\n" in said
    assert (kept / "results/report.html").read_text(encoding="utf-8") == "4"


@pytest.mark.workflow
def test_a_failing_step_is_named_with_its_message(dossier):
    (dossier / "data/numbers.csv").write_text("1\nx\n", encoding="utf-8")
    failed = run_script(dossier, "run_pipeline")
    assert failed.returncode == 1
    # The message as trialstats.errors.located forms it, and nothing of a traceback.
    assert (
        "rule add_up (name=report) failed:\n"
        "data/numbers.csv, row 2, value 'x': not a number\n"
        "log: logs/add_up_report.log\n"
    ) in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not (dossier / "results/report.html").exists()


@pytest.mark.workflow
def test_a_workflow_that_cannot_start_says_why(dossier):
    text = 'raise WorkflowError("config/config.yaml: misspelt key")\n'
    (dossier / "Snakefile").write_text(text, encoding="utf-8")
    failed = run_script(dossier, "run_pipeline")
    assert failed.returncode == 1
    # The message comes first: the place in the workflow is none of the reader's.
    assert failed.stderr.startswith("\nconfig/config.yaml: misspelt key\n")
    assert "WorkflowError" not in failed.stderr
    assert failed.stderr.count("\n") < 6
