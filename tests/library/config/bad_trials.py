"""Two good trials, which tests spoil in one place each."""

from pathlib import Path
from typing import Any

import yaml

from trialstats.config.loading import read_trial

#: Name of the file that holds the trial.
FILE = "config/trials/bad.yaml"

PARALLEL = """
trial: BAD
title: A trial to be spoilt
data_status: synthetic
design: parallel
condition: pain
arms: {control: Placebo, treatments: [Active]}
sources:
  people: {file: data/raw/people.csv, key: [id]}
  sites: {file: data/raw/sites.csv, key: [site]}
  scores:
    files: {Week 4: data/raw/w4.csv, Week 8: data/raw/w8.csv}
    into: visit
    key: [id, visit]
    join: [{source: sites, "on": [site], columns: [country], cardinality: many-to-one}]
    derive: {half: "number(score) / 2", note: "strip(comment)"}
    set_aside: [{when: "note == 'void'", reason: void}]
  events: {file: data/raw/events.csv, key: [id, term]}
adsl:
  from: people
  subject: id
  variables:
    TRT01P: {column: arm, label: Arm, recode: {A: Active, P: Placebo}}
    RANDDT: {column: rand, type: date, label: Randomised}
    TRTSDT: {column: start, type: date, label: First dose}
    EOSDT: {column: end, type: date, label: End, partial: {month: middle, day: last}}
    WEIGHT:
      {column: kg, type: number, label: Weight, unit: kg, range: [30, 200],
       units: {column: unit}}
    HEIGHT: {column: cm, type: number, label: Height, unit: cm, units: {received: inch}}
    BMI: {derive: "WEIGHT / (HEIGHT / 100) ** 2", type: number, label: BMI}
    LASTV: {source: scores, take: last, by: day, column: visit, label: Last visit}
  flags:
    SAFFL: {label: Treated, when: present(TRTSDT)}
bds:
  PAIN:
    label: Pain
    unit: points
    better: lower
    from: scores
    where: item == 'pain'
    value: {column: score, range: [0, 10]}
    date: {column: day}
    visits:
      reference: TRTSDT
      windows:
        Baseline: {number: 0, days: [-7, 1]}
        Week 4: {number: 4, days: [20, 35]}
        Week 8: {number: 8, days: [48, 63]}
    baseline: Baseline
    records: [{dtype: LOCF}, {dtype: WORST, visit: Worst, until: EOSDT}]
  SLEEP:
    label: Sleep
    unit: hours
    from: scores
    value: {column: sleep}
    visits:
      column: visit
      names: {Week 4: {number: 4}, Week 8: {number: 8, received: [W8, Week 8]}}
  INDEX: {label: Index, unit: points, combine: 2 * PAIN + SLEEP}
responders:
  RESP: {label: Half, of: PAIN, when: PCHG <= -50, missing: absent}
adae:
  from: events
  variables:
    AETERM: {column: term, label: Term}
    ASTDT: {column: onset, type: date, label: Start}
adtte:
  RELAPSE:
    {label: Relapse, from: events, time: {column: days}, event: term == 'Relapse'}
  STOP: {label: Stop, start: TRTSDT, event_date: EOSDT, censor_date: EOSDT}
intercurrent_events:
  stopped: {label: Stopped treatment, when: present(EOSDT), date: EOSDT}
estimands:
  main:
    treatment: Active versus placebo
    population: everybody
    variable: change in pain at week 8
    intercurrent_events: {stopped: treatment policy}
    summary: difference in means
date_order: [RANDDT, TRTSDT, EOSDT]
analysis_sets: {ITT: present(TRT01P)}
analyses:
  pain:
    title: Pain at week 8
    role: primary
    estimand: main
    parameter: PAIN
    response: CHG
    at: Week 8
    analysis_set: ITT
    records: [LOCF]
    where: AVISITN > 0
    model: {type: ancova, covariates: [BASE]}
"""

CROSSOVER = """
trial: CROSSED
title: A crossover to be spoilt
data_status: synthetic
design: crossover
condition: pain
arms: {control: Placebo, treatments: [Active]}
sequences: {AP: [Active, Placebo], PA: [Placebo, Active]}
periods: [P1DT, P2DT]
sources:
  people: {file: data/raw/people.csv, key: [id]}
  wide: {file: data/raw/wide.csv, key: [id]}
  days: {file: data/raw/days.csv, key: [id, day]}
adsl:
  from: people
  subject: id
  variables:
    TRTSEQP: {column: seq, label: Sequence, recode: {AB: AP, BA: PA}}
    P1DT: {column: one, type: date, label: Period 1}
    P2DT: {column: two, type: date, label: Period 2}
    TRTSDT: {column: one, type: date, label: First dose}
bds:
  PAIN:
    label: Pain
    unit: points
    from: days
    value: {column: pain}
    date: {column: day}
    treatment: {column: drug, recode: {a: Active, p: Placebo}}
    visits:
      reference: period
      windows: {Start: {number: 0, days: [-7, -1]}, End: {number: 1, days: [10, 14]}}
    baseline: Start
  WIDE:
    label: Wide
    unit: points
    from: wide
    visits:
      columns:
        base: {visit: Base, number: 0}
        first: {visit: End, number: 1, period: 1}
        second: {visit: End, number: 1, period: 2}
    baseline: Base
  COUNT:
    label: Count
    unit: attacks
    from: days
    value: {column: n}
    visits: {visit: End, number: 1, period: per}
analysis_sets: {ITT: present(TRTSEQP)}
analyses: {}
"""

DROP = object()


def spoilt(text: str, place: str, value: Any) -> dict[str, Any]:
    """Return a trial with another value in one place, such as ``arms/control``."""
    content: dict[str, Any] = yaml.safe_load(text)
    *way, last = place.split("/")
    inner: Any = content
    for key in way:
        inner = inner[int(key)] if isinstance(inner, list) else inner[key]
    if value is DROP:
        del inner[last]
    elif isinstance(inner, list):
        inner[int(last)] = value
    else:
        inner[last] = value
    return content


def problems(folder: Path, content: Any) -> list[str]:
    """Return what is wrong with a trial, without the name of its file."""
    path = folder / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    dumped = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    path.write_text(dumped, encoding="utf-8")
    _, found = read_trial(folder, FILE)
    for one in found:
        assert one.startswith(FILE)
    return [one.removeprefix(FILE).removeprefix(", at ") for one in found]
