"""Tables written out in a test, as `describe` receives them."""

from pathlib import Path

import pytest

from trialstats.commands.describe import received
from trialstats.describe import describe


@pytest.fixture
def draft_of(tmp_path):
    """Return a function that drafts files given as name to text."""

    def made(files, trial="back_pain"):
        paths = []
        for name, text in files.items():
            path = tmp_path / "data/raw/back_pain" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            paths.append(path)
        return describe([t for path in paths for t in received(str(path))], trial=trial)

    return made


@pytest.fixture(scope="session")
def shipped(root):
    """Return the folder of the configurations shipped for the published trials."""
    return Path(root) / "config/examples/trials/config/trials"
