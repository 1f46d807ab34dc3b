"""The report and its manifest."""

from trialstats.report.manifest import CODE, source_digest


rule write_report:
    input:
        estimates=[path for trial in TRIALS for path in trial_estimates(trial)],
        steps=expand(rules.summarise_trial.output.steps, trial=TRIALS),
        changes=expand(rules.summarise_trial.output.changes, trial=TRIALS),
        dictionaries=expand(rules.summarise_trial.output.dictionary, trial=TRIALS),
        queries=expand(rules.build_trial.output.queries, trial=TRIALS),
        set_aside=expand(rules.build_trial.output.set_aside, trial=TRIALS),
        adsl=expand(rules.build_trial.output.adsl, trial=TRIALS),
        bds=expand(rules.build_trial.output.bds, trial=TRIALS),
        adae=expand(rules.build_trial.output.adae, trial=TRIALS),
        adtte=expand(rules.build_trial.output.adtte, trial=TRIALS),
        trial_figures=[path for trial in TRIALS for path in figure_files(trial, "svg")],
        syntheses=expand(rules.pool_synthesis.output.estimates, synthesis=SYNTHESES),
        forests=expand(rules.draw_forest.output.svg, synthesis=SYNTHESES),
        further_figures=further_figures("svg"),
        certainty=rules.build_judgements.output.certainty,
        published_trials=rules.build_published.output.published_trials,
        published_effects=rules.build_published.output.effects,
        published_warnings=rules.build_published.output.published_warnings,
        evidence=rules.map_evidence.output.evidence,
        evidence_figure=rules.draw_evidence_map.output.svg if PUBLISHED else [],
        agreement=rules.tabulate_syntheses.input.agreement,
        data=raw_and_published(),
    output:
        page="results/report.html",
        bibliography="results/report.bib",
    log:
        "logs/write_report.log",
    conda:
        "../../environment.yml"
    params:
        config=PROJECT.config,
        trials=list(PROJECT.trials.values()),
        configs=list(PROJECT.syntheses.values()),
        figures=[len(trial_figures(trial)) for trial in TRIALS],
        further={name: len(synthesis_figures(name)) for name in SYNTHESES},
        library=library("write_report"),
    script:
        "../../scripts/write_report.py"


rule write_pdf:
    input:
        page=rules.write_report.output.page,
    output:
        pdf="results/report.pdf",
    log:
        "logs/write_pdf.log",
    conda:
        "../../environment.yml"
    params:
        library=library("write_pdf"),
    script:
        "../../scripts/write_pdf.py"


rule write_manifest:
    input:
        outputs=[
            *rules.write_report.output,
            *(rules.write_pdf.output if PROJECT.config["report"]["pdf"] else []),
            *expand(rules.build_trial.output, trial=TRIALS),
            *expand(rules.summarise_trial.output, trial=TRIALS),
            *[path for trial in TRIALS for path in export_files(trial)],
            *rules.build_published.output,
            *expand(rules.build_studies.output, synthesis=OF_STUDIES),
            *rules.build_judgements.output,
            *expand(rules.select_published.output, synthesis=SYNTHESES),
            *rules.write_report.input.estimates,
            *expand(rules.pool_synthesis.output, synthesis=SYNTHESES),
            *rules.write_report.input.agreement,
            *rules.map_evidence.output,
            *expand(rules.draw_forest.output, synthesis=SYNTHESES),
            *(rules.draw_evidence_map.output if PUBLISHED else []),
            *[p for t in TRIALS for e in DRAWN for p in figure_files(t, e)],
            *[path for trial in TRIALS for path in table_files(trial)],
            *(rules.tabulate_published.output if PUBLISHED else []),
            *rules.tabulate_syntheses.output,
            *[path for ending in DRAWN for path in further_figures(ending)],
            "results/estimates/traced.parquet",
        ],
    output:
        manifest="results/manifest.json",
    log:
        "logs/write_manifest.log",
    conda:
        "../../environment.yml"
    params:
        sources=source_digest(".", CODE),
        library=library("write_manifest"),
    script:
        "../../scripts/write_manifest.py"
