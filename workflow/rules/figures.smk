"""Estimates to figures. A figure computes nothing: an option redraws, nothing refits."""


rule draw_forest:
    input:
        estimates=rules.pool_synthesis.output.estimates,
    output:
        svg=report(
            "results/figures/{synthesis}.svg",
            caption="../report/forest.rst",
            category="Syntheses",
            labels={"synthesis": "{synthesis}"},
        ),
        png="results/figures/{synthesis}.png",
    log:
        "logs/draw_forest_{synthesis}.log",
    conda:
        "../../environment.yml"
    params:
        config=lambda wildcards: drawing_settings(
            PROJECT.syntheses[wildcards.synthesis], PROJECT.config["figures"]["forest"]
        ),
        labels=labels,
        library=library("draw_forest"),
    script:
        "../../scripts/draw_forest.py"


rule draw_synthesis:
    input:
        estimates=rules.pool_synthesis.output.estimates,
    output:
        svg=report(
            "results/figures/{synthesis}.{figure}.svg",
            caption="../report/synthesis_figure.rst",
            category="Syntheses",
            labels={"synthesis": "{synthesis}", "figure": "{figure}"},
        ),
        png="results/figures/{synthesis}.{figure}.png",
    log:
        "logs/draw_synthesis_{synthesis}_{figure}.log",
    conda:
        "../../environment.yml"
    params:
        name="{figure}",
        config=lambda wildcards: PROJECT.syntheses[wildcards.synthesis],
        labels=labels,
        library=library("draw_synthesis"),
    script:
        "../../scripts/draw_synthesis.py"


rule draw_evidence_map:
    input:
        evidence=rules.map_evidence.output.evidence,
    output:
        svg=report(
            "results/figures/evidence_map.svg",
            caption="../report/evidence_map.rst",
            category="Evidence",
        ),
        png="results/figures/evidence_map.png",
    log:
        "logs/draw_evidence_map.log",
    conda:
        "../../environment.yml"
    params:
        library=library("draw_evidence_map"),
    script:
        "../../scripts/draw_evidence_map.py"


# The figures of a trial depend on its analyses, so each trial has a rule of its own.
for trial in TRIALS:

    rule:
        name:
            f"draw_trial_{trial}"
        input:
            estimates=trial_estimates(trial),
            residuals=trial_residuals(trial),
            account=f"results/datasets/{trial}/account.parquet",
        output:
            svg=[
                report(
                    f"results/figures/{trial}_{figure}.svg",
                    caption="../report/trial_figure.rst",
                    category="Trials",
                    labels={"trial": trial, "figure": figure.replace("_", " ")},
                )
                for figure in trial_figures(trial)
            ],
            png=figure_files(trial, "png"),
        log:
            f"logs/draw_trial_{trial}.log",
        conda:
            "../../environment.yml"
        params:
            config=PROJECT.trials[trial],
            names=trial_figures(trial),
            library=library("draw_trial"),
        script:
            "../../scripts/draw_trial.py"
