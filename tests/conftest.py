"""Fixtures that every test may use."""

import os
from pathlib import Path

import hypothesis
import pytest

# No example is too slow: how long one takes depends on what else the machine does.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of reference data that may not be committed.

    Absent: skip, except under CI=true, where it is always there and its absence
    means that nothing was compared.
    """
    place = Path(os.environ.get("TRIALSTATS_SHARED", ROOT.parent / "shared"))
    if not (place / "reference").is_dir():
        message = f"reference data absent: {place} (set TRIALSTATS_SHARED)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return place
