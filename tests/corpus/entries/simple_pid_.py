"""simple-pid: a controller with state, None checks and clamps."""

from corpus import Entry
from simple_pid import PID

PACKAGE = "simple-pid"


def settle(kp, ki, kd):
    """A few steps of a first-order plant."""
    pid = PID(kp, ki, kd, setpoint=1.0, sample_time=None, output_limits=(-10, 10))
    x = 0.0
    for _ in range(20):
        x += 0.1 * (pid(x, dt=0.1) - 0.5 * x)
    return x


ENTRIES = [Entry("PID loop", settle, (1.2, 0.4, 0.05))]
