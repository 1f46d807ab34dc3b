"""Rows of the estimates in, figures out; nothing is estimated here."""
