"""The example dossier stands in a folder of its own and comes to its report."""

import shutil
import subprocess
import sys

import pytest
from dossier import environment

from trialstats.tracing.pages import blocks_of_page

pytestmark = pytest.mark.workflow


def words_of(page):
    """Return what a page says, without its elements."""
    blocks = ("".join(s.text for s in block) for block in blocks_of_page(page))
    return "\n".join(" ".join(block.split()) for block in blocks)


NAMES = ("bcg_vaccine", "magnesium", "passive_smoking", "school_calendar")


def test_the_example_dossier_has_a_report_that_reads_right(root, tmp_path):
    folder = tmp_path / "four meta-analyses"
    ignored = shutil.ignore_patterns("results", "logs", ".snakemake")
    shutil.copytree(root / "config/examples/meta_analysis", folder, ignore=ignored)
    snakefile = ["--snakefile", str(root / "Snakefile"), "--directory", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", *snakefile],
        cwd=root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    page = (folder / "results/report.html").read_text(encoding="utf-8")
    said = words_of(page)
    for name in NAMES:
        assert f'id="synthesis-{name}"' in page
        assert f'id="figure-{name}"' in page
    # Viechtbauer 2010; Hackshaw 1997; Egger 2001; Konstantopoulos 2011.
    for text in (
        "the pooled risk ratio in tuberculosis at end of follow-up was 0.49",
        "odds ratio for lung cancer was 1.24 (95% CI 1.13 to 1.36",
        "mantel_haenszel: 1.01 (95% CI 0.95 to 1.07",
        "0.065 for district and 0.033 for district/school",
    ):
        assert text in said, text
    # Nothing of another dossier stands on the page, and nothing is judged unasked.
    assert "LDN" not in page
    assert "not judged" in page


#: One trial of each kind of model beside means over visits; all eleven run with
#: `make examples`. Published are exp(1.29922) with its error 0.23684, and 115.66%
#: (107.11 to 124.89); the hazard ratio and the difference are what two engines give.
TRIALS = {
    "hsaur_respiratory": "in these data: odds ratio 3.67 (95% CI 2.30 to 5.83",
    "cgd_interferon": "in these data: hazard ratio 0.33 (95% CI 0.17 to",
    "xo_ashina_headache": "in these data: difference −39.33 (95% CI −68.70 to −9.97",
    "xo_ema_replicate_be_1": "ratio of geometric means 1.16 (90% CI 1.07 to 1.25",
}

#: That of every run: a model that no trial of the dossier has.
ALWAYS = ("cgd_interferon",)


@pytest.mark.parametrize(
    "names",
    [ALWAYS, pytest.param(tuple(TRIALS), marks=pytest.mark.validation)],
    ids=len,
)
def test_example_trials_have_a_report_with_their_published_results(
    root, shared, tmp_path, names
):
    folder = tmp_path / "published trials"
    shutil.copytree(root / "config/examples/trials/config", folder / "config")
    fetched = subprocess.run(
        [sys.executable, "scripts/fetch_example_trials.py", str(folder)],
        cwd=root,
        env=environment() | {"TRIALSTATS_SHARED": str(shared)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "16 files copied" in fetched.stdout
    listed = "".join(f"  - {name}\n" for name in names)
    text = f"title: Published trials\ntrials:\n{listed}"
    (folder / "config/config.yaml").write_text(text, encoding="utf-8")
    snakefile = ["--snakefile", str(root / "Snakefile"), "--directory", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", *snakefile],
        cwd=root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    page = (folder / "results/report.html").read_text(encoding="utf-8")
    said = words_of(page)
    for name in names:
        assert f'id="trial-{name}"' in page
        assert TRIALS[name] in said, name


def test_absent_data_of_the_example_trials_are_named(root, tmp_path):
    done = subprocess.run(
        [sys.executable, "scripts/fetch_example_trials.py", str(tmp_path / "dossier")],
        cwd=root,
        env=environment() | {"TRIALSTATS_SHARED": str(tmp_path / "nowhere")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "the data of the example trials are absent" in done.stdout
    assert "set TRIALSTATS_SHARED" in done.stdout
    assert not (tmp_path / "dossier").exists()
