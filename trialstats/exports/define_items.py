"""The parts of a Define-XML that describe variables, and what these refer to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from trialstats.exports.codelists import codelist_of, parameter_meanings
from trialstats.exports.study import Dataset
from trialstats.exports.variables import Codelist, Variable
from trialstats.exports.xport import LONGEST_NAME, SAS_EPOCH

#: Kind of a variable -> its type in Define-XML. Dates of analysis datasets are numbers.
DATA_TYPES = {
    "text": "text",
    "integer": "integer",
    "number": "float",
    "date": "integer",
}

LANGUAGE = "en"

#: Said of a variable that no row has a value of.
NO_DATA = "No row of this dataset has a value."


@dataclass(slots=True)
class Parts:
    """Parts of a document in the order in which the standard lists them."""

    collected_by: str
    few: int
    value_lists: list[Element] = field(default_factory=list)
    conditions: list[Element] = field(default_factory=list)
    groups: list[Element] = field(default_factory=list)
    items: list[Element] = field(default_factory=list)
    codelists: list[Element] = field(default_factory=list)
    methods: list[Element] = field(default_factory=list)
    comments: list[Element] = field(default_factory=list)

    def in_order(self) -> Iterator[Element]:
        """Yield all parts."""
        yield from self.value_lists
        yield from self.conditions
        yield from self.groups
        yield from self.items
        yield from self.codelists
        yield from self.methods
        yield from self.comments


def sas_name(attribute: str, name: str) -> dict[str, str]:
    """Return the attribute that holds a name for SAS, nothing where it does not fit."""
    return {attribute: name} if len(name) <= LONGEST_NAME else {}


def described(parent: Element, text: str, tag: str = "Description") -> None:
    """Add a text in words to an element."""
    holder = SubElement(parent, tag)
    SubElement(holder, "TranslatedText", {"xml:lang": LANGUAGE}).text = text


def add_items(
    group: Element, dataset: Dataset, variables: tuple[Variable, ...], parts: Parts
) -> None:
    """Add the variables of a dataset to its group, and all they refer to to the parts.

    Parameters
    ----------
    group : Element
        The ``ItemGroupDef``; receives a reference to each variable.
    dataset : Dataset
    variables : tuple of Variable
        Those of the dataset.
    parts : Parts
        Receives definitions, codelists, derivations and comments.
    """
    value_list = _add_value_list(dataset, variables, parts)
    for order, variable in enumerate(variables, start=1):
        name = f"{dataset.name}.{variable.name}"
        reference = {
            "ItemOID": dataset.item_oid(variable.name),
            "OrderNumber": str(order),
            "Mandatory": "Yes" if variable.required else "No",
        }
        if variable.key is not None:
            reference["KeySequence"] = str(variable.key)
        if variable.derivation is not None:
            reference["MethodOID"] = f"MT.{name}"
            _add_method(name, variable.derivation, parts)
        if not variable.present:
            reference["def:HasNoData"] = "Yes"
        SubElement(group, "ItemRef", reference)
        item = _item(dataset, variable, variable.values, variable.label)
        if _add_comment(name, variable, parts):
            item.set("def:CommentOID", f"COM.{name}")
        codes = codelist_of(variable, variables, parts.few)
        if codes is not None:
            SubElement(item, "CodeListRef", {"CodeListOID": f"CL.{name}"})
            parts.codelists.append(_codelist(name, variable, codes))
        _add_origin(item, variable, parts.collected_by)
        if value_list is not None and variable.name == "AVAL":
            SubElement(item, "def:ValueListRef", {"ValueListOID": value_list})
        parts.items.append(item)


def _item(
    dataset: Dataset,
    variable: Variable,
    values: Sequence[Any],
    label: str | None,
    oid: str | None = None,
) -> Element:
    """Return the definition of a variable, or of its values for one parameter."""
    present = [value for value in values if value is not None]
    data_type = DATA_TYPES[variable.kind]
    if oid is not None and present and all(_is_whole(value) for value in present):
        data_type = "integer"
    attributes = {"OID": oid or dataset.item_oid(variable.name), "Name": variable.name}
    attributes |= sas_name("SASFieldName", variable.name)
    attributes["DataType"] = data_type
    if variable.kind == "text":
        longest = max((len(value) for value in present), default=1)
        attributes["Length"] = str(variable.length or max(longest, 1))
    else:
        if variable.kind == "date":
            present = [(value - SAS_EPOCH).days for value in present]
        before, after = digits_of(present)
        attributes["Length"] = str(before + after)
        if data_type == "float":
            attributes["SignificantDigits"] = str(after)
    if variable.kind == "date":
        attributes["def:DisplayFormat"] = "DATE9."
    item = Element("ItemDef", attributes)
    if label:
        described(item, label)
    return item


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | float) and float(value).is_integer()


def digits_of(numbers: Sequence[float]) -> tuple[int, int]:
    """Return how many digits stand before and after the decimal point at most.

    >>> digits_of([172.5, -3.25, 0.0])
    (3, 2)
    """
    before, after = 1, 0
    for number in numbers:
        digits, exponent = Decimal(repr(number)).normalize().as_tuple()[1:]
        before = max(before, len(digits) + int(exponent))
        after = max(after, -int(exponent))
    return before, after


def _add_value_list(
    dataset: Dataset, variables: tuple[Variable, ...], parts: Parts
) -> str | None:
    """Describe `AVAL` for each parameter when there are several; return the list."""
    by_name = {variable.name: variable for variable in variables}
    aval, codes = by_name.get("AVAL"), by_name.get("PARAMCD")
    if aval is None or codes is None or codes.kind != "text":
        return None
    listed = codes.distinct()
    if len(listed) < 2:
        return None
    list_oid = f"VL.{dataset.name}.AVAL"
    value_list = Element("def:ValueListDef", {"OID": list_oid})
    meanings = parameter_meanings(variables)
    for order, code in enumerate(listed, start=1):
        name = f"{dataset.name}.AVAL.{code}"
        reference = {"ItemOID": f"IT.{name}", "OrderNumber": str(order)}
        reference["Mandatory"] = "Yes" if aval.required else "No"
        if aval.derivation is not None:
            reference["MethodOID"] = f"MT.{dataset.name}.AVAL"
        item_ref = SubElement(value_list, "ItemRef", reference)
        SubElement(item_ref, "def:WhereClauseRef", {"WhereClauseOID": f"WC.{name}"})
        condition = Element("def:WhereClauseDef", {"OID": f"WC.{name}"})
        check = {"Comparator": "EQ", "SoftHard": "Soft"}
        check["def:ItemOID"] = dataset.item_oid("PARAMCD")
        range_check = SubElement(condition, "RangeCheck", check)
        SubElement(range_check, "CheckValue").text = code
        parts.conditions.append(condition)
        pairs = zip(codes.values, aval.values, strict=True)
        values = [value for its_code, value in pairs if its_code == code]
        label = meanings.get(code) or aval.label
        item = _item(dataset, aval, values, label, oid=f"IT.{name}")
        _add_origin(item, aval, parts.collected_by)
        parts.items.append(item)
    parts.value_lists.append(value_list)
    return list_oid


def _add_origin(item: Element, variable: Variable, collected_by: str) -> None:
    """Say where a variable comes from, as far as it is known."""
    if variable.origin is None:
        return
    attributes = {"Type": variable.origin}
    if variable.origin_source is not None:
        attributes["Source"] = variable.origin_source
    elif variable.origin == "Collected":
        attributes["Source"] = collected_by
    elif variable.origin in {"Derived", "Assigned"}:
        attributes["Source"] = "Sponsor"
    origin = SubElement(item, "def:Origin", attributes)
    if variable.source:
        described(origin, variable.source)


def _add_method(name: str, derivation: str, parts: Parts) -> None:
    attributes = {"OID": f"MT.{name}", "Name": f"Derivation of {name}"}
    method = Element("MethodDef", {**attributes, "Type": "Computation"})
    described(method, derivation)
    parts.methods.append(method)


def _add_comment(name: str, variable: Variable, parts: Parts) -> bool:
    """Say the unit, for which Define-XML has no other place, and that no data are."""
    remarks = [f"Unit: {variable.unit}."] if variable.unit else []
    if not variable.present:
        remarks.append(NO_DATA)
    if not remarks:
        return False
    comment = Element("def:CommentDef", {"OID": f"COM.{name}"})
    described(comment, " ".join(remarks))
    parts.comments.append(comment)
    return True


def _codelist(name: str, variable: Variable, codes: Codelist) -> Element:
    element = Element(
        "CodeList",
        {
            "OID": f"CL.{name}",
            "Name": f"Codes of {name}",
            "DataType": DATA_TYPES[variable.kind],
            "def:IsNonStandard": "Yes",
        },
    )
    for order, (code, meaning) in enumerate(codes.items(), start=1):
        written = str(int(code)) if _is_whole(code) else str(code)
        attributes = {"CodedValue": written, "OrderNumber": str(order)}
        if meaning is None:
            SubElement(element, "EnumeratedItem", attributes)
        else:
            described(
                SubElement(element, "CodeListItem", attributes), meaning, "Decode"
            )
    return element
