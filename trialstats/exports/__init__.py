"""Clean datasets in the formats that others read, with their documentation.

SAS transport files and Dataset-JSON hold the rows, Define-XML and the data dictionary
say what they mean. Tables in, bytes out: whoever calls writes the files.
"""

from trialstats.exports.dataset_json import to_dataset_json, to_dataset_ndjson
from trialstats.exports.define_xml import Standard, to_define_xml
from trialstats.exports.dictionary import (
    DATA_DICTIONARY,
    data_dictionary,
    metadata_gaps,
)
from trialstats.exports.study import NO_TIME, Dataset, Study
from trialstats.exports.trial_files import (
    FORMATS,
    dataset_of,
    datasets_of,
    export_names,
    export_trial,
    key_names,
    keys_of,
    trial_datasets,
)
from trialstats.exports.xport import to_xport

__all__ = [
    "DATA_DICTIONARY",
    "FORMATS",
    "NO_TIME",
    "Dataset",
    "Standard",
    "Study",
    "data_dictionary",
    "dataset_of",
    "datasets_of",
    "export_names",
    "export_trial",
    "key_names",
    "keys_of",
    "metadata_gaps",
    "to_dataset_json",
    "to_dataset_ndjson",
    "to_define_xml",
    "to_xport",
    "trial_datasets",
]
