"""Whole runs of the pipeline that several tests share."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest
from dossier import Dossier, one_of_each_kind

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this folder first: they are the longest."""
    items.sort(key=lambda item: not item.path.is_relative_to(HERE))


@pytest.fixture(scope="session")
def finished(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Dossier:
    """Return a dossier after one whole run; tests do not change it.

    Processes that share the tests share the run: the first makes it, the others wait.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, done = shared / "first" / "dossier", shared / "first.done"
    with (shared / "first.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            ended = one_of_each_kind(root, folder).run()
            assert ended.returncode == 0, ended.stderr[-4000:]
            done.touch()
    return Dossier(folder)


@pytest.fixture
def working(finished: Dossier, tmp_path: Path) -> Dossier:
    """Return a finished dossier that a test may change."""
    folder = tmp_path / "working copy"
    shutil.copytree(finished.folder, folder)
    return Dossier(folder)
