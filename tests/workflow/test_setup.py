"""The environment: found, made, recognised as complete or not."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASE_PYTHON = getattr(sys, "_base_executable", None) or sys.executable


@pytest.fixture(scope="module")
def set_up():
    path = ROOT / "scripts/set_up_environment.py"
    spec = importlib.util.spec_from_file_location("set_up_environment", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path):
    """Return a repository with locks that need nothing, in a folder with a space."""
    place = tmp_path / "my trials"
    (place / "scripts").mkdir(parents=True)
    for name in ("set_up_environment.py", "with_python.sh"):
        shutil.copy(ROOT / "scripts" / name, place / "scripts")
    for name in ("requirements.lock", "requirements-dev.lock"):
        (place / name).write_text("# nothing\n", encoding="utf-8")
    return place


def command_in(place, name, text):
    """Write a command of the given text into a folder for PATH."""
    (place / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    (place / name).chmod(0o755)


def run_set_up(folder, lock, **environment):
    return subprocess.run(
        ["sh", "scripts/with_python.sh", "scripts/set_up_environment.py", lock],
        cwd=folder,
        env={**os.environ, "PYTHON": BASE_PYTHON, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_makes_the_environment_once_and_by_pip_when_uv_fails(folder, tmp_path, set_up):
    pytest.importorskip("ensurepip")
    (tmp_path / "bin").mkdir()
    command_in(tmp_path / "bin", "uv", "echo 'uv: no' >&2; exit 2")
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"

    first = run_set_up(folder, "requirements-dev.lock", PATH=path)
    assert first.returncode == 0, first.stderr
    assert "trying pip" in first.stdout
    assert "environment ready: .venv (pip" in first.stdout
    # The second lock holds the first, so one installation serves both.
    for lock in ("requirements-dev.lock", "requirements.lock"):
        again = run_set_up(folder, lock, PATH=path)
        assert (again.returncode, again.stdout) == (0, "")

    moved = folder.with_name("moved away")
    folder.rename(moved)
    assert set_up.complete_locks(moved) == ()
    moved.rename(folder)
    assert set_up.complete_locks(folder) == (
        "requirements-dev.lock",
        "requirements.lock",
    )

    # A package that cannot be had: no stamp may say that the environment is complete.
    (folder / "requirements.lock").write_text(
        f"no-such-package==1 --hash=sha256:{'0' * 64}\n", encoding="utf-8"
    )
    failed = run_set_up(folder, "requirements.lock", PATH=path, PIP_NO_INDEX="1")
    assert failed.returncode == 1
    assert "requirements.lock could not be installed" in failed.stderr
    assert not (folder / ".venv" / set_up.STAMP).exists()


@pytest.fixture
def stamped(folder, set_up, monkeypatch):
    (folder / ".venv").mkdir()
    monkeypatch.setattr(set_up, "interpreter", lambda root: "3.11.7 here")
    set_up.write_stamp(folder, "requirements.lock")
    return folder


def test_a_complete_environment_is_recognised(stamped, set_up):
    assert set_up.complete_locks(stamped) == ("requirements.lock",)


@pytest.mark.parametrize("identity", ["3.12.1 here", "3.11.7 elsewhere", None])
def test_another_python_or_place_is_not_taken_for_it(
    stamped, set_up, monkeypatch, identity
):
    monkeypatch.setattr(set_up, "interpreter", lambda root: identity)
    assert set_up.complete_locks(stamped) == ()


def test_a_changed_lock_or_an_unfinished_stamp_is_not_taken_for_it(stamped, set_up):
    stamp = stamped / ".venv" / set_up.STAMP
    whole = stamp.read_text(encoding="utf-8")
    stamp.write_text(whole[:20], encoding="utf-8")
    assert set_up.complete_locks(stamped) == ()
    stamp.write_text(whole, encoding="utf-8")
    (stamped / "requirements.lock").write_text("changed\n", encoding="utf-8")
    assert set_up.complete_locks(stamped) == ()
    assert set(json.loads(whole)["locks"]) == {"requirements.lock"}


def test_without_venv_the_message_names_the_remedy(folder, set_up, monkeypatch):
    monkeypatch.setattr(set_up, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"apt install\s+python3-venv"):
        set_up.install_with_pip(folder, "requirements.lock", fresh=True)


def test_an_unsuitable_python_is_refused_with_what_was_found(folder, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sh", "tail"):
        (tools / tool).symlink_to(shutil.which(tool))
    command_in(tools, "python3", 'test "$1" = --version && echo Python 3.9.2; exit 1')
    old = run_set_up(folder, "requirements.lock", PATH=str(tools), PYTHON="")
    assert old.returncode == 1
    assert "needs Python 3.11 or newer" in old.stderr
    assert "found: Python 3.9.2" in old.stderr
    absent = run_set_up(folder, "requirements.lock", PYTHON="/no/such/python")
    assert absent.returncode == 1
    assert "Looked for: /no/such/python" in absent.stderr
