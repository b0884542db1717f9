"""The gradient is a computation too: the forward and the backward pass of a neuron in one graph.

Each backward operation stands at the statement whose gradient it computes, and is named after the value whose adjoint
it is: `dz` is the gradient by `z`.  It can be differentiated again: a seed on `dw` gives a row of the Hessian.
"""

import math

import tracegrad as tg


@tg.traced
def neuron(w, x):
    z = w * x
    with tg.stage("sigmoid"):
        return 1 / (1 + math.exp(-z))


t = neuron.trace(2.0, -1.0).gradient_trace()

if __name__ == "__main__":
    print(t)
    value, gradients = t.value
    print("gradient", gradients)
    print("second derivatives by w and each of w, x", t.backward({"[1]['w']": 1.0}).gradients)
    t.save("gradient.svg")
