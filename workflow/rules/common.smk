"""The checked configuration, and what the rules of all stages share."""

import csv
import os
from pathlib import Path

from snakemake.exceptions import WorkflowError

from trialstats.clean.evidence_digest import evidence_digest, judgements_digest
from trialstats.config.syntheses import published_trial_problems
from trialstats.config.loading import load_project, require_files
from trialstats.config.narrowing import (
    analysis_settings,
    dataset_settings,
    drawing_settings,
    export_settings,
    evidence_settings,
    pooling_settings,
)
from trialstats.config.raw_files import files_of
from trialstats.errors import TrialstatsError, combined
from trialstats.exports import export_names
from trialstats.provenance import library_digest
from trialstats.tables.trial import CLEANING

if not Path("config/config.yaml").is_file():
    raise WorkflowError(
        "there is no config/config.yaml in this folder; run Snakemake in the folder "
        f"of the dossier, or with --directory {workflow.basedir}"
    )
try:
    PROJECT = load_project()
    require_files(PROJECT)
except TrialstatsError as reason:
    raise WorkflowError(str(reason)) from None

# One thread a step and sums in one order, however Snakemake is started: no number may
# depend on the number of cores. The steps inherit these.
os.environ.update(
    OPENBLAS_NUM_THREADS="1",
    OMP_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    PYTHONHASHSEED="0",
    MPLBACKEND="Agg",
)

TRIALS = list(PROJECT.trials)
SYNTHESES = list(PROJECT.syntheses)
PUBLISHED = PROJECT.config.get("published", {})
JUDGEMENTS = PROJECT.config.get("judgements", {})
#: Syntheses of a table of studies.
OF_STUDIES = [name for name, one in PROJECT.syntheses.items() if "studies" in one]
#: Kinds of figures of a trial, in the order of the report, and the models of which an
#: analysis must have one; the account of the raw rows needs none.
TRIAL_FIGURES = {
    "profile": {"mmrm", "crossover"},
    "adverse_events": {"adverse_events"},
    "account": set(),
}
#: Models with residuals, which have a figure of their own for each analysis.
MIXED_MODELS = {"mmrm", "crossover"}


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
    for name in ("trials", "continuous", "binary", "pools"):
        path = PUBLISHED.get(name, "")
        cells[name] = []
        if Path(path).is_file():
            # What cannot be read is refused, with its place, by the step that builds it.
            with open(
                path, encoding="utf-8-sig", errors="replace", newline=""
            ) as stream:
                cells[name] = list(csv.DictReader(stream))
    return cells


CELLS = published_cells()


def require_published_trials():
    """Stop before any job when a synthesis names a trial that does not exist."""
    known = [row["trial_id"] for row in CELLS["trials"] if "trial_id" in row]
    problems = [
        problem
        for name, synthesis in PROJECT.syntheses.items()
        for problem in published_trial_problems(
            synthesis, known, file=f"config/syntheses/{name}.yaml"
        )
    ]
    if known and problems:
        raise WorkflowError(combined(problems))


require_published_trials()


def evidence(synthesis):
    """Digest the published rows that a synthesis uses, so that it reruns with them."""
    return evidence_digest(PROJECT.syntheses[synthesis], CELLS)


def judgements_of(synthesis):
    """Digest the judgements of the trials of a synthesis; all for a table of studies."""
    path = JUDGEMENTS.get("risk_of_bias", "")
    if not Path(path).is_file():
        return ""
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as stream:
        listed = list(csv.DictReader(stream))
    return judgements_digest(PROJECT.syntheses[synthesis], listed)


def labels(wildcards=None):
    """Name every trial as figures and tables print it: "Author year"."""
    published = {row.get("trial_id"): row.get("label") for row in CELLS["trials"]}
    return published | {name: trial["trial"] for name, trial in PROJECT.trials.items()}


def raw_files(wildcards):
    """List the raw files of a trial, for a rule."""
    return raw_files_of(wildcards.trial)


def raw_files_of(trial):
    """List the raw files of a trial."""
    sources = PROJECT.trials[trial]["sources"]
    return [file for source in sources.values() for file in files_of(source).values()]


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


def studies_file(wildcards):
    """Name the table of studies of a synthesis."""
    return PROJECT.syntheses[wildcards.synthesis]["studies"]["file"]


def studies_of(wildcards):
    """List the checked table of studies of a synthesis, where it has one."""
    if wildcards.synthesis not in OF_STUDIES:
        return []
    return f"results/datasets/studies/{wildcards.synthesis}.parquet"


def mixed_analyses(trial):
    """Name the analyses of a trial by mixed models."""
    analyses = PROJECT.trials[trial]["analyses"]
    return [n for n, a in analyses.items() if a["model"]["type"] in MIXED_MODELS]


def trial_residuals(trial):
    """List the residuals of the mixed models of a trial."""
    return [
        f"results/estimates/residuals/{trial}/{name}.parquet"
        for name in mixed_analyses(trial)
    ]


def trial_figures(trial):
    """Name the figures of a trial: those that its analyses give."""
    analyses = PROJECT.trials[trial]["analyses"].values()
    models = {analysis["model"]["type"] for analysis in analyses}
    kinds = [kind for kind, one in TRIAL_FIGURES.items() if not one or one & models]
    return kinds + [f"residuals_{name}" for name in mixed_analyses(trial)]


def figure_files(trial, ending):
    """List the files of the figures of a trial."""
    return [
        f"results/figures/{trial}_{figure}.{ending}" for figure in trial_figures(trial)
    ]


def synthesis_figures(synthesis):
    """Name the figures of a synthesis beside its forest plot."""
    one = PROJECT.syntheses[synthesis]
    if not one["pooling"]:
        return []
    model = one.get("model", {})
    plain = model.get("method", "inverse_variance") == "inverse_variance"
    if one["diagnostics"] and plain and "levels" not in model:
        return ["sensitivity", "baujat", "influence", "funnel"]
    return ["sensitivity", "funnel"]


def further_figures(ending):
    """List the files of the figures of all syntheses beside their forest plots."""
    return [
        f"results/figures/{synthesis}.{figure}.{ending}"
        for synthesis in SYNTHESES
        for figure in synthesis_figures(synthesis)
    ]


def trial_tables(trial):
    """Name the tables of a trial: one an analysis, and those that describe it."""
    return [*PROJECT.trials[trial]["analyses"], "baseline", "disposition", *CLEANING]


def table_files(trial):
    """List the files of the tables of a trial."""
    return [
        f"results/tables/{trial}_{table}.{ending}"
        for table in trial_tables(trial)
        for ending in ("html", "csv")
    ]


def export_files(trial):
    """List the files that a trial is exported to; none without formats."""
    names = export_names(PROJECT.trials[trial], PROJECT.config["exports"])
    return [f"results/exports/{trial}/{name}" for name in names]


def raw_and_published():
    """List the data files of the dossier."""
    raw = [file for name in TRIALS for file in raw_files_of(name)]
    tables = [PROJECT.syntheses[name]["studies"]["file"] for name in OF_STUDIES]
    files = [*PUBLISHED.values(), *JUDGEMENTS.values(), *tables, *raw]
    return list(dict.fromkeys(files))
