"""Draw the evidence map."""

from _step import run

from trialstats import io
from trialstats.analyses.evidence import EVIDENCE
from trialstats.figures.evidence import evidence_map_alt_text, evidence_map_plot
from trialstats.figures.render import render

TITLE = "What the published trials offer"


def main(evidence: str, svg: str, png: str, pdf: str) -> None:
    mapped = io.read_table(evidence, EVIDENCE)
    figure = evidence_map_plot(mapped, title=TITLE)
    alt = evidence_map_alt_text(mapped, title=TITLE)
    for path, form in ((svg, "svg"), (png, "png"), (pdf, "pdf")):
        io.write_bytes(render(figure, form, title=TITLE, alt=alt), path)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
