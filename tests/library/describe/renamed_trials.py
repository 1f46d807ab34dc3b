"""The published trials with other names of their columns, and configurations to match.

A configuration shipped for a trial names columns, and has names that a draft makes of
the names of columns (codes, labels, visits). `mapped` puts the new ones for both, so
that what is left between it and a draft of renamed files is what a person would edit.
"""

import copy
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from trialstats.commands.describe import received
from trialstats.describe import Received
from trialstats.describe.families import split_name
from trialstats.describe.visits import visit_word
from trialstats.describe.words import code, label
from trialstats.raw import RawTable

#: Configuration shipped -> files below the folder of the published trials.
TRIALS = {
    "acupuncture_headache": ["acupuncture_headache/acupuncture.csv"],
    "antidepressant_hamd17": ["antidepressant_hamd17/antidepressant_hamd17.csv"],
    "cdiscpilot01": [
        f"cdiscpilot01/{name}"
        for name in (
            *("adae.xpt", "adqsadas.csv.gz", "adqsadas_actot.csv", "adqscibc.xpt"),
            *("adsl.xpt", "adtte.xpt"),
        )
    ],
    "cgd_interferon": ["cgd_interferon/cgd.csv"],
    "crohn_ae_counts": ["crohn_ae_counts/CrohnD.csv"],
    "hsaur_respiratory": ["hsaur_respiratory/respiratory.csv"],
    "indo_rct": ["indo_rct/indo_rct.csv"],
    "xo_ashina_headache": ["xo_ashina_headache/ashina.csv"],
    "xo_ema_replicate_be_1": ["xo_ema_replicate_be/DS01.csv"],
    "xo_ema_replicate_be_2": ["xo_ema_replicate_be/DS02.csv"],
    "xo_senn_asthma_pef": ["xo_senn_asthma_pef/asthma_2.csv"],
}

_BE = "subject subj period per sequence seq treatment formulation PK Cmax logPK lnCmax"

#: Names that another statistician could have given; others get a word in front.
SYNONYMS = {
    "acupuncture_headache": "id patient_no age age_years sex gender group allocation "
    "acupuncturist therapist practice_id surgery pk1 score_m0 pk2 score_m3 "
    "pk5 score_m12 f1 days_m0 f2 days_m3 f5 days_m12",
    "antidepressant_hamd17": "PATIENT SUBJ HAMATOTL HAMA PGIIMP PGI RELDAYS DAYNUM "
    "VISIT VISITNO THERAPY TRT GENDER SEX POOLINV SITE BASVAL BASELINE "
    "HAMDTL17 HAMD CHANGE DELTA",
    "cgd_interferon": "id subject_no center hospital random randomized treat arm sex "
    "gender age age_y height ht weight wt tstart start tstop stop status event",
    "crohn_ae_counts": "ID pat nrAdvE ae_count BMI body_mass_index height height_cm "
    "country nation sex gender age age_years weight weight_kg treat randomised_arm",
    "hsaur_respiratory": "centre clinic treatment arm gender sex age age_yr "
    "status condition month visit_month subject patient",
    "indo_rct": "id patient site hospital age age_years gender sex outcome response "
    "rx treatment_group",
    "xo_ashina_headache": "vas.active pain_verum vas.plac pain_placebo grp seq_group",
    "xo_ema_replicate_be_1": _BE,
    "xo_ema_replicate_be_2": _BE,
    "xo_senn_asthma_pef": "pef peak_flow period phase treatment drug subject child "
    "sequence order sex gender baseline pre",
}

#: Variables that a draft knows by their values, or by the label in the file.
_KNOWN = {
    *("AGE", "WEIGHTBL", "HEIGHTBL", "BMIBL", "RANDDT", "TRTSDT", "EOSSTT", "DCSREAS"),
    *("TRT01P", "TRTSEQP", "NEVENTS", "FUTIME"),
}
_KNOWN_BY_LABEL = {
    *("SITEID", "TRTEDT", "RACE", "SEX", "SAFFL", "ITTFL", "EFFFL", "DCDECOD"),
    *("DCREASCD",),
}


def files_of(shared: Path, trial: str) -> list[Received]:
    """Return the files of a published trial."""
    folder = shared / "trials"
    return [file for name in TRIALS[trial] for file in received(str(folder / name))]


def synonyms(files: list[Received], trial: str) -> dict[str, str]:
    """Return a plausible other name for every column."""
    words = SYNONYMS.get(trial, "").split()
    given = dict(zip(words[::2], words[1::2], strict=True))
    names = dict.fromkeys(name for f in files for name in f.table.column_names)
    return {name: given.get(name, f"x_{name.lower()}") for name in names}


def neutral(files: list[Received], trial: str) -> dict[str, str]:
    """Return names that say nothing: var1, var2, ..."""
    names = dict.fromkeys(name for f in files for name in f.table.column_names)
    return {name: f"var{number}" for number, name in enumerate(names, 1)}


def renamed(files: list[Received], names: Mapping[str, str]) -> list[Received]:
    """Return files with other names of their columns."""
    return [replace(file, table=_renamed(file.table, names)) for file in files]


def _renamed(table: RawTable, names: Mapping[str, str]) -> RawTable:
    return RawTable(
        table.file,
        tuple(replace(column, name=names[column.name]) for column in table.columns),
        table.cells.rename_columns([names[name] for name in table.column_names]),
        table.rows,
        {names[name]: kinds for name, kinds in table.kinds.items()},
    )


def shuffled(file: Received, order: Any) -> Received:
    """Return a file with its rows in another order."""
    return replace(file, table=file.table.take(order))


def mapped(
    config: Mapping[str, Any], names: Mapping[str, str], *, silent: bool, labelled: bool
) -> dict[str, Any]:
    """Return a configuration with the new names of columns and what follows from them.

    Parameters
    ----------
    config : mapping
        Configuration shipped for the files as published.
    names : mapping
        Name of each column to its new name.
    silent : bool
        Whether the new names say nothing, so that visits of columns are only counted.
    labelled : bool
        Whether the files label their columns.
    """
    new = copy.deepcopy(dict(config))
    kept = _KNOWN | (_KNOWN_BY_LABEL if labelled else set())
    adsl = new["adsl"]
    adsl["subject"] = names.get(adsl["subject"], adsl["subject"])
    variables = {}
    codes = {}
    for name, spec in adsl["variables"].items():
        if "column" not in spec:
            variables[name] = {**spec, "derive": _expression(spec["derive"], codes)}
            continue
        column = spec["column"]
        sex = "recode" in spec or names[column] in ("sex", "gender")
        known = name in kept or (name == "SEX" and sex)
        if not known and name == code(column):
            codes[name] = code(names[column])
        if spec["label"] == label(column) and not known:
            spec["label"] = label(names[column])
        variables[codes.get(name, name)] = _columns(spec, names)
    adsl["variables"] = variables
    for source in new["sources"].values():
        source["key"] = [names.get(column, column) for column in source["key"]]
        for rule in source.get("set_aside", []):
            rule["when"] = _expression(rule["when"], names)
    new["analysis_sets"] = {
        name: _expression(text, codes) for name, text in new["analysis_sets"].items()
    }
    new["bds"] = {
        name: spec
        for old, old_spec in config.get("bds", {}).items()
        for name, spec in [_parameter(old, copy.deepcopy(old_spec), names, silent)]
    }
    if not new["bds"]:
        del new["bds"]
    for spec in new.get("adtte", {}).values():
        spec["event"] = _expression(spec["event"], names)
        spec["time"] = _columns(spec["time"], names)
    for variable, spec in new.get("adae", {}).get("variables", {}).items():
        new["adae"]["variables"][variable] = _columns(spec, names)
    return _other_treatments(new, config, names, silent)


def _columns(node: Any, names: Mapping[str, str]) -> Any:
    """Return a node with the new names under its keys that name columns."""
    return {
        key: names.get(value, value)
        if key in ("column", "by")
        else _columns(value, names)
        if isinstance(value, Mapping) and key == "units"
        else value
        for key, value in node.items()
    }


def _expression(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"(?<!['\w])\w+(?!['\w])", lambda m: names.get(m[0], m[0]), text)


def _parameter(
    name: str, spec: dict[str, Any], names: Mapping[str, str], silent: bool
) -> tuple[str, dict[str, Any]]:
    visits = spec["visits"]
    if "where" in spec:
        spec["where"] = _expression(spec["where"], names)
    for key in ("value", "date", "treatment", "baseline"):
        if isinstance(spec.get(key), Mapping):
            spec[key] = _columns(spec[key], names)
    if "as_received" in spec:
        spec["as_received"] = {k: names[v] for k, v in spec["as_received"].items()}
    if "period" in visits:
        visits["period"] = names[visits["period"]]
    old, stem = _stems(spec, visits, names, silent)
    if name == code(old):
        name = code(stem)
    if spec["label"] == label(old):
        spec["label"] = label(stem)
    if "columns" in visits:
        visits["columns"] = _wide(visits["columns"], names, silent)
    elif "column" in visits:
        word = visit_word(visits["column"])
        visits["column"] = names[visits["column"]]
        fresh = visit_word(visits["column"])
        visits["names"] = {
            re.sub(rf"^{word} (?=\d)", f"{fresh} ", visit)
            if "received" in given
            else visit: given
            for visit, given in visits["names"].items()
        }
    return name, spec


def _stems(
    spec: dict[str, Any], visits: dict[str, Any], names: Mapping[str, str], silent: bool
) -> tuple[str, str]:
    """Return what code and label were made from, and what they are made from now."""
    if "columns" not in visits:
        new = spec["value"]["column"]
        return {fresh: name for name, fresh in names.items()}[new], new
    first = next(iter(visits["columns"]))
    stem = (split_name(first) or [re.split(r"[._ -]", first)[0]])[0]
    fresh = names[first]
    if silent:
        return stem, fresh
    return stem, (split_name(fresh) or [re.split(r"[._ -]", fresh)[0]])[0]


def _wide(
    columns: Mapping[str, Any], names: Mapping[str, str], silent: bool
) -> dict[str, Any]:
    found = {}
    for place, (column, given) in enumerate(columns.items(), 1):
        split = split_name(names[column])
        if split and "treatment" not in given and given["visit"] != "Baseline":
            number = float(place) if silent else split[2]
            word = "Visit" if silent else split[1]
            given = {"visit": f"{word} {number:g}", "number": number}
        found[names[column]] = given
    return found


def _other_treatments(
    new: dict[str, Any],
    config: Mapping[str, Any],
    names: Mapping[str, str],
    silent: bool,
) -> dict[str, Any]:
    """Return a configuration with new names of treatments named after columns."""
    words = {
        given["treatment"]: names[column]
        if silent
        else names[column].rpartition("_")[2].capitalize()
        for spec in config.get("bds", {}).values()
        for column, given in spec["visits"].get("columns", {}).items()
        if "treatment" in given
    }
    if not words:
        return new
    pattern = re.compile("|".join(words))

    def changed(node: Any) -> Any:
        if isinstance(node, Mapping):
            return {changed(k): changed(v) for k, v in node.items()}
        if isinstance(node, list):
            return [changed(item) for item in node]
        if isinstance(node, str):
            return pattern.sub(lambda m: words[m[0]], node)
        return node

    for key in ("arms", "sequences", "adsl", "bds"):
        new[key] = changed(new[key])
    return new
