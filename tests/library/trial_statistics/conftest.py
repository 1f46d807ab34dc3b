"""Printed cells, the data sets behind them, and how reports write numbers."""

import json

import pandas as pd
import pytest

from trialstats.formatting import format_number

#: Column of the CDISC report -> arm in its data sets.
ARMS = {
    "Placebo": "Placebo",
    "Xan Low": "Xanomeline Low Dose",
    "Xan High": "Xanomeline High Dose",
}


class Printed:
    """The printed cells of one data set, and how ours are held against them."""

    def __init__(self, cells):
        self.cells = cells

    def compare(self, table, ours, excepted=()):
        """Return cells of a table that ours does not reproduce; none may be absent."""
        found = [cell for cell in self.cells if cell["table"] == table]
        assert found, table
        wrong = []
        for cell in found:
            key = (cell["section"], cell["row"], cell["column"])
            text = cell["printed"].strip()
            if (ours[key] == text) == (key in excepted):
                wrong.append((key, text, ours[key]))
        assert set(excepted) <= {(c["section"], c["row"], c["column"]) for c in found}
        return wrong

    def count(self, table):
        return sum(cell["table"] == table for cell in self.cells)


@pytest.fixture(scope="session")
def printed(shared):
    cells = json.loads((shared / "trials" / "expected.json").read_text())

    def of(dataset):
        return Printed([cell for cell in cells if cell["dataset"] == dataset])

    return of


@pytest.fixture(scope="session")
def trials(shared):
    return shared / "trials"


@pytest.fixture(scope="session")
def adsl(trials):
    """Return the subjects of the CDISC pilot study, arms in the report's order."""
    frame = pd.read_sas(trials / "cdiscpilot01" / "adsl.xpt", encoding="utf-8")
    return frame.assign(ARM=pd.Categorical(frame["TRT01P"], list(ARMS.values())))


def n_percent(count, size, *, bare_zero=False):
    """Write ``8 ( 10%)`` as the CDISC report does; below half a per cent ``<1%``."""
    if bare_zero and count == 0:
        return "0"
    share = 100 * count / size
    text = "<1" if bare_zero and 0 < share < 0.5 else format_number(share, 0)
    return f"{count} ({text if len(text) > 2 else f' {text}'}%)"


def p_text(p, digits=4):
    """Write a p-value as SAS does: no zero before the point of the smallest."""
    if p < 10.0**-digits:
        return f"<.{'0' * (digits - 1)}1"
    return format_number(p, digits)


@pytest.fixture(scope="session")
def write():
    """Return the writers of the report: conftest is no module to import from."""

    class Writers:
        arms = ARMS

    Writers.n_percent = staticmethod(n_percent)
    Writers.p = staticmethod(p_text)
    return Writers
