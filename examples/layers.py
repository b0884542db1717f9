"""A deep network of small layers, all alike: the loop over the layers is a loop in the emitted source, too.

In `exports/layers.py` the backward pass of all layers is that of one layer, done from the last to the first: what
returns to the inputs of a layer is what the layer before it starts with, and each layer has its own row of `dweights`.
"""

import math

import tracegrad as tg


@tg.traced(wrt=["weights", "biases"])
def network(weights, biases, x, y):
    for (wxx, wxy, wyx, wyy), (bx, by) in zip(weights, biases):
        x, y = math.tanh(wxx * x + wxy * y + bx), math.tanh(wyx * x + wyy * y + by)
    return x * y


t = network.trace(
    weights=[[0.1 * layer, 0.5, -0.4, 1.0 - 0.1 * layer] for layer in range(8)],
    biases=[[0.1, -0.05 * layer] for layer in range(8)],
    x=0.6,
    y=-0.3,
)

if __name__ == "__main__":
    print(t.to_python())
    print(f"gradient by the weights of the first layer {t.gradients['weights'][0]}")
    t.save("layers.svg", level="line")
