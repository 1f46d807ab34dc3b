"""Say in small tables what cleaning made of one trial: account, changes, variables."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from _step import run

from trialstats import cleaning_rows, exports, io
from trialstats.clean.steps import account_summary


def main(
    adsl: str,
    bds: str,
    adae: str,
    adtte: str,
    account: str,
    steps: str,
    changes: str,
    dictionary: str,
    *,
    config: Mapping[str, Any],
) -> None:
    counted, changed = account_summary(io.table_parts(account))
    io.write_table(counted, steps, cleaning_rows.STEPS)
    io.write_table(changed, changes, cleaning_rows.CHANGES)
    paths = {"adsl": adsl, "bds": bds, "adae": adae, "adtte": adtte}
    files: dict[str, str] = {}
    listed = []
    for name in exports.datasets_of(config):
        schema = io.read_schema(paths[name])
        rows = io.read_columns(paths[name], exports.key_names(name, schema))
        keys = exports.keys_of(name, rows)
        dataset = exports.dataset_of(name, schema.empty_table(), keys)
        files[dataset.name] = paths[name]
        listed.append(dataset)

    def columns(dataset: str, names: list[str]) -> pa.Table:
        return io.read_columns(files[dataset], names)

    made = exports.data_dictionary(listed, read=columns)
    io.write_table(made, dictionary, exports.DATA_DICTIONARY)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
