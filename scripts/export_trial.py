"""Write the datasets of one trial in the formats that others read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from _step import run

from trialstats import exports, io


def main(
    adsl: str,
    bds: str,
    adae: str,
    adtte: str,
    files: list[str],
    *,
    config: Mapping[str, Any],
    formats: Sequence[str],
) -> None:
    paths = {"adsl": adsl, "bds": bds, "adae": adae, "adtte": adtte}
    datasets = exports.trial_datasets(config, lambda name: io.read_columns(paths[name]))
    folder = f"../../datasets/{config['id']}/"
    made = exports.export_trial(config, datasets, formats, elsewhere=folder)
    for path in files:
        io.write_bytes(made[Path(path).name], path)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
