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


rule draw_trial:
    input:
        estimates=lambda wildcards: trial_estimates(wildcards.trial),
        account=rules.build_trial.output.account,
    output:
        profile=report(
            "results/figures/{trial}_profile.svg",
            caption="../report/trial_figure.rst",
            category="Trials",
            labels={"trial": "{trial}", "figure": "profile"},
        ),
        profile_png="results/figures/{trial}_profile.png",
        adverse_events=report(
            "results/figures/{trial}_adverse_events.svg",
            caption="../report/trial_figure.rst",
            category="Trials",
            labels={"trial": "{trial}", "figure": "adverse events"},
        ),
        adverse_events_png="results/figures/{trial}_adverse_events.png",
        account_svg=report(
            "results/figures/{trial}_account.svg",
            caption="../report/trial_figure.rst",
            category="Trials",
            labels={"trial": "{trial}", "figure": "account"},
        ),
        account_png="results/figures/{trial}_account.png",
    log:
        "logs/draw_trial_{trial}.log",
    conda:
        "../../environment.yml"
    params:
        config=lambda wildcards: PROJECT.trials[wildcards.trial],
        library=library("draw_trial"),
    script:
        "../../scripts/draw_trial.py"
