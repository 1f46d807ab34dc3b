"""A configuration and its data come from anybody: they run and read nothing else.

What must not happen would leave a file; the tests look for it.
"""

import os
import xml.etree.ElementTree as ElementTree

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import yaml

from tests.library.clean.spoilt_dossiers import (
    CONFIG,
    PEOPLE,
    RAW,
    SCORES,
    archive,
    dossier,
    found,
    settings,
)
from tests.library.config.bad_trials import FILE
from trialstats import io
from trialstats.commands.check import check
from trialstats.config.loading import load_yaml, read_trial
from trialstats.errors import ConfigError
from trialstats.expressions import condition, value
from trialstats.figures.render import render

ATTACKS = (
    "__import__('os').system('touch HACKED')",
    "eval('1')",
    "exec('x = 1')",
    "open('HACKED', 'w')",
    "().__class__.__bases__[0].__subclasses__()",
    "arm.__class__",
    "arm['x']",
    "(lambda: 1)()",
    "[x for x in (1, 2)]",
    "(x := 5) > 1",
    "f'{arm}' == 'A'",
    "arm @ arm == 1",
    "getattr(arm, 'x') == 1",
    "globals() == 1",
    "breakpoint()",
    "compile('1', 'x', 'eval') == 1",
    "print(arm) == 1",
    "`arm` == 'A'",
    "arm == 'A'; import os",
    "import os",
    "yield arm",
    "await arm",
    "*arm",
    "**arm",
    "arm == b'A'",
    "...",
    "10 ** 10 ** 10 > 1",
    "'a' * 1000000000 == arm",
    "1 << 1000000 > 1",
    "(" * 500 + "arm" + ")" * 500,
    "not " * 5000 + "present(arm)",
    " and ".join(["present(arm)"] * 20_000),
    "arm == '" + "x" * 10_000_000,
    "arm == 'A'\0",
    "ａrm == 'A' or __ｉmport__('os')",
)


@pytest.fixture(autouse=True)
def nothing_happens(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    assert not (tmp_path / "HACKED").exists()


@pytest.mark.parametrize("text", ATTACKS, ids=lambda text: text[:30])
def test_an_expression_runs_nothing(text):
    frame = pd.DataFrame({"arm": ["A", "B"]})
    with pytest.raises(ConfigError):
        value(text, frame)
    with pytest.raises(ConfigError) as caught:
        condition(text, frame)
    # A message can be read: it repeats the beginning of what is long.
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize("text", ATTACKS[:10])
def test_an_expression_in_a_trial_is_refused_with_its_place(tmp_path, text):
    path = dossier(tmp_path, config=settings(analysis_sets={"ITT": text}))
    _, problems = read_trial(tmp_path, path.relative_to(tmp_path).as_posix())
    assert problems[0].startswith(
        "config/trials/spoilt.yaml, at analysis_sets.ITT: expression "
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: !!python/object/apply:os.system ['touch HACKED']", "line 1: .*python/obj"),
        ("a: !!python/name:os.system", "line 1: not readable"),
        ("a: !!python/object/new:os.system [touch HACKED]", "line 1: not readable"),
        ("!!python/module:os", "line 1: not readable"),
        ("a: !include /etc/passwd", "line 1: not readable"),
        ("a: &a [*a]", "an alias contains itself"),
        ("a: &a {b: *a}", "an alias contains itself"),
        ("a: " + "[" * 20_000, "not readable|nested too deeply"),
        ("a: " + "[" * 5_000 + "]" * 5_000, "nested too deeply"),
        ("a: " + "9" * 6_000, "put the value in quotes"),
        ("a: 2024-13-45", "put the value in quotes"),
        ("a: *b", "line 1: .*undefined alias"),
        ("a: 1\n---\nb: 2", "line 2: .*single document|line 2"),
    ],
    ids=lambda text: text[:30],
)
def test_yaml_runs_nothing_and_ends(tmp_path, text, says):
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=says) as caught:
        load_yaml(path)
    assert str(caught.value).startswith(str(path))


def test_aliases_that_multiply_are_refused(tmp_path):
    # Ten lines come to 10 ** 9 values.
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    path = tmp_path / "a.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ConfigError, match="aliases come to more than 200,000 values"):
        load_yaml(path)


def test_merges_that_multiply_are_refused(tmp_path):
    lines = ["a0: &a0 {k: v}"]
    lines += [
        f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 9)
    ]
    path = tmp_path / "a.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ConfigError, match="aliases come to more than 200,000 values"):
        load_yaml(path)


# --- files ------------------------------------------------------------------


@pytest.fixture
def elsewhere(tmp_path):
    """Return a folder of secrets beside the dossier."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "scores.csv").write_text(SCORES, encoding="utf-8")
    return folder


def linked(tmp_path, target):
    """Return a dossier whose scores are a link."""
    path = dossier(tmp_path / "dossier")
    scores = tmp_path / "dossier" / RAW / "scores.csv"
    scores.unlink()
    scores.symlink_to(target)
    return path


def test_a_link_out_of_the_data_is_refused_and_not_read(tmp_path, elsewhere):
    told = check(linked(tmp_path, elsewhere / "scores.csv"))
    assert told.problems == [
        "config/trials/spoilt.yaml, at sources.scores.file: 'data/raw/scores.csv' is a "
        "link out of the folder of the data; put the file itself below data/, or name "
        "the folder that it leads to in the environment variable TRIALSTATS_DATA"
    ]
    assert told.rows == 18 - 5


def test_a_folder_that_is_a_link_out_is_refused(tmp_path, elsewhere):
    path = dossier(tmp_path / "dossier")
    raw = tmp_path / "dossier" / RAW
    raw.rename(tmp_path / "moved")
    raw.symlink_to(tmp_path / "moved")
    told = check(path)
    assert len(told.problems) == 6
    assert told.rows == 0


def test_the_folder_of_the_data_itself_is_no_link_out(tmp_path):
    path = dossier(tmp_path / "dossier")
    (tmp_path / "dossier/data").rename(tmp_path / "moved")
    (tmp_path / "dossier/data").symlink_to(tmp_path / "moved")
    assert len(check(path).problems) == 6


def test_the_environment_names_further_folders(tmp_path, elsewhere, monkeypatch):
    path = linked(tmp_path, elsewhere / "scores.csv")
    folders = os.pathsep.join([str(tmp_path / "other"), str(elsewhere)])
    monkeypatch.setenv("TRIALSTATS_DATA", folders)
    assert check(path).problems == []


def test_a_folder_of_a_similar_name_is_another(tmp_path, elsewhere, monkeypatch):
    path = linked(tmp_path, elsewhere / "scores.csv")
    monkeypatch.setenv("TRIALSTATS_DATA", str(elsewhere)[:-1])
    assert len(check(path).problems) == 1


def test_a_link_within_the_data_is_followed(tmp_path):
    path = dossier(tmp_path / "dossier")
    scores = tmp_path / "dossier" / RAW / "scores.csv"
    scores.rename(scores.with_name("real.csv"))
    scores.symlink_to("real.csv")
    assert check(path).problems == []


def test_a_link_to_itself_is_refused(tmp_path):
    path = linked(tmp_path, "scores.csv")
    (problem,) = check(path).problems
    assert "scores.csv'" in problem


@pytest.mark.parametrize("file", ["../../etc/passwd", "/etc/passwd", "data/../../x"])
def test_a_path_that_leads_out_is_not_read(tmp_path, file):
    source = {"file": file, "key": ["id", "day"]}
    told = found(tmp_path, {}, sources__scores=source)
    assert all("write" in problem for problem in told.problems)
    assert told.rows == 18 - 5


def test_a_folder_is_no_file(tmp_path):
    source = {"file": RAW, "key": ["id", "day"]}
    (problem,) = found(tmp_path, {}, sources__scores=source).problems
    assert "there is no file 'data/raw'" in problem


def test_a_member_of_an_archive_is_written_nowhere(tmp_path):
    source = {"file": f"{RAW}/s.zip", "key": ["id", "day"]}
    content = archive(**{"../../../../HACKED": SCORES})
    told = found(tmp_path / "dossier", {"s.zip": content}, sources__scores=source)
    assert told.problems == []
    assert not list(tmp_path.rglob("HACKED*"))


# --- what is printed --------------------------------------------------------


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_formula_in_a_cell_is_text_in_what_is_written(tmp_path, text):
    io.write_csv(pd.DataFrame({"term": [text], text: ["x"]}), tmp_path / "t.csv")
    content = (tmp_path / "t.csv").read_bytes().decode()
    assert f"'{text}" in content.replace('"', "")
    assert content.count(text) == content.count(f"'{text}")


def test_a_label_in_a_figure_is_no_markup():
    figure, axes = plt.subplots()
    axes.set_title("<script>alert(1)</script>")
    hostile = "</title><script>alert(1)</script>"
    svg = render(figure, "svg", title=hostile, alt=hostile).decode("utf-8")
    plt.close(figure)
    assert "<script" not in svg
    title = ElementTree.fromstring(svg).find("{http://www.w3.org/2000/svg}title")
    assert title.text == hostile


def test_labels_of_a_trial_reach_the_messages_as_text(tmp_path):
    path = dossier(tmp_path, {"people.csv": PEOPLE.replace("01,A", "01,<script>")})
    (problem,) = check(path).problems
    assert "value '<script>': unknown label" in problem


def test_the_name_of_a_file_is_no_path_of_another(tmp_path):
    # The message names the file as the configuration does, wherever the dossier is.
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_text(yaml.safe_dump({**CONFIG, "design": "x"}))
    _, problems = read_trial(tmp_path, FILE)
    assert all(problem.startswith(FILE) for problem in problems)
    assert str(tmp_path) not in "".join(problems)
