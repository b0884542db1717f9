"""tracegrad: see the chain rule happen.

Decorate a plain Python function, call its ``trace``, and look at every value and every gradient of it::

    import math
    import tracegrad as tg

    @tg.traced
    def f(x, y):
        return x * math.exp(-y)

    t = f.trace(3.0, 1.0)
    t.value, t.gradients
    t.save("f.svg")
"""

from tracegrad import math
from tracegrad.api import TracedFunction, detach, traced
from tracegrad.check import Report, check
from tracegrad.custom import custom_gradient, primitive
from tracegrad.derivatives import (
    elementwise_grad,
    grad,
    hessian,
    hessian_vector_product,
    jacobian,
    jvp,
    value_and_grad,
    vjp,
)
from tracegrad.document import Annotated
from tracegrad.errors import (
    CheckFailed,
    DocumentError,
    EscapeError,
    GraphError,
    GuardFailed,
    InputError,
    LeakError,
    MissingExtra,
    RenderError,
    TraceError,
    TracegradError,
    UnsupportedError,
)
from tracegrad.stage import stage
from tracegrad.trace import Trace, trace
from tracegrad.views import Document, load

__version__ = "0.1.0"

__all__ = [
    "Annotated",
    "CheckFailed",
    "Document",
    "DocumentError",
    "EscapeError",
    "GraphError",
    "GuardFailed",
    "InputError",
    "LeakError",
    "MissingExtra",
    "RenderError",
    "Report",
    "Trace",
    "TraceError",
    "TracedFunction",
    "TracegradError",
    "UnsupportedError",
    "check",
    "custom_gradient",
    "detach",
    "elementwise_grad",
    "grad",
    "hessian",
    "hessian_vector_product",
    "jacobian",
    "jvp",
    "load",
    "math",
    "primitive",
    "stage",
    "trace",
    "traced",
    "value_and_grad",
    "vjp",
]
