"""Make `.venv` from a lock, unless it is complete already; make runs this first.

Needs only the standard library. uv installs when it is there, otherwise pip, from the
same lock with the same hashes. The stamp inside `.venv` is written last and names the
lock, the interpreter and the folder, so that an environment that is half-finished,
moved, or whose Python has changed is made again.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

STAMP = "complete.json"

#: Lock -> locks that are installed with it, because it holds all their packages.
COVERS = {
    "requirements.lock": ("requirements.lock",),
    "requirements-dev.lock": ("requirements-dev.lock", "requirements.lock"),
}

#: Settings of the user that would send packages somewhere other than `.venv`.
MISLEADING = (
    "PIP_PREFIX",
    "PIP_REQUIREMENT",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONHOME",
    "PYTHONPATH",
)


def main(root: Path, lock: str) -> None:
    """Leave a complete `.venv` in `root`, or exit with a message."""
    venv = root / ".venv"
    installed = complete_locks(root)
    if lock in installed:
        return
    print("setting up the environment (about a minute the first time)", flush=True)
    start = time.monotonic()
    (venv / STAMP).unlink(missing_ok=True)
    tool = install(root, lock, fresh=not installed)
    write_stamp(root, lock)
    print(f"environment ready: .venv ({tool}, {time.monotonic() - start:.0f} s)")


def complete_locks(root: Path) -> tuple[str, ...]:
    """Return the locks that `.venv` holds completely; none when it is to be remade."""
    try:
        stamp = json.loads((root / ".venv" / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    if stamp["interpreter"] != interpreter(root):
        return ()
    if any(digest(root, name) != value for name, value in stamp["locks"].items()):
        return ()
    return tuple(stamp["locks"])


def write_stamp(root: Path, lock: str) -> None:
    """Say that `lock` is installed: the last thing that is done."""
    found = {name: digest(root, name) for name in COVERS.get(lock, (lock,))}
    stamp = {"interpreter": interpreter(root), "locks": found}
    text = json.dumps(stamp, indent=2) + "\n"
    (root / ".venv" / STAMP).write_text(text, encoding="utf-8")


def digest(root: Path, lock: str) -> str | None:
    """Return the SHA-256 of a lock, None when there is no such file."""
    path = root / lock
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def interpreter(root: Path) -> str | None:
    """Return version and place of the Python in `.venv`, None when it does not run."""
    code = "import os, sys; print(sys.version, os.path.realpath(sys.prefix), sep='|')"
    command = [str(root / ".venv/bin/python"), "-I", "-c", code]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return " ".join(answer.stdout.split())


def install(root: Path, lock: str, *, fresh: bool) -> str:
    """Install the packages of `lock`; return the name of the tool that did it."""
    if shutil.which("uv"):
        if install_with_uv(root, lock, fresh=fresh):
            return "uv"
        print("uv did not succeed (its message is above); trying pip", flush=True)
        fresh = True
    install_with_pip(root, lock, fresh=fresh)
    return "pip"


def install_with_uv(root: Path, lock: str, *, fresh: bool) -> bool:
    """Install by uv; return whether it succeeded."""
    inside = str(root / ".venv/bin/python")
    commands = []
    if fresh:
        remove(root / ".venv")
        new = ["uv", "venv", "--quiet", "--python", base_python(), str(root / ".venv")]
        commands.append(new)
    options = ["--quiet", "--require-hashes", "--no-deps", "--python", inside]
    commands.append(["uv", "pip", "install", *options, "-r", str(root / lock)])
    return all(
        subprocess.run(c, cwd=root, env=environment(), check=False).returncode == 0
        for c in commands
    )


def install_with_pip(root: Path, lock: str, *, fresh: bool) -> None:
    """Install by the pip that comes with Python, or exit with a message."""
    inside = root / ".venv/bin/python"
    has_pip = [str(inside), "-c", "import pip"]
    if (
        not fresh
        and subprocess.run(has_pip, capture_output=True, check=False).returncode
    ):
        fresh = True  # uv made this environment, without pip, and uv is gone
    if fresh:
        if not (find_spec("venv") and find_spec("ensurepip")):
            sys.exit(
                f"{base_python()} cannot make virtual environments: its modules venv "
                "and ensurepip are absent.\nInstall them (Debian, Ubuntu: apt install "
                f"python3-venv) or name another Python: make PYTHON=python3.12 …"
            )
        remove(root / ".venv")
        new = [base_python(), "-m", "venv", str(root / ".venv")]
        if subprocess.run(new, env=environment(), check=False).returncode:
            sys.exit("the virtual environment .venv could not be made; see above")
    options = ["--require-hashes", "--no-deps", "--no-compile", "--no-input"]
    options += ["--disable-pip-version-check", "--progress-bar", "off"]
    command = [str(inside), "-m", "pip", "install", *options, "-r", str(root / lock)]
    with subprocess.Popen(
        command,
        cwd=root,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        said = show_progress(process.stdout or ())
    if process.returncode:
        print(*said[-15:], sep="", end="", file=sys.stderr)
        sys.exit(
            f"the packages of {lock} could not be installed; pip's message is above.\n"
            "Check the network and run make again."
        )


def show_progress(lines: Iterable[str]) -> list[str]:
    """Count pip's packages instead of showing its hundreds of lines; return those."""
    fetched, said = 0, []
    for line in lines:
        said.append(line)
        if line.startswith(("Collecting ", "Processing ")):
            fetched += 1
            if fetched % 25 == 0:
                print(f"  {fetched} packages fetched", flush=True)
        elif line.startswith("Installing collected packages"):
            print(f"  {fetched} packages fetched, unpacking them", flush=True)
    return said


def environment() -> dict[str, str]:
    """Return the environment without settings that would misplace packages."""
    kept = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    return kept | {"PIP_ROOT_USER_ACTION": "ignore"}


def base_python() -> str:
    """Return the Python outside any virtual environment: `.venv` may go away."""
    return getattr(sys, "_base_executable", None) or sys.executable


def remove(path: Path) -> None:
    """Remove a folder, or a link to one."""
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


if __name__ == "__main__":
    try:
        if sys.argv[1:] not in ([lock] for lock in COVERS):
            sys.exit(f"usage: set_up_environment.py {{{','.join(COVERS)}}}")
        main(Path(__file__).resolve().parents[1], sys.argv[1])
    except KeyboardInterrupt:
        sys.exit("\nstopped; run make again to finish the environment")
