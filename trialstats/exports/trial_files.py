"""The exports of a trial: its datasets as the standards name them, and their files."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from trialstats.errors import DataError
from trialstats.exports.dataset_json import to_dataset_json, to_dataset_ndjson
from trialstats.exports.define_xml import to_define_xml
from trialstats.exports.study import Dataset, Study
from trialstats.exports.xport import to_xport

Trial = Mapping[str, Any]

#: Format -> ending of its files; define makes one document for all datasets.
FORMATS = {"xpt": "xpt", "dataset_json": "json", "ndjson": "ndjson", "define": "xml"}

DEFINE = "define.xml"

#: Version of the metadata of a dossier's exports; it is part of their identifiers.
METADATA_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Kind:
    """A dataset that cleaning makes: what the standards call it.

    Attributes
    ----------
    name, label, structure, class_, subclass : str
        As `Dataset` has them.
    keys : tuple of str
        Variables that may be needed to tell rows apart, in the order of the rows.
    """

    name: str
    label: str
    structure: str
    class_: str
    keys: tuple[str, ...]
    subclass: str | None = None


#: Name of the Parquet -> what it is.
KINDS = {
    "adsl": Kind(
        "ADSL",
        "Subject-Level Analysis Dataset",
        "one record per subject",
        "SUBJECT LEVEL ANALYSIS DATASET",
        ("STUDYID", "USUBJID"),
    ),
    "bds": Kind(
        "ADBDS",
        "Measurements Analysis Dataset",
        "one record per subject, parameter, visit, date and derivation",
        "BASIC DATA STRUCTURE",
        (
            *("STUDYID", "USUBJID", "PARAMCD", "APERIOD", "AVISITN", "ADT", "DTYPE"),
            *("AVISIT", "ANL01FL"),
        ),
    ),
    "adae": Kind(
        "ADAE",
        "Adverse Events Analysis Dataset",
        "one record per adverse event",
        "OCCURRENCE DATA STRUCTURE",
        ("STUDYID", "USUBJID", "AESEQ"),
        "ADVERSE EVENT",
    ),
    "adtte": Kind(
        "ADTTE",
        "Time-to-Event Analysis Dataset",
        "one record per subject and time to an event",
        "BASIC DATA STRUCTURE",
        ("STUDYID", "USUBJID", "PARAMCD"),
        "TIME-TO-EVENT",
    ),
}


def datasets_of(trial: Trial) -> list[str]:
    """Return the datasets that the configuration of a trial fills.

    >>> datasets_of({"adsl": {}, "bds": {}, "adae": {"from": "events"}})
    ['adsl', 'adae']
    """
    return ["adsl", *(n for n in ("bds", "adae", "adtte") if trial.get(n))]


def export_names(trial: Trial, formats: Iterable[str]) -> list[str]:
    """Return the names of the files that a trial is exported to.

    Parameters
    ----------
    trial : mapping
        Configuration of the trial.
    formats : iterable of str
        Of `FORMATS`.

    >>> export_names({"adsl": {}, "bds": {"PAIN": {}}}, ["xpt", "define"])
    ['adsl.xpt', 'adbds.xpt', 'define.xml']
    """
    wanted = set(formats)
    rows = [
        f"{KINDS[name].name.lower()}.{ending}"
        for format_, ending in FORMATS.items()
        if format_ in wanted and format_ != "define"
        for name in datasets_of(trial)
    ]
    return [*rows, *([DEFINE] if "define" in wanted else [])]


def study_of(trial: Trial) -> Study:
    """Return the study of a trial."""
    status = trial.get("data_status")
    data = "synthetic data" if status == "synthetic" else "individual data"
    return Study(
        name=str(trial["trial"]),
        title=str(trial["title"]),
        description=f"Analysis datasets of {trial['trial']} ({data})",
        version=METADATA_VERSION,
    )


def dataset_of(name: str, table: pa.Table, keys: Sequence[str] = ()) -> Dataset:
    """Return a table that cleaning made as a dataset.

    Parameters
    ----------
    name : str
        Of `KINDS`.
    table : Table
        Its rows, or none where only the variables matter.
    keys : sequence of str
        The variables that tell its rows apart, see `keys_of`.
    """
    kind = KINDS[name]
    return Dataset(
        name=kind.name,
        label=kind.label,
        table=table,
        structure=kind.structure,
        keys=tuple(keys),
        class_=kind.class_,
        subclass=kind.subclass,
    )


def key_names(name: str, schema: pa.Schema) -> list[str]:
    """Return the variables that may be needed to tell the rows of a dataset apart."""
    return [key for key in KINDS[name].keys if key in schema.names]


def keys_of(name: str, table: pa.Table) -> tuple[str, ...]:
    """Return the fewest leading keys that tell the rows apart; none when none do.

    Parameters
    ----------
    name : str
        Of `KINDS`.
    table : Table
        Holds at least the keys.
    """
    known = key_names(name, table.schema)
    least = min(len(known), _LEAST)
    for size in range(least, len(known) + 1):
        keys = known[:size]
        if table.select(keys).group_by(keys).aggregate([]).num_rows == table.num_rows:
            return tuple(keys)
    return ()


#: Study, subject, and parameter or event stand in the keys however few rows there are.
_LEAST = 3


def trial_datasets(
    trial: Trial, read: Callable[[str], pa.Table]
) -> tuple[Dataset, ...]:
    """Return the datasets of a trial, whole.

    Parameters
    ----------
    trial : mapping
        Configuration of the trial.
    read : callable
        Gives the table of a name of `KINDS`.
    """
    tables = {name: read(name) for name in datasets_of(trial)}
    return tuple(
        dataset_of(name, table, keys_of(name, table)) for name, table in tables.items()
    )


def export_trial(
    trial: Trial,
    datasets: Iterable[Dataset],
    formats: Iterable[str],
    *,
    elsewhere: str = "",
) -> dict[str, bytes]:
    """Return the exports of a trial by the names of their files.

    Parameters
    ----------
    trial : mapping
        Configuration of the trial.
    datasets : iterable of Dataset
        Of `trial_datasets`.
    formats : iterable of str
        Of `FORMATS`.
    elsewhere : str
        Folder of the Parquet files, relative to the exports: what Define-XML refers
        to when no other format is written.

    Returns
    -------
    dict of str to bytes
        In the order of `export_names`.

    Raises
    ------
    DataError
        When a format cannot hold a dataset: every variable of every dataset that it
        refuses in one message, with the remedy.
    """
    study, listed, wanted = study_of(trial), tuple(datasets), set(formats)
    document = DEFINE if "define" in wanted else None
    made: dict[str, bytes] = {}
    refused: list[str] = []
    for format_, ending in FORMATS.items():
        if format_ not in wanted or format_ == "define":
            continue
        for dataset in listed:
            try:
                content = _written(format_, study, dataset, document)
            except DataError as reason:
                refused.append(f"{format_}: {reason}")
                continue
            made[f"{dataset.name.lower()}.{ending}"] = content
    if refused:
        remedies = "mend these, or leave the format out of `exports` in config.yaml"
        raise DataError("\n".join([*refused, remedies]))
    if document is not None:
        files = _leaves(listed, wanted, elsewhere)
        made[document] = to_define_xml(study, listed, files=files)
    return made


def _written(
    format_: str, study: Study, dataset: Dataset, document: str | None
) -> bytes:
    if format_ == "xpt":
        return to_xport(dataset)
    write = to_dataset_json if format_ == "dataset_json" else to_dataset_ndjson
    return write(study, dataset, metadata_file=document)


def _leaves(
    datasets: Sequence[Dataset], wanted: set[str], elsewhere: str
) -> dict[str, str]:
    """Return the file that Define-XML names for each dataset: the first format."""
    for format_, ending in FORMATS.items():
        if format_ in wanted and format_ != "define":
            return {d.name: f"{d.name.lower()}.{ending}" for d in datasets}
    parquet = {kind.name: name for name, kind in KINDS.items()}
    return {d.name: f"{elsewhere}{parquet[d.name]}.parquet" for d in datasets}
