"""The program inside a run that executes user code."""
