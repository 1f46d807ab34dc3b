"""Where a row stands and what made it: its Parquet file, the rule and the script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from trialstats import cleaning_rows, evidence_rows, rows
from trialstats.config.raw_files import files_of
from trialstats.records import Record
from trialstats.rows import row_key


@dataclass(frozen=True, slots=True)
class Origin:
    """Where rows come from.

    Attributes
    ----------
    parquet : str
        The file that holds them, from the folder of the dossier.
    rule : str
        The rule of the workflow that writes it; its script has the same name.
    inputs : tuple of str
        The files as received that it goes back to.
    """

    parquet: str
    rule: str
    inputs: tuple[str, ...] = ()

    @property
    def script(self) -> str:
        """The script of the rule."""
        return f"scripts/{self.rule}.py" if self.rule else ""


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows beside the estimates, whose ``row_id`` begin with the name of their kind.

    Attributes
    ----------
    parquet : str
        Their file; ``{}`` stands for what follows the name of the kind.
    rule : str
        The rule that writes it.
    schema : pyarrow.Schema, optional
        Labels of the columns.
    """

    parquet: str
    rule: str
    schema: pa.Schema | None = None


#: What a ``row_id`` of the form ``kind:place:number`` begins with.
KINDS: dict[str, Kind] = {
    "steps": Kind(
        "results/datasets/{}/steps.parquet", "summarise_trial", cleaning_rows.STEPS
    ),
    "changes": Kind(
        "results/datasets/{}/changes.parquet", "summarise_trial", cleaning_rows.CHANGES
    ),
    "dictionary": Kind("results/datasets/{}/dictionary.parquet", "summarise_trial"),
    "queries": Kind("results/datasets/{}/queries.parquet", "build_trial", rows.QUERIES),
    # Counts of the findings of each kind.
    "findings": Kind("results/datasets/{}/queries.parquet", "build_trial"),
    "set_aside": Kind(
        "results/datasets/{}/set_aside.parquet", "build_trial", rows.SET_ASIDE
    ),
    "account": Kind("results/datasets/{}/account.parquet", "build_trial", rows.ACCOUNT),
    "adsl": Kind("results/datasets/{}/adsl.parquet", "build_trial", rows.ADSL_CORE),
    "bds": Kind("results/datasets/{}/bds.parquet", "build_trial", rows.BDS),
    "adae": Kind("results/datasets/{}/adae.parquet", "build_trial", rows.ADAE),
    "adtte": Kind("results/datasets/{}/adtte.parquet", "build_trial", rows.ADTTE),
    "residuals": Kind(
        "results/estimates/residuals/{}.parquet", "fit_analysis", rows.RESIDUALS
    ),
    "gosh": Kind("results/estimates/gosh/{}.parquet", "pool_synthesis"),
    "published_trials": Kind(
        "results/datasets/published/trials.parquet",
        "build_published",
        evidence_rows.PUBLISHED_TRIALS,
    ),
    "effects": Kind(
        "results/datasets/published/effects.parquet",
        "build_published",
        evidence_rows.EFFECTS,
    ),
    "warnings": Kind(
        "results/datasets/published/warnings.parquet",
        "build_published",
        cleaning_rows.PUBLISHED_WARNINGS,
    ),
    "agreement": Kind(
        "results/estimates/agreement/{}.parquet", "check_trial", rows.AGREEMENT
    ),
    "evidence_map": Kind("results/estimates/evidence_map.parquet", "map_evidence"),
    "certainty": Kind(
        "results/datasets/judgements/certainty.parquet",
        "build_judgements",
        evidence_rows.CERTAINTY,
    ),
}

#: Begins the ``row_id`` of what is said of a whole file: how many rows it has.
_FILE = "file"


class Origins:
    """Finds the origin of rows.

    Parameters
    ----------
    trials, syntheses : sequence of mapping
        Configurations, each with its name under ``id``.
    published : sequence of str
        The files of published results.
    """

    def __init__(
        self,
        trials: Sequence[Mapping[str, Any]],
        syntheses: Sequence[Mapping[str, Any]],
        published: Sequence[str] = (),
    ) -> None:
        self._published = tuple(published)
        self._of_trial = {str(t["id"]): files_of_trial(t) for t in trials}
        self._fitted = {(str(t["id"]), a) for t in trials for a in t["analyses"]}
        self._of_synthesis = {
            str(s["id"]): self._files_of_synthesis(s) for s in syntheses
        }

    def _files_of_synthesis(self, synthesis: Mapping[str, Any]) -> tuple[str, ...]:
        files: list[str] = []
        if synthesis.get("published") or synthesis.get("published_pools"):
            files += self._published
        if "studies" in synthesis:
            files.append(str(synthesis["studies"]["file"]))
        for analysis in synthesis.get("analyses") or ():
            files += self._of_trial.get(str(analysis).split(".")[0], ())
        return tuple(dict.fromkeys(files))

    def of_estimate(self, row: Record) -> Origin:
        """Return the origin of a row of the estimates."""
        if row["kind"] == "synthesis":
            name = str(row["synthesis"])
            return Origin(
                f"results/estimates/synthesis/{name}.parquet",
                "pool_synthesis",
                self._of_synthesis.get(name, ()),
            )
        trial, analysis = str(row["trial"]), str(row["analysis"])
        return Origin(
            f"results/estimates/trial/{trial}/{analysis}.parquet",
            "fit_analysis" if (trial, analysis) in self._fitted else "describe_trial",
            self._of_trial.get(trial, ()),
        )

    def of_other(self, row_id: str, row: Record) -> Origin:
        """Return the origin of a row of another file, by its ``row_id``."""
        kind, place, *_ = [*row_id.split(":"), ""]
        if kind == _FILE:
            return self._of_file(place)
        known = KINDS.get(kind)
        if known is None:
            return Origin("", "")
        rule, inputs = known.rule, self._of_trial.get(place, self._published)
        if kind == "agreement":
            checked = str(row.get("of") or "").split(".")[0]
            trial = next((t for t in self._of_trial if row_key(t) == checked), None)
            if trial is None:
                rule, place = "check_syntheses", "syntheses"
            else:
                place, inputs = f"trial_{trial}", self._of_trial[trial]
        return Origin(known.parquet.format(place), rule, inputs)

    def _of_file(self, path: str) -> Origin:
        """Return the origin of what is said of a whole file."""
        name = path.rpartition("/")[2].partition(".")[0]
        rule = KINDS[name].rule if name in KINDS else ""
        trial = next((t for t in self._of_trial if f"/{t}/" in path), "")
        return Origin(path, rule, self._of_trial.get(trial, self._published))


def files_of_trial(trial: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the raw files of a trial, each once."""
    sources = (trial.get("sources") or {}).values()
    files = [file for source in sources for file in files_of(source).values()]
    return tuple(dict.fromkeys(files))
