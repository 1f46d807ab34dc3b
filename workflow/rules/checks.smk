"""What the dossier prints, held against its rows."""


# Every number of every page, table and figure is found in a row, or the run fails.
rule check_texts:
    input:
        files=[
            rules.write_report.output.page,
            *[path for trial in TRIALS for path in table_files(trial)],
            *(rules.tabulate_published.output if PUBLISHED else []),
            *rules.tabulate_syntheses.output,
            *[path for trial in TRIALS for path in figure_files(trial, "svg")],
            *expand(rules.draw_forest.output.svg, synthesis=SYNTHESES),
            *further_figures("svg"),
            *([rules.draw_evidence_map.output.svg] if PUBLISHED else []),
        ],
        estimates=[
            *rules.write_report.input.estimates,
            *rules.write_report.input.syntheses,
        ],
        agreement=rules.write_report.input.agreement,
        listings=[
            f"results/datasets/{trial}/{name}.parquet"
            for trial in TRIALS
            for name in ("steps", "changes", "dictionary", "queries", "set_aside")
        ],
        datasets=[
            f"results/datasets/{trial}/{name}.parquet"
            for trial in TRIALS
            for name in ("adsl", "bds", "adae")
        ],
        published_trials=rules.build_published.output.published_trials,
        published_effects=rules.build_published.output.effects,
        published_warnings=rules.build_published.output.published_warnings,
        evidence=rules.map_evidence.output.evidence,
        certainty=rules.build_judgements.output.certainty,
        data=raw_and_published(),
    output:
        traced="results/estimates/traced.parquet",
    log:
        "logs/check_texts.log",
    conda:
        "../../environment.yml"
    params:
        trials=TRIALS,
        configs=lambda wildcards: [
            PROJECT.config,
            *PROJECT.trials.values(),
            *PROJECT.syntheses.values(),
        ],
        labels=labels,
        library=library("check_texts"),
    script:
        "../../scripts/check_texts.py"
