"""Write the report as a PDF, for paper."""

from _step import run

from trialstats import io
from trialstats.report.pdf import to_pdf


def main(page: str, pdf: str) -> None:
    io.write_bytes(to_pdf(io.read_text(page)), pdf)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
