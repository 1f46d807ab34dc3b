"""The command ``check``: what it prints, and the code that it ends with."""

import pytest
import yaml

from tests.library.clean.spoilt_dossiers import PEOPLE, dossier, settings
from trialstats.__main__ import main

#: Keys of config/config.yaml that name nothing to look at.
MAIN = {"title": "A dossier", "trials": ["spoilt"], "syntheses": []}


def test_a_good_trial_ends_with_0(tmp_path, capsys):
    path = dossier(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert main(["check", str(path)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == "1 trial: 6 sources, 18 rows: ok"
    assert sorted(tmp_path.rglob("*")) == before


def test_a_bad_trial_ends_with_1_and_its_problems(tmp_path, capsys):
    people = PEOPLE.replace("kg,F", "kg,female")
    assert main(["check", str(dossier(tmp_path, {"people.csv": people}))]) == 1
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith("data/raw/people.csv, row 2, column 'sex', value 'female'")
    assert second.startswith("data/raw/people.csv, row 4, column 'sex', value 'female'")
    assert last == "1 trial: 6 sources, 18 rows: 2 problems"


def test_files_are_read_though_the_names_are_wrong(tmp_path, capsys):
    config = settings(date_order=["TRTSDT", "NODT"])
    path = dossier(tmp_path, {"scores.csv": ""}, config=config)
    assert main(["check", str(path)]) == 1
    name, empty, *rest = capsys.readouterr().out.splitlines()
    assert empty.startswith("data/raw/scores.csv: the file is empty")
    assert [name, *rest] == [
        "config/trials/spoilt.yaml, at date_order: no date 'NODT'; did you mean "
        "'EOSDT'?",
        "config/trials/spoilt.yaml: the values are checked when its names are right",
        "1 trial: 6 sources, 13 rows: 2 problems",
    ]


def test_a_file_that_is_missing(tmp_path, capsys):
    path = dossier(tmp_path)
    (tmp_path / "data/raw/wide.csv").rename(tmp_path / "data/raw/wide2.csv")
    assert main(["check", str(path)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0] == (
        "config/trials/spoilt.yaml, at sources.wide.file: there is no file "
        "'data/raw/wide.csv'; put it there, or mend the name: did you mean "
        "'wide2.csv'?"
    )
    assert len(told) == 2


@pytest.mark.parametrize("name", ["config/config.yaml", ".", "config/trials"])
def test_a_dossier_or_a_folder_of_trials(tmp_path, capsys, name):
    dossier(tmp_path)
    main_file = tmp_path / "config/config.yaml"
    main_file.write_text(yaml.safe_dump(MAIN), encoding="utf-8")
    assert main(["check", str(tmp_path / name)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("6 sources, 18 rows: ok")


def test_nothing_to_check_is_one_line_and_1(tmp_path, capsys):
    assert main(["check", str(tmp_path / "none.yaml")]) == 1
    assert capsys.readouterr().err == (
        f"error: {tmp_path / 'none.yaml'}: there is no such file or folder\n"
    )
    assert main(["check", str(tmp_path)]) == 1
    assert (
        "holds neither config/config.yaml nor a file .yaml" in capsys.readouterr().err
    )


def test_a_wrong_call_ends_with_2(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["check"])
    assert caught.value.code == 2
    assert "CONFIG" in capsys.readouterr().err


def test_yaml_that_cannot_be_read(tmp_path, capsys):
    path = dossier(tmp_path)
    path.write_text("trial: [", encoding="utf-8")
    assert main(["check", str(path)]) == 1
    told = capsys.readouterr().out
    assert told.startswith("config/trials/spoilt.yaml, line 1: not readable as YAML")
