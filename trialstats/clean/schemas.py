"""The schemas of a trial's BDS, ADAE and ADTTE: every variable with where it is from.

Names and types are those of `trialstats.rows`; origin, source, derivation and units
follow from the configuration.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from trialstats.clean.wording import (
    analysed_of,
    baseline_of,
    by_parameter,
    changes_of,
    dtypes_of,
    origin_of,
    responder_of,
    source_of,
    value_of,
    visits_of,
)
from trialstats.rows import (
    ADAE,
    ADAE_FURTHER,
    ADTTE,
    BDS,
    CROSSOVER,
    field,
    with_fields,
)

Config = Mapping[str, Any]

#: What is told of a variable: unit, origin, source, derivation, codelist.
Told = dict[str, Any]

#: Values of coded variables of adverse events; any other would be counted as none.
EVENT_CODES: Mapping[str, tuple[str, ...]] = {
    "AESER": ("Y", "N"),
    "AEREL": ("RELATED", "NOT RELATED"),
    "AESEV": ("MILD", "MODERATE", "SEVERE"),
    "AETOXGR": ("1", "2", "3", "4", "5"),
    "AESDTH": ("Y", "N"),
    "TRTEMFL": ("Y", "N"),
}

_FURTHER = tuple(one.name for one in ADAE_FURTHER)


def bds_schema(config: Config) -> pa.Schema:
    """Return the variables of a trial's BDS.

    Parameters
    ----------
    config : mapping
        The trial's configuration.
    """
    crossover = config["design"] == "crossover"
    schema = with_fields(BDS, CROSSOVER) if crossover else BDS
    return _told(schema, _bds_words(config))


def adae_schema(config: Config) -> pa.Schema:
    """Return the variables of a trial's ADAE; further ones only where configured."""
    spec = config.get("adae", {})
    variables = spec.get("variables", {})
    further = [one for one in ADAE_FURTHER if one.name in variables]
    return _told(with_fields(ADAE, further), _adae_words(config, spec))


def adtte_schema(config: Config) -> pa.Schema:
    """Return the variables of a trial's ADTTE."""
    return _told(ADTTE, _adtte_words(config))


def _told(schema: pa.Schema, words: Mapping[str, Told]) -> pa.Schema:
    """Return a schema whose fields carry what is told of each."""
    fields = []
    for one in schema:
        known = {k.decode(): v.decode() for k, v in (one.metadata or {}).items()}
        told: Told = {"unit": known.get("unit")} | words[one.name]
        required = not one.nullable
        fields.append(
            field(one.name, one.type, known["label"], required=required, **told)
        )
    return pa.schema(fields)


def _derived(text: str, **further: Any) -> Told:
    return {"origin": "Derived", "derivation": text} | further


def _from_adsl(name: str) -> Told:
    return {"origin": "Predecessor", "source": f"ADSL.{name}"}


def _subject(config: Config) -> dict[str, Told]:
    """Return what is told of the variables that all datasets share."""
    return {
        "STUDYID": {"origin": "Assigned"},
        "USUBJID": _from_adsl("USUBJID"),
        "TRT01P": _from_adsl("TRT01P"),
    }


def _planned(config: Config, when: str) -> Told:
    if config["design"] == "crossover":
        return _derived(f"the treatment of {when} in the sequence TRTSEQP")
    return _from_adsl("TRT01P")


def _day(date: str) -> Told:
    return _derived(
        f"{date} - TRTSDT, plus 1 from TRTSDT on: day 1 is TRTSDT, the day before is "
        "day -1"
    )


def _bds_words(config: Config) -> dict[str, Told]:
    parameters: dict[str, Config] = dict(config.get("bds", {}))
    responders = config.get("responders", {})
    of = {code: parameters[spec["of"]] for code, spec in responders.items()}
    made = {code: value_of(one) for code, one in parameters.items()}
    made |= {code: responder_of(spec) for code, spec in responders.items()}
    unit = by_parameter({c: str(one["unit"]) for c, one in parameters.items()}) or None
    like = {code: f"that of {spec['of']}" for code, spec in responders.items()}
    visits = {code: visits_of(one) for code, one in parameters.items()} | like
    analysed = {code: analysed_of(one) for code, one in parameters.items()}
    analysed |= dict.fromkeys(of, "Y on every record")
    base = {code: baseline_of(one) for code, one in parameters.items()}
    dated = {code: _dated(one) for code, one in parameters.items()}
    sources = list(dict.fromkeys(filter(None, map(source_of, parameters.values()))))
    dates = list(dict.fromkeys(filter(None, dated.values())))
    return {
        **_subject(config),
        "TRTP": _planned(config, "APERIOD"),
        "PARAMCD": {"origin": "Assigned"},
        "PARAM": {"origin": "Assigned"},
        "AVISIT": _derived(by_parameter(visits)),
        "AVISITN": {"origin": "Assigned"},
        "ADT": {
            "origin": "Collected",
            "source": "; ".join(dates) or "no date received",
        },
        "ADY": _day("ADT"),
        "AVAL": _derived(
            by_parameter(made),
            source="; ".join(sources) or None,
            unit=unit,
        ),
        "AVALC": _derived(_in_letters(responders)),
        "BASE": _derived(
            by_parameter(base) or "no parameter has a baseline", unit=unit
        ),
        "CHG": _derived("AVAL - BASE; missing at baseline", unit=unit),
        "PCHG": _derived("100 * CHG / BASE; missing where BASE is 0"),
        "ABLFL": _derived("Y on the record that is the baseline", codelist=["Y"]),
        "ANL01FL": _derived(
            by_parameter(analysed) or "Y on analysed records", codelist=["Y"]
        ),
        "DTYPE": _dtype(config),
        "APERIOD": _derived("the latest period that has started, or as received"),
        "TRTSEQP": _from_adsl("TRTSEQP"),
    }


def _dated(parameter: Config) -> str:
    """Return the columns that hold the dates of a parameter, empty without any."""
    if "from" not in parameter:
        return ""
    own = [parameter["date"]["column"]] if "date" in parameter else []
    columns = parameter["visits"].get("columns", {}).values()
    own += [visit["date"] for visit in columns if "date" in visit]
    return f"{parameter['from']}.{', '.join(own)}" if own else ""


def _in_letters(responders: Config) -> str:
    if not responders:
        return "no parameter has values in letters"
    return f"Y where AVAL is 1, N where it is 0, of {', '.join(responders)}"


def _dtype(config: Config) -> Told:
    received = [
        f"{one['from']}.{one['as_received']['DTYPE']}"
        for one in config.get("bds", {}).values()
        if "DTYPE" in one.get("as_received", {})
    ]
    meant = dtypes_of(config)
    words = [f"{name}: {what}" for name, what in meant.items()]
    words += [f"{column} as received" for column in dict.fromkeys(received)]
    # Codes as received are not known before the data are read.
    codes = [] if received else list(meant)
    text = "; ".join(words) or "no record is derived"
    return _derived(f"{text}. Missing on records received", codelist=codes)


def _adae_words(config: Config, spec: Config) -> dict[str, Told]:
    variables = spec.get("variables", {})
    received = {
        name: origin_of(variable, spec["from"]) for name, variable in variables.items()
    }
    absent: Told = {"origin": "Collected", "source": "not collected in this trial"}
    words: dict[str, Told] = {
        name: {k: v for k, v in received.get(name, absent).items() if k != "codelist"}
        for name in ("AETERM", "ASTDT", "AESEV", "AESER", "AEREL", *_FURTHER)
    }
    emergent = _derived("Y where ASTDY is 1 or more", codelist=["Y"])
    words["TRTEMFL"] = received.get("TRTEMFL", emergent)
    for name, codes in EVENT_CODES.items():
        if name != "TRTEMFL" or name in received:
            words[name] |= {"codelist": list(codes)}
    return {
        **_subject(config),
        **words,
        "TRTP": _planned(config, "the period that has started at ASTDT"),
        "AESEQ": _derived("1, 2, ... within the subject, by ASTDT and AETERM"),
        "AEDECOD": received.get("AEDECOD", _derived("AETERM as reported")),
        "ASTDY": _day("ASTDT"),
    }


def _adtte_words(config: Config) -> dict[str, Told]:
    specs = config.get("adtte", {})
    units = {code: str(spec.get("unit", "days")) for code, spec in specs.items()}
    starts = {code: _start(spec) for code, spec in specs.items()}
    ends = {code: _end(spec) for code, spec in specs.items()}
    return {
        **_subject(config),
        "PARAMCD": {"origin": "Assigned"},
        "PARAM": {"origin": "Assigned"},
        "STARTDT": _derived(by_parameter(starts) or "no time follows from dates"),
        "ADT": _derived(by_parameter(ends) or "no time follows from dates"),
        "AVAL": _derived(
            by_parameter({code: _time(spec) for code, spec in specs.items()})
            or "no time to an event",
            unit=by_parameter(units) or None,
        ),
        "AVALU": {"origin": "Assigned"},
        "CNSR": _derived(
            by_parameter({code: _event(spec) for code, spec in specs.items()})
            or "no time to an event"
        ),
        "EVNTDESC": _derived("the event where CNSR is 0, Censored where it is 1"),
    }


def _start(spec: Config) -> str:
    return f"ADSL.{spec['start']}" if "start" in spec else ""


def _end(spec: Config) -> str:
    if "start" not in spec:
        return ""
    return f"ADSL.{spec['event_date']} of an event, else ADSL.{spec['censor_date']}"


def _time(spec: Config) -> str:
    unit = spec.get("unit", "days")
    if "start" in spec:
        divided = "" if unit == "days" else f", in {unit}"
        return f"ADT - STARTDT + 1{divided}"
    where = f" where {spec['where']}" if "where" in spec else ""
    time = {"unit": unit, **spec["time"]}
    words = [f"{spec['from']}.{time.get('column') or time.get('derive')}{where}"]
    words += changes_of(time)
    return "; ".join([*words, "of the first event, without one the last"])


def _event(spec: Config) -> str:
    if "event" in spec:
        return f"0 where {spec['event']}, else 1"
    return f"0 where {spec['event_date']} is present, else 1"
