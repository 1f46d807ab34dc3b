"""Real trials of every design can be exported, and say where each variable is from."""

import pandas as pd
import pyreadstat
import pytest

from trialstats.clean.files import clean_files, dataset_schemas
from trialstats.config.checking import with_defaults
from trialstats.config.loading import SCHEMAS, load_yaml
from trialstats.config.raw_files import files_of
from trialstats.exports import FORMATS, export_trial, metadata_gaps, trial_datasets
from trialstats.io import read_columns, read_table

NAMES = [
    *("acupuncture_headache", "antidepressant_hamd17", "cdiscpilot01"),
    *("cgd_interferon", "crohn_ae_counts", "hsaur_respiratory", "indo_rct"),
    *("xo_ashina_headache", "xo_ema_replicate_be_1", "xo_ema_replicate_be_2"),
    "xo_senn_asthma_pef",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_real_trial_is_exported_whole(name, root, shared, tmp_path):
    file = root / f"config/examples/trials/config/trials/{name}.yaml"
    schema = load_yaml(SCHEMAS / "trial.schema.yaml")
    trial = with_defaults(load_yaml(file), schema) | {"id": name}
    for source in trial["sources"].values():
        for path in files_of(source).values():
            (place,) = (shared / "trials").rglob(path.rsplit("/", 1)[1])
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).symlink_to(place)
    files = {kind: str(tmp_path / f"{kind}.parquet") for kind in dataset_schemas(trial)}
    clean_files(trial, files, root=tmp_path)
    datasets = trial_datasets(trial, lambda kind: read_columns(files[kind]))
    assert metadata_gaps(datasets) == ()
    made = export_trial(trial, datasets, FORMATS)
    stems = {"ADSL": "adsl", "ADBDS": "bds", "ADAE": "adae", "ADTTE": "adtte"}
    for dataset in datasets:
        assert dataset.keys
        path = tmp_path / f"{dataset.name.lower()}.xpt"
        path.write_bytes(made[path.name])
        frame, _ = pyreadstat.read_xport(path)
        parquet = read_table(files[stems[dataset.name]])
        assert len(frame) == len(parquet) > 0
        for column in parquet.select_dtypes("number"):
            # Numbers are exact in the format of SAS.
            pd.testing.assert_series_equal(
                frame[column].astype("float64"),
                parquet[column].astype("float64"),
                check_exact=True,
            )
