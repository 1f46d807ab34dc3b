"""The pipeline as a whole: same bytes twice, and only what depends is run again."""

import shutil

import pytest
import yaml
from dossier import Dossier, copied, require_same_bytes

pytestmark = pytest.mark.workflow


def test_a_second_run_has_nothing_to_do(finished):
    again = finished.run()
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout + again.stderr


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
    assert planned == {
        *("draw_forest", "write_report", "check_texts", "write_manifest", "all")
    }


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
    assert planned == {"fit_analysis:crohn_parallel_synthetic:cdai_week12_ancova"}


def test_a_trial_without_adverse_events_or_means_has_no_such_figures(working):
    """Adding a trial takes no Python, whatever it measured."""
    path = working.folder / "config/trials/crohn_parallel_synthetic.yaml"
    trial = yaml.safe_load(path.read_text(encoding="utf-8"))
    del trial["adae"], trial["sources"]["adverse_events"]
    for name in ("cdai_week12", "cdai_week12_constrained", "adverse_events"):
        del trial["analyses"][name]
    path.write_text(yaml.safe_dump(trial, sort_keys=False), encoding="utf-8")
    done = working.run()
    assert done.returncode == 0, done.stderr[-2000:]
    page = (working.folder / "results/report.html").read_text(encoding="utf-8")
    assert "CD-PARALLEL: what became of every raw row" in page
    assert "CD-PARALLEL: adverse events" not in page
    assert "CD-PARALLEL: change in Crohn" not in page
    assert "CD-PARALLEL: residuals" not in page


@pytest.mark.validation
def test_a_run_into_another_folder_gives_the_same_bytes(root, tmp_path):
    """The whole dossier; a part of it is compared in every run of the tests."""
    whole = copied(root, tmp_path / "whole")
    ended = whole.run()
    assert ended.returncode == 0, ended.stderr[-4000:]
    require_same_bytes(whole, Dossier(tmp_path / "another folder"), files=150)


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
