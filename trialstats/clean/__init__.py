"""From raw files to ADaM-like datasets, with an account of every raw row."""
