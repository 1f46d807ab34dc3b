"""Estimates to figures. A figure computes nothing: an option redraws, nothing refits."""


# The judgements are ancient: a forest plot is drawn again when one of its own trials is
# judged anew, which `judgements` digests, and not when another is.
rule draw_forest:
    input:
        estimates=rules.pool_synthesis.output.estimates,
        risk_of_bias=ancient(JUDGEMENTS.get("risk_of_bias", [])),
    output:
        svg=report(
            "results/figures/{synthesis}.svg",
            caption="../report/forest.rst",
            category="Syntheses",
            labels={"synthesis": "{synthesis}"},
        ),
        png="results/figures/{synthesis}.png",
        pdf="results/figures/{synthesis}.pdf",
    log:
        "logs/draw_forest_{synthesis}.log",
    conda:
        "../../environment.yml"
    params:
        config=lambda wildcards: drawing_settings(
            PROJECT.syntheses[wildcards.synthesis], PROJECT.config["figures"]["forest"]
        ),
        labels=labels,
        judgements=lambda wildcards: judgements_of(wildcards.synthesis),
        library=library("draw_forest"),
    script:
        "../../scripts/draw_forest.py"


# The figures beside a forest plot depend on the model, so each synthesis has a rule of its
# own.
for synthesis in filter(synthesis_figures, SYNTHESES):

    rule:
        name:
            f"draw_beside_{synthesis}"
        input:
            **drawn_beside(synthesis),
            estimates=f"results/estimates/synthesis/{synthesis}.parquet",
        output:
            svg=[
                report(
                    f"results/figures/{synthesis}.{figure}.svg",
                    caption="../report/synthesis_figure.rst",
                    category="Syntheses",
                    labels={"synthesis": synthesis, "figure": figure},
                )
                for figure in synthesis_figures(synthesis)
            ],
            png=[
                f"results/figures/{synthesis}.{figure}.png"
                for figure in synthesis_figures(synthesis)
            ],
            pdf=[
                f"results/figures/{synthesis}.{figure}.pdf"
                for figure in synthesis_figures(synthesis)
            ],
        log:
            f"logs/draw_beside_{synthesis}.log",
        conda:
            "../../environment.yml"
        params:
            config=PROJECT.syntheses[synthesis],
            names=synthesis_figures(synthesis),
            labels=labels(),
            judgements=(
                judgements_of(synthesis)
                if "risk_of_bias" in synthesis_figures(synthesis)
                else ""
            ),
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
        pdf="results/figures/evidence_map.pdf",
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
            steps=f"results/datasets/{trial}/steps.parquet",
            adsl=f"results/datasets/{trial}/adsl.parquet",
            bds=f"results/datasets/{trial}/bds.parquet",
            adae=f"results/datasets/{trial}/adae.parquet",
            adtte=f"results/datasets/{trial}/adtte.parquet",
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
            pdf=figure_files(trial, "pdf"),
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
