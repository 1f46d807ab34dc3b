"""Commands of ``python -m trialstats``, one module each.

A command is a function that takes the arguments as `argparse` parsed them and returns
the code that the process ends with, and beside it one that adds its arguments.
"""
