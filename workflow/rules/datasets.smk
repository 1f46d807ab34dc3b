"""Raw files to checked Parquet."""


rule build_trial:
    input:
        files=raw_files,
    output:
        adsl="results/datasets/{trial}/adsl.parquet",
        bds="results/datasets/{trial}/bds.parquet",
        adae="results/datasets/{trial}/adae.parquet",
        adtte="results/datasets/{trial}/adtte.parquet",
        account="results/datasets/{trial}/account.parquet",
        set_aside="results/datasets/{trial}/set_aside.parquet",
        queries="results/datasets/{trial}/queries.parquet",
    log:
        "logs/build_trial_{trial}.log",
    conda:
        "../../environment.yml"
    params:
        config=lambda wildcards: dataset_settings(PROJECT.trials[wildcards.trial]),
        library=library("build_trial"),
    script:
        "../../scripts/build_trial.py"


rule summarise_trial:
    input:
        adsl=rules.build_trial.output.adsl,
        bds=rules.build_trial.output.bds,
        adae=rules.build_trial.output.adae,
        adtte=rules.build_trial.output.adtte,
        account=rules.build_trial.output.account,
    output:
        steps="results/datasets/{trial}/steps.parquet",
        changes="results/datasets/{trial}/changes.parquet",
        dictionary="results/datasets/{trial}/dictionary.parquet",
    log:
        "logs/summarise_trial_{trial}.log",
    conda:
        "../../environment.yml"
    params:
        config=lambda wildcards: dataset_settings(PROJECT.trials[wildcards.trial]),
        library=library("summarise_trial"),
    script:
        "../../scripts/summarise_trial.py"


# The files of an export depend on the datasets that a trial has, so each trial has a rule
# of its own.
for trial in filter(export_files, TRIALS):

    rule:
        name:
            f"export_{trial}"
        input:
            adsl=f"results/datasets/{trial}/adsl.parquet",
            bds=f"results/datasets/{trial}/bds.parquet",
            adae=f"results/datasets/{trial}/adae.parquet",
            adtte=f"results/datasets/{trial}/adtte.parquet",
        output:
            files=export_files(trial),
        log:
            f"logs/export_{trial}.log",
        conda:
            "../../environment.yml"
        params:
            config=export_settings(PROJECT.trials[trial]),
            formats=PROJECT.config["exports"],
            library=library("export_trial"),
        script:
            "../../scripts/export_trial.py"


rule build_published:
    input:
        **PUBLISHED,
    output:
        effects="results/datasets/published/effects.parquet",
        published_trials="results/datasets/published/trials.parquet",
        published_pools="results/datasets/published/pools.parquet",
        published_warnings="results/datasets/published/warnings.parquet",
    log:
        "logs/build_published.log",
    conda:
        "../../environment.yml"
    params:
        library=library("build_published"),
    script:
        "../../scripts/build_published.py"


rule build_studies:
    input:
        table=studies_file,
    output:
        studies="results/datasets/studies/{synthesis}.parquet",
    log:
        "logs/build_studies_{synthesis}.log",
    conda:
        "../../environment.yml"
    params:
        settings=lambda wildcards: PROJECT.syntheses[wildcards.synthesis]["studies"],
        library=library("build_studies"),
    script:
        "../../scripts/build_studies.py"


rule build_judgements:
    input:
        **{f"from_{name}": path for name, path in JUDGEMENTS.items()},
        studies=expand(rules.build_studies.output.studies, synthesis=OF_STUDIES),
    output:
        risk_of_bias="results/datasets/judgements/risk_of_bias.parquet",
        certainty="results/datasets/judgements/certainty.parquet",
    log:
        "logs/build_judgements.log",
    conda:
        "../../environment.yml"
    params:
        trials=lambda wildcards: list(labels()),
        syntheses=SYNTHESES,
        library=library("build_judgements"),
    script:
        "../../scripts/build_judgements.py"


# The published tables are ancient: what a synthesis uses is built again when a row that
# it uses changes, which `evidence` digests, and not when another row of a file does.
rule select_published:
    input:
        **{name: ancient(path) for name, path in PUBLISHED.items()},
    output:
        effects="results/datasets/published/{synthesis}/effects.parquet",
        published_trials="results/datasets/published/{synthesis}/trials.parquet",
        published_pools="results/datasets/published/{synthesis}/pools.parquet",
    log:
        "logs/select_published_{synthesis}.log",
    conda:
        "../../environment.yml"
    params:
        config=lambda wildcards: evidence_settings(
            PROJECT.syntheses[wildcards.synthesis]
        ),
        evidence=lambda wildcards: evidence(wildcards.synthesis),
        library=library("select_published"),
    script:
        "../../scripts/select_published.py"
