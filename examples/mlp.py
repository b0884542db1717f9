"""A small network of neurons on one sample: two layers, and the squared error of what they say.

The two layers are the same lines of code, called twice: as *calls* each layer is a box of its own with its neurons in
it, and by *line* a box stands for all neurons of a layer, with the range of their values.
"""

import math

import tracegrad as tg


def neuron(weights, bias, inputs):
    total = bias
    for weight, value in zip(weights, inputs):
        total = total + weight * value
    return math.tanh(total)


def layer(rows, biases, inputs):
    return [neuron(weights, bias, inputs) for weights, bias in zip(rows, biases)]


@tg.traced(wrt=["w1", "b1", "w2", "b2"])
def loss(w1, b1, w2, b2, sample, target):
    hidden = layer(w1, b1, sample)
    (guess,) = layer(w2, b2, hidden)
    return (guess - target) ** 2


t = loss.trace(
    w1=[[0.5, -0.3], [0.8, 0.2], [-0.6, 0.9]],
    b1=[0.1, 0.0, -0.2],
    w2=[[0.7, -0.5, 0.4]],
    b2=[0.05],
    sample=[1.0, 2.0],
    target=0.8,
)

if __name__ == "__main__":
    print(t.to_text(level="line"))
    print(f"gradient by w2 {t.gradients['w2']}")
    t.save("mlp.svg", level="call")
