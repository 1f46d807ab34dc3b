"""Which synthesis depends on which published row."""

import csv
import subprocess
import sys

import pytest

from trialstats.clean.evidence_digest import evidence_digest, rows_used


@pytest.fixture
def texts(root, files):
    """Return the published tables as the workflow reads them."""
    tables = {}
    for name, path in files.items():
        with (root / path).open(encoding="utf-8", newline="") as stream:
            tables[name] = list(csv.DictReader(stream))
    return tables


def changed(texts, every_synthesis, table, find, column, value):
    """Return the syntheses whose digest changes with one cell."""
    before = {k: evidence_digest(c, texts) for k, c in every_synthesis.items()}
    found = [row for row in texts[table] if find.items() <= row.items()]
    assert len(found) == 1
    found[0][column] = value
    after = {k: evidence_digest(c, texts) for k, c in every_synthesis.items()}
    return {k for k in before if before[k] != after[k]}


@pytest.mark.parametrize(
    ("table", "find", "column", "names"),
    [
        (
            "continuous",
            {"trial_id": "INNOVA_FM", "outcome": "pain intensity"},
            "published_diff",
            {"fibromyalgia_pain", "pain_across_conditions"},
        ),
        (
            "binary",
            {"trial_id": "SMITH2011_CD_ADULT", "endpoint": "clinical remission"},
            "events_ldn",
            {"crohn_remission"},
        ),
        (
            "pools",
            {"outcome": "fibromyalgia: pain score"},
            "pooled",
            {"fibromyalgia_pain", "published_reviews"},
        ),
        (
            "trials",
            {"trial_id": "MISCHOULON2017_MDD"},
            "label",
            {"depression_scales"},
        ),
        # A row that never enters: nothing depends on it.
        (
            "binary",
            {"trial_id": "LIE2018_IBD", "outcome": "remission"},
            "events_ldn",
            set(),
        ),
    ],
)
def test_only_the_syntheses_that_use_a_row_change(
    texts, every_synthesis, table, find, column, names
):
    assert changed(texts, every_synthesis, table, find, column, "1") == names


def test_the_rows_are_those_that_enter(texts, every_synthesis):
    used = [
        table for table, _ in rows_used(every_synthesis["fibromyalgia_pain"], texts)
    ]
    assert used == ["trials"] * 2 + ["continuous"] * 2 + ["pools"] * 2


def test_a_missing_column_does_not_stop_the_digest(texts, every_synthesis):
    # The step that builds the tables names it; the workflow must get that far.
    for row in texts["binary"]:
        del row["trial_id"]
    assert evidence_digest(every_synthesis["crohn_remission"], texts)


def test_it_imports_nothing_heavy(root):
    code = (
        "import sys, trialstats.clean.evidence_digest; "
        "print(sorted({'pandas', 'numpy', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
