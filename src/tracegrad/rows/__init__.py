"""The rows of the primitive table, by kind: importing a file enters its rows into the table."""

# the order of the table
from tracegrad.rows import operators, gates, functions, pieces, samples, steps  # noqa: I001

__all__ = ["functions", "gates", "operators", "pieces", "samples", "steps"]
