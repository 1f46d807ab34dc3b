"""Whole runs of the pipeline that several tests share."""

import shutil
from pathlib import Path

import pytest
from dossier import Dossier, copied


HERE = Path(__file__).resolve().parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this folder first and in one process: they share a whole run."""
    items.sort(key=lambda item: not item.path.is_relative_to(HERE))
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.xdist_group("workflow"))


@pytest.fixture(scope="session")
def finished(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Dossier:
    """Return a dossier after one whole run; tests do not change it."""
    dossier = copied(root, tmp_path_factory.mktemp("first") / "dossier")
    done = dossier.run()
    assert done.returncode == 0, done.stderr[-4000:]
    return dossier


@pytest.fixture
def working(finished: Dossier, tmp_path: Path) -> Dossier:
    """Return a finished dossier that a test may change."""
    folder = tmp_path / "working copy"
    shutil.copytree(finished.folder, folder)
    return Dossier(folder)
