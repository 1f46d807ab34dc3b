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
from trialstats.figures.of_synthesis import FIGURES
from trialstats.figures.of_synthesis import figure_names as figures_beside
from trialstats.figures.trial_kinds import MIXED_MODELS, figure_names
from trialstats.figures.trial_kinds import analyses_of as analyses_with
from trialstats.provenance import library_digest
from trialstats.tables.declared import listed_datasets, table_names
from trialstats.tables.formats.files import ENDINGS

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
#: Formats of every figure.
DRAWN = ("svg", "png", "pdf")


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


def trial_residuals(trial):
    """List the residuals of the mixed models of a trial."""
    return [
        f"results/estimates/residuals/{trial}/{name}.parquet"
        for name in analyses_with(PROJECT.trials[trial], *MIXED_MODELS)
    ]


def trial_figures(trial):
    """Name the figures of a trial."""
    return figure_names(PROJECT.trials[trial])


def figure_files(trial, ending):
    """List the files of the figures of a trial."""
    return [
        f"results/figures/{trial}_{figure}.{ending}" for figure in trial_figures(trial)
    ]


def judged(synthesis):
    """Return whether a judgement names a trial of a synthesis of known trials."""
    if synthesis in OF_STUDIES:
        return False
    return judgements_of(synthesis) not in ("", judgements_digest({}, []))


def synthesis_figures(synthesis):
    """Name the figures of a synthesis beside its forest plot."""
    return figures_beside(PROJECT.syntheses[synthesis], judged=judged(synthesis))


def drawn_beside(synthesis):
    """List what the figures of a synthesis draw beside its estimates, by name."""
    tables = {
        "subsets": f"results/estimates/gosh/{synthesis}.parquet",
        "risk_of_bias": ancient(JUDGEMENTS.get("risk_of_bias", [])),
    }
    needed = {n for f in synthesis_figures(synthesis) for n in FIGURES[f].needs}
    return {name: path for name, path in tables.items() if name in needed}


def further_figures(ending):
    """List the files of the figures of all syntheses beside their forest plots."""
    return [
        f"results/figures/{synthesis}.{figure}.{ending}"
        for synthesis in SYNTHESES
        for figure in synthesis_figures(synthesis)
    ]


def trial_tables(trial):
    """Name the tables of a trial: declared ones, and one an analysis without them."""
    return table_names(PROJECT.trials[trial])


def listed_files(trial):
    """List the datasets that listings of a trial print."""
    return [
        f"results/datasets/{trial}/{name}.parquet"
        for name in listed_datasets(PROJECT.trials[trial])
    ]


def files_of_tables(*names):
    """List the files of tables: one a format, table by table."""
    endings = [ENDINGS[name] for name in PROJECT.config["tables"]["formats"]]
    return [f"results/tables/{name}.{end}" for name in names for end in endings]


def table_files(trial):
    """List the files of the tables of a trial."""
    return files_of_tables(*[f"{trial}_{table}" for table in trial_tables(trial)])


def reported(*names, category, labels=None):
    """List the files of tables; their pages stand in the report of Snakemake."""
    marks = {"caption": "../report/table.rst", "category": category, "labels": labels}
    files = files_of_tables(*names)
    return [report(f, **marks) if f.endswith(".html") else f for f in files]


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
