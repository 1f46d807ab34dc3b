"""Parquet to estimates, each primary one computed by two engines."""


rule describe_trial:
    input:
        adsl=rules.build_trial.output.adsl,
        bds=rules.build_trial.output.bds,
    output:
        baseline="results/estimates/trial/{trial}/baseline.parquet",
        disposition="results/estimates/trial/{trial}/disposition.parquet",
    log:
        "logs/describe_trial_{trial}.log",
    conda:
        "../../environment.yml"
    params:
        config=lambda wildcards: dataset_settings(PROJECT.trials[wildcards.trial]),
        library=library("describe_trial"),
    script:
        "../../scripts/describe_trial.py"


rule fit_analysis:
    input:
        adsl=rules.build_trial.output.adsl,
        bds=rules.build_trial.output.bds,
        adae=rules.build_trial.output.adae,
        adtte=rules.build_trial.output.adtte,
    output:
        estimates="results/estimates/trial/{trial}/{analysis}.parquet",
        residuals="results/estimates/residuals/{trial}/{analysis}.parquet",
    log:
        "logs/fit_analysis_{trial}_{analysis}.log",
    wildcard_constraints:
        analysis="(?!baseline|disposition)[a-z][a-z0-9_]*",
    conda:
        "../../environment.yml"
    params:
        config=lambda wildcards: analysis_settings(
            PROJECT.trials[wildcards.trial], wildcards.analysis
        ),
        library=library("fit_analysis"),
    script:
        "../../scripts/fit_analysis.py"


rule check_trial:
    input:
        adsl=rules.build_trial.output.adsl,
        bds=rules.build_trial.output.bds,
        adtte=rules.build_trial.output.adtte,
        estimates=lambda wildcards: trial_estimates(wildcards.trial),
    output:
        agreement="results/estimates/agreement/trial_{trial}.parquet",
    log:
        "logs/check_trial_{trial}.log",
    conda:
        "../../environment.yml"
    params:
        config=lambda wildcards: PROJECT.trials[wildcards.trial],
        library=library("check_trial"),
    script:
        "../../scripts/check_trial.py"


rule pool_synthesis:
    input:
        effects=rules.select_published.output.effects,
        published_trials=rules.select_published.output.published_trials,
        pools=rules.select_published.output.published_pools,
        analyses=analyses_of,
        studies=studies_of,
    output:
        estimates="results/estimates/synthesis/{synthesis}.parquet",
    log:
        "logs/pool_synthesis_{synthesis}.log",
    conda:
        "../../environment.yml"
    params:
        config=lambda wildcards: pooling_settings(
            PROJECT.syntheses[wildcards.synthesis]
        ),
        library=library("pool_synthesis"),
    script:
        "../../scripts/pool_synthesis.py"


# Only where a figure of all subsets is asked for.
rule pool_subsets:
    input:
        effects=rules.select_published.output.effects,
        published_trials=rules.select_published.output.published_trials,
        analyses=analyses_of,
        studies=studies_of,
    output:
        subsets="results/estimates/gosh/{synthesis}.parquet",
    log:
        "logs/pool_subsets_{synthesis}.log",
    conda:
        "../../environment.yml"
    params:
        config=lambda wildcards: pooling_settings(
            PROJECT.syntheses[wildcards.synthesis]
        ),
        library=library("pool_subsets"),
    script:
        "../../scripts/pool_subsets.py"


rule check_syntheses:
    input:
        estimates=expand(rules.pool_synthesis.output.estimates, synthesis=SYNTHESES),
    output:
        agreement="results/estimates/agreement/syntheses.parquet",
    log:
        "logs/check_syntheses.log",
    conda:
        "../../environment.yml"
    params:
        configs=lambda wildcards: [
            pooling_settings(synthesis) for synthesis in PROJECT.syntheses.values()
        ],
        library=library("check_syntheses"),
    script:
        "../../scripts/check_syntheses.py"


rule map_evidence:
    input:
        effects=rules.build_published.output.effects,
        published_trials=rules.build_published.output.published_trials,
    output:
        evidence="results/estimates/evidence_map.parquet",
    log:
        "logs/map_evidence.log",
    conda:
        "../../environment.yml"
    params:
        configs=lambda wildcards: [
            pooling_settings(synthesis) for synthesis in PROJECT.syntheses.values()
        ],
        library=library("map_evidence"),
    script:
        "../../scripts/map_evidence.py"
