"""A sigmoid neuron with two inputs: which weight should move, and which way?

The gradient of the output by each weight is its input times the sigmoid's local gradient, (1 - out) * out.

Source of the example: https://cs231n.github.io/optimization-2/#sigmoid
"""

import math

import tracegrad as tg


@tg.traced
def neuron(w, x):
    dot = w[0] * x[0] + w[1] * x[1] + w[2]
    return 1.0 / (1 + math.exp(-dot))


t = neuron.trace([2.0, -3.0, -3.0], [-1.0, -2.0])

if __name__ == "__main__":
    print(t)
    t.save("neuron.svg")
