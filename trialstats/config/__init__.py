"""Configuration: loading, checking against schemas, messages that name the remedy."""
