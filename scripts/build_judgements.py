"""Check the judgements of people about trials and evidence; write them as Parquet."""

from collections.abc import Iterable, Sequence

from _step import run

from trialstats import evidence_rows, io
from trialstats.clean.judgements import judgement_frames


def main(
    risk_of_bias: str,
    certainty: str,
    studies: Sequence[str],
    *,
    trials: Iterable[str],
    syntheses: Iterable[str],
    **files: str,
) -> None:
    # The inputs are named by what they hold and `from_`, to differ from the outputs.
    tables = {name.removeprefix("from_"): path for name, path in files.items()}
    cells = {
        name: io.read_cells(path, may_be_empty=True) for name, path in tables.items()
    }
    names = [*trials, *(name for t in studies for name in io.read_table(t)["study"])]
    biased, graded = judgement_frames(
        cells, files=tables, trials=names, syntheses=syntheses
    )
    io.write_table(biased, risk_of_bias, evidence_rows.RISK_OF_BIAS)
    io.write_table(graded, certainty, evidence_rows.CERTAINTY)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
