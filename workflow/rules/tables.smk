"""Estimates and datasets to tables: the same cells in every format."""

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
            datasets=listed_files(trial),
        output:
            files=reported(
                *[f"{trial}_{table}" for table in trial_tables(trial)],
                category="Trials",
                labels={"trial": trial, "figure": "table"},
            ),
        log:
            f"logs/tabulate_{trial}.log",
        conda:
            "../../environment.yml"
        params:
            config=PROJECT.trials[trial],
            names=trial_tables(trial),
            paper=PROJECT.config["tables"]["paper"],
            library=library("tabulate_trial"),
        script:
            "../../scripts/tabulate_trial.py"


rule tabulate_published:
    input:
        effects=rules.build_published.output.effects,
        published_trials=rules.build_published.output.published_trials,
        evidence=rules.map_evidence.output.evidence,
    output:
        characteristics=reported("trial_characteristics", category="Evidence"),
        evidence_map=reported("evidence_map", category="Evidence"),
    log:
        "logs/tabulate_published.log",
    conda:
        "../../environment.yml"
    params:
        paper=PROJECT.config["tables"]["paper"],
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
        summary=reported("summary_of_effects", category="Syntheses"),
        findings=reported("summary_of_findings", category="Syntheses"),
        pages=reported(*SYNTHESES, category="Syntheses", labels={"figure": "tables"}),
        agreed=reported("agreement", category="Double programming"),
    log:
        "logs/tabulate_syntheses.log",
    conda:
        "../../environment.yml"
    params:
        labels=labels,
        configs=lambda wildcards: list(PROJECT.syntheses.values()),
        paper=PROJECT.config["tables"]["paper"],
        library=library("tabulate_syntheses"),
    script:
        "../../scripts/tabulate_syntheses.py"
