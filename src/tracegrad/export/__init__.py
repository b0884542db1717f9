"""Exporters: one file per format, each reading :class:`tracegrad.document.Annotated` only."""
