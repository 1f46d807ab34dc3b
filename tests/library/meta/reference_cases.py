"""Compare every number of the reference files of metafor and meta with ours.

A test module gives one function a family that returns our results of a case in the
shape of the case; the walk below then looks up every leaf of the reference and holds
ours against it. A case that is not matched must be listed, with its reason, in
`disagreements/<family>.yaml`; where only some of its values differ, these are listed,
such as "vi[8]", and all others are held against ours. What is listed and agrees is an
error too, so the list cannot outlive its reasons.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from trialstats.errors import TrialstatsError

HERE = Path(__file__).resolve().parent

#: Number of cases in each reference file; a smaller file or a dropped case fails.
CASES: dict[str, int] = {
    "meta.metabin_bcg": 106,
    "meta.metabin_collins1985b": 77,
    "meta.metabin_egger2001": 73,
    "meta.metacont_normand1999": 52,
    "meta.metacor_molloy2014": 13,
    "meta.metainc_nielweise2008": 8,
    "meta.metaprop_pritz1997": 18,
    "metafor.bias_diag.bangertdrowns2004": 99,
    "metafor.bias_diag.bcg_RR": 99,
    "metafor.bias_diag.egger2001_OR": 99,
    "metafor.bias_diag.hackshaw1998": 83,
    "metafor.bias_diag.li2007_RR": 99,
    "metafor.bias_diag.molloy2014_ZCOR": 99,
    "metafor.escalc.alpha": 3,
    "metafor.escalc.change": 22,
    "metafor.escalc.cor": 7,
    "metafor.escalc.hwe": 1,
    "metafor.escalc.mean1": 10,
    "metafor.escalc.mean2": 49,
    "metafor.escalc.paired22": 10,
    "metafor.escalc.prop1": 22,
    "metafor.escalc.ptime1": 8,
    "metafor.escalc.ptime2": 15,
    "metafor.escalc.t22": 96,
    "metafor.escalc.ustat": 10,
    "metafor.mh_peto.bcg": 30,
    "metafor.mh_peto.nielweise2007": 30,
    "metafor.mh_peto.nielweise2008_IRR": 18,
    "metafor.mh_peto.yusuf1985_t6": 30,
    "metafor.rma_glmm.bcg_OR": 10,
    "metafor.rma_glmm.nielweise2007_OR": 14,
    "metafor.rma_glmm.nielweise2008_IRR": 9,
    "metafor.rma_glmm.pritz1997_PLO": 4,
    "metafor.rma_mv.berkey1998": 13,
    "metafor.rma_mv.konstantopoulos2011": 16,
    "metafor.rma_mv.permutest_bcg": 1,
    "metafor.rma_uni.bangertdrowns2004": 166,
    "metafor.rma_uni.bcg_OR": 166,
    "metafor.rma_uni.bcg_RD": 166,
    "metafor.rma_uni.bcg_RR": 261,
    "metafor.rma_uni.curtis1998_ROM": 137,
    "metafor.rma_uni.edge_homog_k3": 108,
    "metafor.rma_uni.edge_hugeI2": 108,
    "metafor.rma_uni.edge_k2": 108,
    "metafor.rma_uni.gibson2002_SMD": 137,
    "metafor.rma_uni.hackshaw1998": 166,
    "metafor.rma_uni.konstantopoulos2011": 137,
    "metafor.rma_uni.molloy2014_ZCOR": 167,
    "metafor.rma_uni.nielweise2007_OR": 108,
    "metafor.rma_uni.normand1999_MD": 108,
    "metafor.rma_uni.pritz1997_PLO": 109,
    "metafor.rma_uni.raudenbush1985": 166,
    "metafor.rma_uni.sim_k40": 108,
    "metafor.rma_uni.yusuf1985_t6_PETO": 108,
}

#: Text that stands for a number in the files.
_WORDS = {"NaN": math.nan, "Inf": math.inf, "-Inf": -math.inf, None: math.nan}


def files_of(family: str) -> list[str]:
    """Return the reference files of a family, such as "metafor.rma_uni"."""
    return [name for name in CASES if name.startswith(family)]


def read_reference(shared: Path, name: str) -> dict[str, Any]:
    """Return one reference file, complete."""
    path = shared / "reference" / "json" / f"{name}.json"
    reference: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert len(reference["cases"]) == CASES[name], f"{name}: not all cases are there"
    return reference


def read_data(shared: Path, csv: str) -> pd.DataFrame:
    """Return a data set of the reference."""
    return pd.read_csv(shared / "reference" / "data" / csv)


@dataclass(frozen=True)
class Tolerance:
    """How near ours must be: relative, or absolute below `floor`.

    `floor` is the size below which a number is zero by the rounding of what it was
    computed from; say where a family needs another one.
    """

    relative: float
    floor: float = 1e-12
    #: Part of a case's or leaf's name -> its own relative tolerance.
    special: Mapping[str, float] = field(default_factory=dict)
    #: Part of a case's or leaf's name -> its own floor.
    floors: Mapping[str, float] = field(default_factory=dict)

    def floor_of(self, where: str) -> float:
        """Return the size below which a leaf is zero."""
        return next((v for k, v in self.floors.items() if k in where), self.floor)

    def of(self, where: str) -> float:
        """Return the relative tolerance of a leaf."""
        return next((v for k, v in self.special.items() if k in where), self.relative)


@dataclass(frozen=True)
class Family:
    """One family of reference files and how ours are computed and compared.

    `compute(case, reference)` returns our results in the shape of the case's
    "results": mappings by name, lists or arrays in the same order. `ignored` names
    the leaves (last part of the path, or the whole path) that ours does not have, each
    with the reason.
    """

    name: str
    compute: Callable[[dict[str, Any], dict[str, Any]], Any]
    tolerance: Tolerance
    ignored: Mapping[str, str] = field(default_factory=dict)

    @property
    def listed(self) -> dict[str, str | dict[str, str]]:
        """Return what is known not to agree.

        "<file> <id>" -> reason for a case, or value -> reason.
        """
        path = HERE / "disagreements" / f"{self.name}.yaml"
        if not path.exists():
            return {}
        return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def check_file(family: Family, shared: Path, name: str) -> None:
    """Hold every leaf of every case of a file against ours."""
    reference = read_reference(shared, name)
    listed = family.listed
    problems = []
    for case in reference["cases"]:
        found = list(differences(family, case, reference))
        known = listed.get(f"{name} {case['id']}", {})
        if isinstance(known, str):
            if not found:
                problems.append(f"{case['id']}: listed as different, but it agrees")
            continue
        values = {text.split(": ", 1)[0]: text for text in found}
        problems += [
            f"{case['id']}: {value} is listed as different, but it agrees"
            for value in known.keys() - values.keys()
        ]
        others = [text for value, text in values.items() if value not in known]
        problems += [f"{case['id']}: {text}" for text in others[:4]]
    assert not problems, f"{name}: {len(problems)}\n" + "\n".join(problems[:40])


def differences(
    family: Family, case: dict[str, Any], reference: dict[str, Any]
) -> Iterator[str]:
    """Yield what differs in one case.

    Where R gave an error or nothing, ours gives a result or an error with a name; a
    crash of another kind is a difference anywhere.
    """
    given = case["status"] == "ok" and case["results"] != []
    try:
        ours = family.compute(case, reference)
    except TrialstatsError as error:
        if given:
            yield f"refused: {error}"
        return
    if given:
        tolerance = family.tolerance
        for path, theirs in leaves(case["results"]):
            if path[-1] in family.ignored or ".".join(path) in family.ignored:
                continue
            yield from _compare(path, theirs, ours, case["id"], tolerance)


def leaves(
    tree: Any, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every scalar or list of scalars with the names that lead to it."""
    if isinstance(tree, dict):
        for name, branch in tree.items():
            yield from leaves(branch, (*path, str(name)))
    elif isinstance(tree, list) and any(isinstance(x, dict | list) for x in tree):
        for i, branch in enumerate(tree):
            yield from leaves(branch, (*path, str(i)))
    else:
        yield path, tree


def _compare(
    path: tuple[str, ...], theirs: Any, ours: Any, case: str, tolerance: Tolerance
) -> Iterator[str]:
    where = ".".join(path)
    try:
        for part in path:
            ours = ours[int(part)] if isinstance(ours, list | tuple) else ours[part]
    except (KeyError, IndexError, TypeError):
        yield f"{where}: absent in ours"
        return
    left, right = _flat(theirs), _flat(ours)
    if len(left) != len(right):
        yield f"{where}: {len(left)} values, ours has {len(right)}"
        return
    relative = tolerance.of(f"{case} {where}")
    floor = tolerance.floor_of(f"{case} {where}")
    for i, (a, b) in enumerate(zip(left, right, strict=True)):
        if not _near(a, b, relative, floor):
            yield f"{where}[{i}]: {a!r}, ours {b!r}"


def _flat(value: Any) -> list[Any]:
    if isinstance(value, str) or value is None or np.isscalar(value):
        value = [value]
    return [_WORDS.get(x, x) if isinstance(x, str | None) else x for x in value]


def _near(theirs: Any, ours: Any, relative: float, floor: float) -> bool:
    if isinstance(theirs, str | bool):
        return bool(theirs == ours)
    if math.isnan(theirs):
        # NA in R: ours has no number either.
        return ours is None or bool(np.isnan(ours))
    if ours is None or math.isnan(ours):
        return False
    if math.isinf(theirs):
        return bool(theirs == ours)
    return bool(abs(theirs - ours) <= max(floor, relative * abs(theirs)))
