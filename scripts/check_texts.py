"""Find every number of the dossier in the row that it comes from, or stop."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from _step import run, stacked

from trialstats import cleaning_rows, evidence_rows, io, rows
from trialstats.analyses.evidence import EVIDENCE
from trialstats.exports import DATA_DICTIONARY
from trialstats.records import Record, identified, records
from trialstats.report.checked import TRACED, check_files, named_rows, traced_rows
from trialstats.report.citations import REFERENCES
from trialstats.report.manifest import CODE, file_digests, installed_versions
from trialstats.tables.shortened import SHOWN
from trialstats.tables.templates.listing import row_id_of
from trialstats.tracing.dossier import Sources, texts_in

#: Listings of each trial, in the order of the rule's input, and their schemas.
LISTINGS = {
    "steps": cleaning_rows.STEPS,
    "changes": cleaning_rows.CHANGES,
    "dictionary": DATA_DICTIONARY,
    "queries": rows.QUERIES,
    "set_aside": rows.SET_ASIDE,
}

DATASETS = {"adsl": rows.ADSL_CORE, "bds": rows.BDS, "adae": rows.ADAE}


def main(
    files: list[str],
    estimates: list[str],
    agreement: list[str],
    listings: list[str],
    datasets: list[str],
    published_trials: str,
    published_effects: str,
    published_warnings: str,
    evidence: str,
    certainty: str,
    data: list[str],
    traced: str,
    *,
    trials: Sequence[str],
    configs: Sequence[Mapping[str, Any]],
    labels: Mapping[str, str],
) -> None:
    compared = (io.read_table(path, rows.AGREEMENT) for path in agreement)
    checks = [
        {**one, "of": one["row_id"], "row_id": f"agreement:{place}"}
        for place, one in enumerate(records(stacked(compared, rows.AGREEMENT)), start=1)
    ]
    trials_known = of_file(
        published_trials, evidence_rows.PUBLISHED_TRIALS, "published_trials"
    )
    entries = of_file(evidence, EVIDENCE, "evidence_map")
    graded = of_file(certainty, evidence_rows.CERTAINTY, "certainty")
    known: list[Record] = [
        *(
            r
            for path in estimates
            for r in records(io.read_table(path, rows.ESTIMATES))
        ),
        *checks,
        *trials_known,
        *of_file(published_effects, evidence_rows.EFFECTS, "effects"),
        *of_file(published_warnings, cleaning_rows.PUBLISHED_WARNINGS, "warnings"),
        *entries,
        *graded,
        *(row for path in listings for row in of_listing(path)),
    ]
    named = named_rows(files, io.read_bytes)
    for path in datasets:
        known += of_dataset(path, named)
    given = [
        *texts_in(list(configs)),
        f"SHA-256 of {len(data)} files",
        *counts_of_listings(known),
        *(f"{r['domain']} ({r['levels']:+d}): {r['reason']}" for r in graded),
        *(text for work in REFERENCES.values() for text in (work.text, work.address)),
        *labels.values(),
        *counts_in_words(checks, trials_known, entries, configs),
        *files,
        *trials,
        # Where nothing can be estimated, what is added to a zero.
        *(f"{c['zero_cells']['add']:g} added" for c in configs if "zero_cells" in c),
        # Headings print names with spaces.
        *(str(config.get("id", "")).replace("_", " ") for config in configs),
    ]
    versions = {
        f"Installed version of {name}": version
        for name, version in installed_versions(CODE).items()
    }
    digests = {
        f"SHA-256 of {name}": digest for name, digest in file_digests(data).items()
    }
    sources = Sources(known, given, versions | digests)
    checked = check_files(files, io.read_bytes, sources)
    io.write_table(rows.frame_of(traced_rows(checked), TRACED), traced, TRACED)


def counts_in_words(
    checks: Sequence[Record],
    published: Sequence[Record],
    entries: Sequence[Record],
    configs: Sequence[Mapping[str, Any]],
) -> Iterator[str]:
    """Yield what sentences of the report count, counted here from the files."""
    sections: dict[str, list[bool]] = defaultdict(list)
    by_engine: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for check in checks:
        for name in ("", str(check["of"]).split(".")[0]):
            sections[name].append(bool(check["agrees"]))
        for name in ("", str(check["of"]).split(".")[0]):
            by_engine[name, str(check["engine"])].append(bool(check["agrees"]))
    for agreeing in sections.values():
        yield f"{sum(agreeing)} of {len(agreeing)} checks agree"
    # A cell that counts more rows than a reader would look at names none of them.
    for agreeing in by_engine.values():
        yield f"{sum(agreeing)} of {len(agreeing)}"
    yield from (f"{len(published)} published {noun}" for noun in ("trial", "trials"))
    yield f"{len(entries)} entries"
    for offer, count in Counter(str(row["offers"]) for row in entries).items():
        yield f"{count} {offer}"
    individual = [config for config in configs if config.get("data_status")]
    noun = "trial" if len(individual) == 1 else "trials"
    yield f"{len(individual)} {noun} analysed from individual data"
    syntheses = sum("synthesis" in config for config in configs)
    for number in range(1, syntheses + 1):
        yield f"{number} syntheses of their results"
    yield "1 synthesis of results"


def counts_of_listings(known: Sequence[Record]) -> Iterator[str]:
    """Yield how sentences count the rows of a listing."""
    for row in known:
        if str(row["row_id"]).startswith("file:"):
            count = int(row["n_rows"])
            yield f"{count} finding{'' if count == 1 else 's'} in the raw data"
            yield f"{count} raw row{' is' if count == 1 else 's are'} in no dataset"


def of_file(path: str, schema: Any, kind: str) -> list[Record]:
    return identified(io.read_table(path, schema), kind)


def of_listing(path: str) -> list[Record]:
    kind, trial = Path(path).stem, Path(path).parent.name
    listed = identified(io.read_table(path, LISTINGS[kind]), kind, trial)
    shown = min(len(listed), SHOWN)
    counts = {
        "n_rows": len(listed),
        "n_shown": shown,
        "n_not_shown": len(listed) - shown,
    }
    grouped = groups_of(listed, trial) if kind == "queries" else ()
    return [*listed, *grouped, {"row_id": f"file:{path}", **counts}]


def groups_of(queries: Sequence[Record], trial: str) -> Iterator[Record]:
    """Yield how many findings and subjects there are of each kind in each source."""
    found: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for row in queries:
        found[str(row["kind"]), str(row["source"])].append(row)
    for place, ((kind, source), part) in enumerate(found.items(), start=1):
        yield {
            "row_id": f"findings:{trial}:{place}",
            "kind": kind,
            "source": source,
            "n": len(part),
            "n_subjects": len({row["USUBJID"] for row in part if row["USUBJID"]}),
            "resolution": part[0]["resolution"],
        }


def of_dataset(path: str, named: set[str]) -> Iterator[Record]:
    """Yield the records of a dataset that pages or figures name, by either name."""
    kind, trial = Path(path).stem, Path(path).parent.name
    wanted = {i for i in named if i.startswith(f"{kind}:{trial}:")}
    if not wanted:
        return
    for row in identified(io.read_table(path, DATASETS[kind]), kind, trial):
        for row_id in (str(row["row_id"]), row_id_of(kind, trial, row)):
            if row_id in wanted:
                yield {**row, "row_id": row_id}


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
