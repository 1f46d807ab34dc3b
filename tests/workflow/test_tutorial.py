"""docs/tutorial.md says what its commands print; a script makes its data."""

import gzip
import importlib.util
import re
from pathlib import Path

import pytest

from trialstats import io
from trialstats.simulation.tutorial import tutorial_files

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
FILES = tutorial_files()


def script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"scripts/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


writing = script("write_tutorial")


def unpacked(content, name):
    # Compressed bytes differ between builds of the compressor, their content not.
    return gzip.decompress(content) if name.endswith(".gz") else content


@pytest.mark.parametrize("name", FILES)
def test_the_script_makes_the_committed_data(name):
    committed = (ROOT / "docs/tutorial" / name).read_bytes()
    assert unpacked(FILES[name], name) == unpacked(committed, name)


def test_no_other_file_is_committed_as_data():
    folder = ROOT / "docs/tutorial/data"
    found = {
        p.relative_to(folder.parent).as_posix()
        for p in folder.rglob("*")
        if p.is_file()
    }
    assert found == set(FILES)


def test_the_pieces_of_configuration_are_those_of_the_file():
    finished = ROOT / "docs/tutorial/config/trials/migraine.yaml"
    whole = finished.read_text(encoding="utf-8")
    pieces = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert len(pieces) >= 5
    for piece in pieces:
        assert piece in whole


def test_the_page_says_what_the_commands_print(tmp_path):
    folder = writing.prepared(tmp_path)
    assert writing.rewritten(TEXT, folder) == TEXT
    results = folder / "docs/tutorial/results"
    assert (results / "report.html").stat().st_size > 10_000
    rows = io.read_table(results / "estimates/trial/migraine/migraine_days.parquet")
    last = rows[(rows["statistic"] == "difference") & (rows["visit"] == "Month 3")]
    # Of 6 to 13 days, 9.5 in the middle, the drug takes 35 % away and placebo 15 %.
    assert last["ci_lower"].item() < -0.2 * 9.5 < last["ci_upper"].item()
    mended = (folder / "docs/tutorial/config/trials/first_try.yaml").read_bytes()
    assert mended == (ROOT / "docs/tutorial/config/trials/migraine.yaml").read_bytes()


def test_a_shortened_output_keeps_the_order_and_marks_what_is_left_out():
    lines = ["a", "b1", "b2", "c", "d"]
    assert writing.shortened(lines, "b2..c") == ["...", "b2", "c", "..."]
    with pytest.raises(SystemExit, match="no line"):
        writing.shortened(lines, "x")
