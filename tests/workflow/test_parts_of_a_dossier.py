"""A dossier of trials alone, and one of syntheses alone, come to their report."""

import pytest
import yaml
from dossier import Dossier, copied, outputs, require_same_bytes, verify

pytestmark = pytest.mark.workflow

TRIAL = "fm_crossover_synthetic"


def test_trials_alone_have_a_report_with_the_same_bytes_elsewhere(root, tmp_path):
    dossier = copied(root, tmp_path / "dossier")
    path = dossier.folder / "config/config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config |= {"trials": [TRIAL]}
    config["tables"] = {"formats": ["html", "csv", "rtf", "docx", "latex"]}
    del config["syntheses"]
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    done = dossier.run()
    assert done.returncode == 0, done.stderr[-4000:]
    assert dossier.parts() == {"trials"}
    another = Dossier(tmp_path / "another folder" / "dossier")
    require_same_bytes(dossier, another, files=40)
    made = {name.rpartition(".")[2] for name in outputs(another)}
    assert {"rtf", "docx", "tex", "csv", "html", "pdf", "svg", "png", "xpt"} <= made


def syntheses_alone(root, folder):
    """Run a dossier of two syntheses; the second has nothing to pool."""
    dossier = copied(root, folder)
    path = dossier.folder / "config/config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    syntheses = ["fibromyalgia_discontinuations", "arthritis"]
    config |= {"trials": [], "syntheses": syntheses}
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    done = dossier.run()
    assert done.returncode == 0, done.stderr[-4000:]
    return dossier


def test_syntheses_alone_have_a_report(root, tmp_path):
    assert syntheses_alone(root, tmp_path / "dossier").parts() == {"syntheses"}


@pytest.mark.validation
def test_verification_names_what_an_edited_number_changes(root, tmp_path):
    """Of this dossier; every run does so in small, in test_verify.py."""
    working = syntheses_alone(root, tmp_path / "two syntheses")
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
    assert "results/estimates/synthesis/arthritis.parquet" not in changed.stdout
