"""The example dossier stands in a folder of its own and comes to its report."""

import shutil
import subprocess
import sys

import pytest
from dossier import environment

pytestmark = pytest.mark.workflow

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
        assert text in page, text
    # Nothing of another dossier stands on the page, and nothing is judged unasked.
    assert "LDN" not in page
    assert "not judged" in page
