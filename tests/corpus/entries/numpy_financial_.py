"""numpy-financial: arrays inside."""

import numpy_financial
from corpus import Entry

PACKAGE = "numpy-financial"

ENTRIES = [
    Entry("fv", numpy_financial.fv, (0.05 / 12, 120.0, -100.0, -100.0)),
    Entry("npv", numpy_financial.npv, (0.08, [-40000.0, 5000.0, 8000.0, 12000.0, 30000.0])),
]
