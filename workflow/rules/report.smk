"""The report and its manifest."""
