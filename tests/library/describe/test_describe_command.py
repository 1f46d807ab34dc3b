"""``python -m trialstats describe``, and drafts of the simulated trials."""

import pytest
import yaml

from trialstats.__main__ import main
from trialstats.commands.describe import received
from trialstats.config.checking import check
from trialstats.config.loading import SCHEMAS
from trialstats.describe import describe, edits

WRITTEN = "patient,group,crp\n" + "".join(
    f"P{i:02d},{'AB'[i % 2]},{i}.5\n" for i in range(20)
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "data/raw/back_pain/people.csv"
    path.parent.mkdir(parents=True)
    path.write_text(WRITTEN, encoding="utf-8")
    return path


def test_a_draft_is_printed(file, capsys):
    assert main(["describe", str(file)]) == 0
    draft = yaml.safe_load(capsys.readouterr().out)
    assert draft["trial"] == "BACK-PAIN"
    assert draft["sources"]["people"]["file"] == "data/raw/back_pain/people.csv"


def test_a_draft_is_written_and_overwrites_nothing(file, tmp_path, capsys):
    out = tmp_path / "draft.yaml"
    command = ["describe", str(file), "--trial", "Neck", "--output", str(out)]
    assert main(command) == 0
    assert yaml.safe_load(out.read_text("utf-8"))["trial"] == "NECK"
    assert main(command) == 1
    assert "a draft overwrites nothing" in capsys.readouterr().err


def test_an_error_is_one_line(tmp_path, capsys):
    assert main(["describe", str(tmp_path / "absent.csv")]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert "absent.csv" in said.err


def test_wrong_usage_ends_with_2_and_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["describe"])
    assert caught.value.code == 2
    with pytest.raises(SystemExit):
        main(["describe", "--help"])
    assert "python -m trialstats describe data/raw/" in capsys.readouterr().out


#: Edits from the draft to the configuration of a simulated trial, its analyses left
#: out. Names of arms, labels, units, ranges, corrections and flags stand in no file.
SIMULATED = {
    "crohn_parallel_synthetic": 47,
    "fm_crossover_synthetic": 34,
    "fm_parallel_synthetic": 37,
}


@pytest.mark.parametrize("trial", sorted(SIMULATED))
def test_a_draft_of_a_simulated_trial_is_near_its_configuration(root, trial):
    folder = root / "data/raw" / trial
    files = [
        table
        for path in sorted(folder.iterdir())
        if path.suffix in (".csv", ".xlsx")
        for table in received(str(path.relative_to(root)))
    ]
    draft = describe(files)
    schema = yaml.safe_load((SCHEMAS / "trial.schema.yaml").read_text("utf-8"))
    check(draft.config, schema, file=trial)
    path = root / f"config/trials/{trial}.yaml"
    target = yaml.safe_load(path.read_text("utf-8"))
    assert draft.config["data_status"] == "synthetic"
    assert set(draft.config["sources"]) == set(target["sources"])
    for name, source in target["sources"].items():
        drafted = draft.config["sources"][name]
        assert drafted["file"] == source["file"]
        assert drafted["key"] == source["key"]
    assert draft.config["adae"] == target["adae"]
    found = edits(
        {k: v for k, v in draft.config.items() if k != "analyses"},
        {k: v for k, v in target.items() if k != "analyses"},
    )
    assert len(found) <= SIMULATED[trial], found
