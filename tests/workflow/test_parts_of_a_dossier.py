"""A dossier of trials alone, and one of syntheses alone, come to their report."""

import pytest
import yaml
from dossier import Dossier, copied, outputs, require_same_bytes

pytestmark = pytest.mark.workflow

TRIAL = "fm_crossover_synthetic"


@pytest.mark.parametrize(
    ("trials", "syntheses", "section"),
    [([TRIAL], None, 'id="trials"'), ([], ["arthritis"], 'id="syntheses"')],
    ids=["trials alone", "syntheses alone"],
)
def test_a_part_of_a_dossier_has_a_report(root, tmp_path, trials, syntheses, section):
    dossier = copied(root, tmp_path / "dossier")
    path = dossier.folder / "config/config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config |= {"trials": trials, "syntheses": syntheses}
    config["tables"] = {"formats": ["html", "csv", "rtf", "docx", "latex"]}
    kept = {key: value for key, value in config.items() if value is not None}
    path.write_text(yaml.safe_dump(kept), encoding="utf-8")
    done = dossier.run()
    assert done.returncode == 0, done.stderr[-4000:]
    page = (dossier.folder / "results/report.html").read_text(encoding="utf-8")
    sections = {name for name in ("trials", "syntheses") if f'id="{name}"' in page}
    assert [f'id="{name}"' for name in sections] == [section]
    if trials:
        another = Dossier(tmp_path / "another folder" / "dossier")
        require_same_bytes(dossier, another, files=40)
        made = {name.rpartition(".")[2] for name in outputs(another)}
        assert {"rtf", "docx", "tex", "csv", "html", "pdf", "svg", "png", "xpt"} <= made
