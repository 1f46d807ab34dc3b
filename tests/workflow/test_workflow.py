"""The pipeline as a whole: same bytes twice, and only what depends is run again."""

import shutil
import subprocess
import sys

import pytest
from dossier import Dossier, environment

pytestmark = pytest.mark.workflow


def outputs(dossier: Dossier) -> dict[str, bytes]:
    results = dossier.folder / "results"
    return {
        path.relative_to(results).as_posix(): path.read_bytes()
        for path in sorted(results.rglob("*"))
        if path.is_file()
    }


def test_a_second_run_has_nothing_to_do(finished):
    again = finished.run()
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout + again.stderr


def test_two_runs_into_two_folders_give_the_same_bytes(finished, fresh):
    other = fresh()
    assert other.run().returncode == 0
    first, second = outputs(finished), outputs(other)
    assert set(first) == set(second)
    assert len(first) > 50
    assert [name for name in first if first[name] != second[name]] == []


def test_changing_one_published_number_reruns_only_what_depends_on_it(working):
    """One event more under FINAL's discontinuations: one synthesis uses the row."""
    working.edit(
        "data/published/outcomes_binary.csv",
        "discontinuation due to adverse events,12,4,49,3,50,8% v 6%",
        "discontinuation due to adverse events,12,5,49,3,50,10% v 6%",
    )
    planned = working.planned()
    of_syntheses = ("select_", "pool_", "draw_forest")
    pooled = {job for job in planned if job.startswith(of_syntheses)}
    assert pooled == {
        "select_published:fibromyalgia_discontinuations",
        "pool_synthesis:fibromyalgia_discontinuations",
        "draw_forest:fibromyalgia_discontinuations",
    }
    fitted = ("build_trial", "fit_analysis", "describe_trial", "check_trial")
    assert not [job for job in planned if job.startswith(fitted)]


def test_changing_the_option_of_a_figure_refits_nothing(working):
    working.edit("config/config.yaml", "  forest: {}", "  forest: {font_size: 8}")
    planned = {job.split(":")[0] for job in working.planned()}
    assert planned == {"draw_forest", "write_report", "write_manifest", "all"}


def test_changing_a_library_function_reruns_what_uses_it(working):
    path = working.folder / "trialstats" / "meta" / "pooling.py"
    path.write_text(path.read_text(encoding="utf-8") + "\n# A remark.\n", "utf-8")
    planned = {job.split(":")[0] for job in working.planned()}
    assert {"pool_synthesis", "check_syntheses", "draw_forest"} <= planned
    assert not {"build_trial", "build_published", "fit_analysis"} & planned


def test_changing_a_single_trial_statistic_reruns_the_trials(working):
    path = working.folder / "trialstats" / "ancova.py"
    path.write_text(path.read_text(encoding="utf-8") + "\n# A remark.\n", "utf-8")
    planned = {job.split(":")[0] for job in working.planned()}
    assert {"fit_analysis", "check_trial", "write_report"} <= planned
    assert not {"build_trial", "select_published"} & planned


def test_changing_one_trials_analysis_reruns_that_analysis(working):
    working.edit(
        "config/trials/crohn_parallel_synthetic.yaml",
        "    model: {type: ancova, covariates: [BASE]}",
        "    model: {type: ancova, covariates: [BASE, AGE]}",
    )
    planned = {job for job in working.planned() if job.startswith("fit_")}
    assert planned == {"fit_analysis:crohn_parallel_synthetic:cdai_week12"}


def verify(dossier: Dossier) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scripts/verify_dossier.py"],
        cwd=dossier.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_verify_says_identical_and_names_what_an_edit_changes(working):
    same = verify(working)
    assert same.returncode == 0, same.stdout + same.stderr
    assert "identical" in same.stdout
    working.edit(
        "data/published/outcomes_binary.csv",
        "discontinuation due to adverse events,12,4,49,3,50,8% v 6%",
        "discontinuation due to adverse events,12,5,49,3,50,10% v 6%",
    )
    changed = verify(working)
    assert changed.returncode == 1
    assert "data/published/outcomes_binary.csv" in changed.stdout
    name = "results/estimates/synthesis/fibromyalgia_discontinuations.parquet"
    assert name in changed.stdout
    assert "results/estimates/synthesis/crohn_remission.parquet" not in changed.stdout


def lines(path, change):
    rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(change(rows)) + "\n", encoding="utf-8")


DEMOGRAPHICS = "data/raw/fm_parallel_synthetic/synthetic_demographics.csv"
VISITS = "data/raw/crohn_parallel_synthetic/synthetic_visits.xlsx"


def test_bad_input_ends_the_run_with_one_message_and_no_half_output(working):
    path = working.folder / DEMOGRAPHICS
    lines(path, lambda rows: [rows[0], rows[1].replace(",", ";"), *rows[2:]])
    ended = working.run()
    assert ended.returncode != 0
    assert DEMOGRAPHICS in ended.stderr
    assert "row 2" in ended.stderr
    assert "Traceback" not in ended.stderr
    datasets = working.folder / "results" / "datasets" / "fm_parallel_synthetic"
    assert not list(datasets.glob("*")) or not list(datasets.glob(".*"))


def test_a_truncated_excel_file_ends_the_run(working):
    path = working.folder / VISITS
    path.write_bytes(path.read_bytes()[:2000])
    ended = working.run()
    assert ended.returncode != 0
    assert VISITS in ended.stderr
    assert "not a complete Excel file" in ended.stderr


def test_events_above_n_end_the_run(working):
    working.edit(
        "data/published/outcomes_binary.csv",
        "discontinuation due to adverse events,12,4,49,3,50",
        "discontinuation due to adverse events,12,54,49,3,50",
    )
    ended = working.run()
    assert ended.returncode != 0
    assert "data/published/outcomes_binary.csv, row" in ended.stderr
    assert "'events_ldn', value '54'" in ended.stderr


def test_a_misspelt_key_ends_the_run_before_any_job(working):
    working.edit(
        "config/syntheses/fibromyalgia_pain.yaml", "measure: MD", "measrue: MD"
    )
    ended = working.run()
    assert ended.returncode != 0
    said = ended.stdout + ended.stderr
    assert "config/syntheses/fibromyalgia_pain.yaml: unknown key 'measrue'" in said
    assert "did you mean 'measure'?" in said


def test_a_trial_of_a_synthesis_that_does_not_exist_ends_the_run(working):
    working.edit(
        "config/syntheses/fibromyalgia_adverse_events.yaml", "INNOVA_FM", "INOVA_FM"
    )
    ended = working.run()
    assert ended.returncode != 0
    said = ended.stdout + ended.stderr
    assert "INOVA_FM" in said
    assert "did you mean 'INNOVA_FM'?" in said


def test_the_snakemake_report_has_captions(working):
    target = working.folder / "report.zip"
    made = working.run("--report", "report.zip")
    assert made.returncode == 0, made.stderr[-2000:]
    unpacked = working.folder / "unpacked"
    shutil.unpack_archive(target, unpacked)
    text = "".join(
        page.read_text(encoding="utf-8", errors="replace")
        for page in unpacked.rglob("*.html")
    )
    assert "fibromyalgia_pain" in text
