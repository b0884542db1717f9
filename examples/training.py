"""Training a small neural network with scalars: two inputs, two hidden neurons, and the function xor.

The parameters are a dict of lists, and so is their gradient.  The picture shows the loss of one example in the first
step; run the script to train.
"""

import math
import random

import tracegrad as tg

XOR = [([0.0, 0.0], -1.0), ([0.0, 1.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, 1.0], -1.0)]


def start(seed):
    chance = random.Random(seed)
    row = [chance.uniform(-1, 1) for _ in range(9)]
    return {"hidden": [row[0:3], row[3:6]], "out": row[6:9]}


def neuron(weights, inputs):
    return math.tanh(weights[0] + sum(w * x for w, x in zip(weights[1:], inputs, strict=True)))


def loss_of_one(parameters, inputs, wanted):
    hidden = [neuron(weights, inputs) for weights in parameters["hidden"]]
    answer = neuron(parameters["out"], hidden)
    return (answer - wanted) ** 2


def loss(parameters):
    return sum(loss_of_one(parameters, inputs, wanted) for inputs, wanted in XOR) / len(XOR)


def step(parameters, gradient, rate):
    """Each parameter a little down its gradient."""
    if isinstance(parameters, dict):
        return {name: step(parameters[name], gradient[name], rate) for name in parameters}
    if isinstance(parameters, list):
        return [step(p, g, rate) for p, g in zip(parameters, gradient, strict=True)]
    return parameters - rate * gradient


def train(parameters, steps, rate=0.5):
    losses = []
    for _ in range(steps):
        value, gradient = tg.value_and_grad(loss)(parameters)
        losses.append(value)
        parameters = step(parameters, gradient, rate)
    return parameters, losses


t = tg.traced(wrt=["parameters"])(loss_of_one).trace(start(1), *XOR[1])

if __name__ == "__main__":
    print(t)
    trained, losses = train(start(1), 600)
    print("gradient of one example", t.gradients["parameters"]["out"])
    print(f"loss {losses[0]:.4f} -> {losses[-1]:.6f}")
    for inputs, wanted in XOR:
        hidden = [neuron(weights, inputs) for weights in trained["hidden"]]
        print(inputs, wanted, round(neuron(trained["out"], hidden), 3))
    t.save("training.svg")
