"""The step that writes the report gives each trial its own figures."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def step(monkeypatch):
    """Return the script with its reading and writing taken away."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    place = SCRIPTS / "write_report.py"
    spec = importlib.util.spec_from_file_location("write_report", place)
    module = importlib.util.module_from_spec(spec)
    # The guard of a script compares __name__ with "__main__": nothing runs here.
    spec.loader.exec_module(module)
    empty = pd.DataFrame({"trial": pd.Series(dtype="str")})
    monkeypatch.setattr(module.io, "read_table", lambda path, schema: empty)
    monkeypatch.setattr(module.io, "write_text", lambda text, path: None)
    monkeypatch.setattr(module, "read_figure", lambda path: Path(path).stem)
    monkeypatch.setattr(module, "installed_versions", lambda _: {})
    monkeypatch.setattr(module, "file_digests", lambda data: {})
    monkeypatch.setattr(module, "write_report", lambda content: "")
    monkeypatch.setattr(module, "bibtex", lambda references: "")
    yield module
    sys.modules.pop("_step", None)


def test_a_trial_whose_name_begins_that_of_another_keeps_its_own_figures(
    step, monkeypatch
):
    seen = []

    def build_content(config, trials, syntheses, **others):
        seen.extend(trials)
        return SimpleNamespace(references=())

    monkeypatch.setattr(step, "build_content", build_content)
    names = ["pain", "pain_follow_up"]
    step.main(
        estimates=["a.parquet"],
        steps=["a", "b"],
        changes=["a", "b"],
        dictionaries=["a", "b"],
        queries=["a", "b"],
        set_aside=["a", "b"],
        adsl=["a", "b"],
        bds=["a", "b"],
        adae=["a", "b"],
        adtte=["a", "b"],
        trial_figures=[
            f"results/figures/{name}_{figure}.svg"
            for name, figure in (
                ("pain", "profile"),
                ("pain", "account"),
                ("pain_follow_up", "account"),
            )
        ],
        syntheses=[],
        forests=[],
        further_figures=[],
        certainty="c",
        published_trials="t",
        published_effects="e",
        published_warnings="w",
        evidence="m",
        evidence_figure="m.svg",
        agreement=["a"],
        data=[],
        page="report.html",
        bibliography="report.bib",
        config={},
        trials=[{"id": name} for name in names],
        configs=[],
        figures=[2, 1],
        further={},
    )
    assert [m.figures for m in seen] == [
        ("pain_profile", "pain_account"),
        ("pain_follow_up_account",),
    ]
