"""A whole run of the pipeline in a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

#: What a run needs; the same list as the fresh folder of `make verify`.
TRACKED = (
    "Snakefile",
    "workflow",
    "scripts",
    "trialstats",
    "config",
    "data",
    "environment.yml",
    "requirements.lock",
    "pyproject.toml",
)

#: Syntheses of the dossier that the tests share: one of each kind, for time. All of
#: them are pooled in tests/library/synthesis, and run by `make validate`.
KINDS = (
    "pain_across_conditions",
    "fibromyalgia_pain",
    "fibromyalgia_discontinuations",
    "arthritis",
    "crohn_remission",
    "published_reviews",
    "synthetic_fibromyalgia_pain",
)


@dataclass(frozen=True)
class Dossier:
    """A copy of the repository in which Snakemake may run."""

    folder: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake here with two cores."""
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    def planned(self) -> set[str]:
        """Return the jobs that a run would do, as `rule` or `rule:wildcards`."""
        text = self.run("--dry-run").stdout
        jobs = set()
        for block in re.split(r"\n(?=(?:local)?rule )", text):
            name = re.match(r"(?:local)?rule (\w+):", block)
            if name:
                values = re.search(r"^    wildcards: (.*)$", block, re.MULTILINE)
                pairs = re.findall(r"\w+=([\w.]+)", values.group(1)) if values else []
                jobs.add(":".join([name.group(1), *pairs]))
        return jobs

    def parts(self) -> set[str]:
        """Return which parts the report has: trials, syntheses or both."""
        page = (self.folder / "results/report.html").read_text(encoding="utf-8")
        return {name for name in ("trials", "syntheses") if f'id="{name}"' in page}

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a piece of text that stands once in a file."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new), encoding="utf-8")


def environment() -> dict[str, str]:
    """Return the variables under which the pipeline runs."""
    threads = dict.fromkeys(
        ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"
    )
    own = {"PYTHONDONTWRITEBYTECODE": "", "MPLBACKEND": "Agg", "PYTHONHASHSEED": "0"}
    return {**os.environ, **threads, **own}


def copied(root: Path, folder: Path) -> Dossier:
    """Copy what a run needs into an empty folder."""
    folder.mkdir(parents=True)
    for name in TRACKED:
        source = root / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy2(source, folder / name)
    return Dossier(folder)


def one_of_each_kind(root: Path, folder: Path) -> Dossier:
    """Copy what a run needs, with all trials and one synthesis of each kind."""
    dossier = copied(root, folder)
    path = folder / "config/config.yaml"
    text = path.read_text(encoding="utf-8")
    listed = yaml.safe_load(text)["syntheses"]
    assert set(KINDS) < set(listed)
    for name in set(listed) - set(KINDS):
        dossier.edit("config/config.yaml", f"  - {name}\n", "")
    return dossier


def outputs(dossier: Dossier) -> dict[str, bytes]:
    results = dossier.folder / "results"
    return {
        path.relative_to(results).as_posix(): path.read_bytes()
        for path in sorted(results.rglob("*"))
        if path.is_file()
    }


def verify(
    dossier: Dossier, *arguments: str, elsewhere: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Verify a dossier; with a folder `elsewhere`, as on quite another machine."""
    one_core = ("taskset", "--cpu-list", str(min(os.sched_getaffinity(0))))
    chosen = one_core if elsewhere and shutil.which(one_core[0]) else ()
    return subprocess.run(
        [*chosen, sys.executable, "scripts/verify_dossier.py", *arguments],
        cwd=dossier.folder,
        env=environment() | (variables_elsewhere(elsewhere) if elsewhere else {}),
        umask=0o077 if elsewhere else -1,
        capture_output=True,
        text=True,
        check=False,
    )


def variables_elsewhere(folder: Path) -> dict[str, str]:
    """Return variables that no result may depend on, with a locale made in `folder`."""
    varied = {"TZ": "Asia/Kolkata", "PYTHONHASHSEED": "4711", "OMP_NUM_THREADS": "2"}
    # German writes 1,5 for 1.5. Few machines have the locale, most can make it.
    name = "de_DE.UTF-8"
    if shutil.which("localedef"):
        folder.mkdir(parents=True, exist_ok=True)
        command = ["localedef", "-i", "de_DE", "-f", "UTF-8", str(folder / name)]
        subprocess.run(command, capture_output=True, check=False)
    if not (folder / name).is_dir():
        return varied | {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"}
    return varied | {"LC_ALL": name, "LANG": name, "LOCPATH": str(folder)}


def require_same_bytes(first: Dossier, other: Dossier, *, files: int) -> None:
    """Compare a run with one on quite another machine, file by file."""
    same = verify(
        first, "--keep", str(other.folder), elsewhere=other.folder.parent / "locales"
    )
    assert same.returncode == 0, same.stdout + same.stderr
    assert "identical" in same.stdout
    ours, theirs = outputs(first), outputs(other)
    assert set(ours) == set(theirs)
    assert len(ours) > files
    assert [name for name in ours if ours[name] != theirs[name]] == []
