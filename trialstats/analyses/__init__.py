"""A configured analysis or synthesis in, rows of the estimates out."""
