"""``python -m tracegrad`` is the command ``tracegrad``."""

import sys

from tracegrad.cli import main

sys.exit(main())
