"""Estimates and datasets to tables: HTML and CSV with the same cells."""

# The tables of a trial depend on its analyses, so each trial has a rule of its own.
for trial in TRIALS:

    rule:
        name:
            f"tabulate_{trial}"
        input:
            estimates=trial_estimates(trial),
            steps=f"results/datasets/{trial}/steps.parquet",
            changes=f"results/datasets/{trial}/changes.parquet",
            dictionary=f"results/datasets/{trial}/dictionary.parquet",
            queries=f"results/datasets/{trial}/queries.parquet",
            set_aside=f"results/datasets/{trial}/set_aside.parquet",
        output:
            html=report(
                expand(
                    "results/tables/{trial}_{table}.html",
                    trial=trial,
                    table=trial_tables(trial),
                ),
                caption="../report/table.rst",
                category="Trials",
                labels={"trial": trial, "figure": "table"},
            ),
            csv=expand(
                "results/tables/{trial}_{table}.csv",
                trial=trial,
                table=trial_tables(trial),
            ),
        log:
            f"logs/tabulate_{trial}.log",
        conda:
            "../../environment.yml"
        params:
            config=PROJECT.trials[trial],
            names=trial_tables(trial),
            library=library("tabulate_trial"),
        script:
            "../../scripts/tabulate_trial.py"


rule tabulate_published:
    input:
        effects=rules.build_published.output.effects,
        published_trials=rules.build_published.output.published_trials,
        evidence=rules.map_evidence.output.evidence,
    output:
        characteristics=report(
            "results/tables/trial_characteristics.html",
            caption="../report/table.rst",
            category="Evidence",
        ),
        characteristics_csv="results/tables/trial_characteristics.csv",
        evidence_html=report(
            "results/tables/evidence_map.html",
            caption="../report/table.rst",
            category="Evidence",
        ),
        evidence_csv="results/tables/evidence_map.csv",
    log:
        "logs/tabulate_published.log",
    conda:
        "../../environment.yml"
    params:
        library=library("tabulate_published"),
    script:
        "../../scripts/tabulate_published.py"


rule tabulate_syntheses:
    input:
        estimates=expand(rules.pool_synthesis.output.estimates, synthesis=SYNTHESES),
        agreement=[
            rules.check_syntheses.output.agreement,
            *expand(rules.check_trial.output.agreement, trial=TRIALS),
        ],
        certainty=rules.build_judgements.output.certainty,
    output:
        summary=report(
            "results/tables/summary_of_effects.html",
            caption="../report/table.rst",
            category="Syntheses",
        ),
        summary_csv="results/tables/summary_of_effects.csv",
        findings=report(
            "results/tables/summary_of_findings.html",
            caption="../report/table.rst",
            category="Syntheses",
        ),
        findings_csv="results/tables/summary_of_findings.csv",
        pages=report(
            expand("results/tables/{synthesis}.html", synthesis=SYNTHESES),
            caption="../report/table.rst",
            category="Syntheses",
            labels={"figure": "tables"},
        ),
        pages_csv=expand("results/tables/{synthesis}.csv", synthesis=SYNTHESES),
        agreement_html=report(
            "results/tables/agreement.html",
            caption="../report/table.rst",
            category="Double programming",
        ),
        agreement_csv="results/tables/agreement.csv",
    log:
        "logs/tabulate_syntheses.log",
    conda:
        "../../environment.yml"
    params:
        labels=labels,
        configs=lambda wildcards: list(PROJECT.syntheses.values()),
        library=library("tabulate_syntheses"),
    script:
        "../../scripts/tabulate_syntheses.py"
