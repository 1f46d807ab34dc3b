"""Double programming: every primary estimate once more, by another engine."""
