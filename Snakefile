"""From raw trial data to the dossier: data/ -> results/report.html."""

from snakemake.utils import min_version

min_version("9.0")


include: "workflow/rules/common.smk"
include: "workflow/rules/datasets.smk"
include: "workflow/rules/estimates.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/checks.smk"


report: "workflow/report/workflow.rst"


rule all:
    default_target: True
    input:
        "results/manifest.json",
