"""The exceptions of tracegrad: one tree, so that one ``except`` catches all of them.

::

    TracegradError
    ├── TraceError            a function cannot be traced as it is written
    │   ├── EscapeError       a traced value would leave the trace, and its gradient with it
    │   ├── LeakError         a traced value is used after its trace ended, or in a foreign one
    │   └── UnsupportedError  an operation that has no row in the primitive table
    ├── InputError            the arguments, names or seeds given do not fit the function
    ├── CheckFailed           a gradient does not agree with differences of the function
    ├── GuardFailed           a replay took another path than the recorded one
    ├── GraphError            a graph breaks one of its laws (see ``Graph.lint``)
    ├── DocumentError         a file is not a tracegrad document
    ├── RenderError           a picture could not be laid out or rasterised
    └── MissingExtra          an optional package is not installed

A message says what happened, where in the user's file, and what to write instead.  The exceptions of
the traced function itself are never wrapped: they reach the caller untouched.
"""

from __future__ import annotations


class TracegradError(Exception):
    """Base of every exception that tracegrad raises on its own account."""


class TraceError(TracegradError):
    """The function cannot be traced as it is written."""


class EscapeError(TraceError):
    """A traced value would become a plain number and silently lose its gradient."""


class LeakError(TraceError):
    """A traced value is used after its trace ended, or in a trace it does not belong to."""


class UnsupportedError(TraceError):
    """The operation has no row in the primitive table."""


class InputError(TracegradError, ValueError):
    """Arguments, parameter names or seeds do not fit the function."""


class CheckFailed(TracegradError, AssertionError):
    """A gradient does not agree with differences of the function; the message is the report."""


class GuardFailed(TracegradError):
    """New inputs would take another path than the one the trace recorded."""


class GraphError(TracegradError):
    """A graph breaks one of its laws."""


class DocumentError(TracegradError, ValueError):
    """A file or text is not a tracegrad document of a version that this package reads."""


class RenderError(TracegradError):
    """A picture could not be laid out, checked or rasterised."""


class MissingExtra(TracegradError, ImportError):
    """An optional package is not installed; the message is the line that installs it."""
