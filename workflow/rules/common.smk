"""The checked configuration, and what the rules of all stages share."""

import csv
from pathlib import Path

from snakemake.exceptions import WorkflowError

from trialstats.clean.evidence_digest import evidence_digest
from trialstats.config.loading import load_project
from trialstats.config.narrowing import (
    analysis_settings,
    dataset_settings,
    drawing_settings,
    evidence_settings,
    pooling_settings,
)
from trialstats.errors import TrialstatsError
from trialstats.provenance import library_digest

try:
    PROJECT = load_project()
except TrialstatsError as reason:
    raise WorkflowError(str(reason)) from None

TRIALS = list(PROJECT.trials)
SYNTHESES = list(PROJECT.syntheses)
PUBLISHED = PROJECT.config["published"]


wildcard_constraints:
    trial="|".join(TRIALS) or "none",
    synthesis="|".join(SYNTHESES) or "none",


def library(script):
    """Digest the library code that a script reaches: Snakemake does not see it."""
    return library_digest(
        f"scripts/{script}.py", "scripts/_step.py", root=workflow.basedir
    )


def published_cells():
    """Read the published tables as text, to find which rows a synthesis depends on."""
    cells = {}
    for name, path in PUBLISHED.items():
        if Path(path).is_file():
            with open(path, encoding="utf-8-sig", newline="") as stream:
                cells[name] = list(csv.DictReader(stream))
        else:
            cells[name] = []
    return cells


CELLS = published_cells()


def evidence(synthesis):
    """Digest the published rows that a synthesis uses, so that it reruns with them."""
    return evidence_digest(PROJECT.syntheses[synthesis], CELLS)


def labels(wildcards=None):
    """Name every trial as figures and tables print it: "Author year"."""
    published = {row["trial_id"]: row["label"] for row in CELLS["trials"]}
    return published | {name: trial["trial"] for name, trial in PROJECT.trials.items()}


def raw_files(wildcards):
    """List the raw files of a trial by the names of its sources."""
    sources = PROJECT.trials[wildcards.trial]["sources"]
    return [source["file"] for source in sources.values()]


def trial_estimates(trial):
    """List the estimates of a trial: its analyses and its descriptions."""
    names = [*PROJECT.trials[trial]["analyses"], "baseline", "disposition"]
    return [f"results/estimates/trial/{trial}/{name}.parquet" for name in names]


def analyses_of(wildcards):
    """List the estimates of the trial analyses that enter a synthesis."""
    return [
        "results/estimates/trial/{}/{}.parquet".format(*name.split("."))
        for name in PROJECT.syntheses[wildcards.synthesis]["analyses"]
    ]
