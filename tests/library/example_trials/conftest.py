"""The example trials from configuration alone, and what their publications print."""

import json
from functools import cache

import pytest

from trialstats.analyses.trial import analyse_trial
from trialstats.clean.files import read_sources
from trialstats.clean.trial import clean_trial
from trialstats.config.loading import load_project
from trialstats.formatting import format_number
from trialstats.records import one, records


class Results:
    """One example: its configuration, its datasets and the rows of its analyses."""

    def __init__(self, config, clean, rows):
        self.config, self.clean = config, clean
        self.rows = {name: records(frame) for name, frame in rows.items()}

    def row(self, analysis, **conditions):
        """Return the one row of an analysis that fits."""
        found = one(self.rows[analysis], **conditions)
        assert found is not None, (analysis, conditions)
        return found

    def value(self, analysis, **conditions):
        return self.row(analysis, **conditions)["estimate"]


class Printed:
    """The printed cells of one data set, and how ours are held against them."""

    def __init__(self, cells):
        self.cells = cells

    def of(self, table):
        found = [cell for cell in self.cells if cell["table"] == table]
        assert found, table
        return found

    def compare(self, table, ours, *, n_cells, excepted=()):
        """Assert that ours has every cell of a table as printed, but those excepted.

        An excepted cell must differ: one that agrees is no exception.
        """
        found = self.of(table)
        assert len(found) == n_cells
        wrong = []
        for cell in found:
            key = (cell["section"], cell["row"], cell["column"])
            text = cell["printed"].strip()
            if (ours[key] == text) == (key in excepted):
                wrong.append((key, text, ours[key]))
        assert wrong == []
        keys = {(c["section"], c["row"], c["column"]) for c in found}
        assert set(excepted) <= keys

    def compare_digits(self, table, ours, *, n_cells, excepted=()):
        """Compare numbers, each with as many decimals as its cell has."""
        texts = {
            (cell["section"], cell["row"], cell["column"]): with_digits(
                ours[cell["section"], cell["row"], cell["column"]],
                cell["printed"].strip(),
            )
            for cell in self.of(table)
        }
        self.compare(table, texts, n_cells=n_cells, excepted=excepted)


def with_digits(value, text):
    """Write a number with as many decimals as a printed cell, ``<.0001`` included."""
    if text.startswith("<"):
        return text if value < float(text[1:]) else format_number(value, 4)
    if "e" in text:
        digits = len(text.partition("e")[0].partition(".")[2])
        return f"{value:.{digits}e}"
    return format_number(value, len(text.partition(".")[2]))


@pytest.fixture(scope="session")
def dossier(root, shared, tmp_path_factory):
    """Return the folder in which the examples find their data."""
    folder = tmp_path_factory.mktemp("trials")
    (folder / "config").symlink_to(root / "config/examples/trials/config")
    (folder / "data").mkdir()
    (folder / "data/raw").symlink_to(shared / "trials")
    return folder


@pytest.fixture(scope="session")
def configs(dossier):
    return load_project(dossier).trials


@pytest.fixture(scope="session")
def example(dossier, configs):
    """Return the results of an example by its name, computed once."""

    @cache
    def of(name):
        config = configs[name]
        clean = clean_trial(config, read_sources(config, root=dossier))
        datasets = (clean.adsl, clean.bds, clean.adae, clean.adtte)
        return Results(config, clean, analyse_trial(config, *datasets))

    return of


@pytest.fixture(scope="session")
def printed(shared):
    cells = json.loads((shared / "trials" / "expected.json").read_text())

    def of(dataset):
        return Printed([cell for cell in cells if cell["dataset"] == dataset])

    return of
