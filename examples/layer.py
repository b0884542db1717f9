"""A layer of a neural network on a batch, in plain numpy: affine map, tanh, softmax, cross entropy.

The modules of the cs231n notes: on a matrix product the edge names the map that brings the gradient back, `G Bᵀ` and
`Aᵀ G` with the upstream gradient G, so that dW = Xᵀ G.  The bias was broadcast over the batch; its gradient is the sum.
"""

import numpy as np

import tracegrad as tg


@tg.traced(wrt=["weights", "bias"])
def loss(weights, bias, batch, labels):
    scores = np.tanh(batch @ weights + bias)
    powers = np.exp(scores)
    chances = powers / powers.sum(axis=1, keepdims=True)
    chosen = chances[np.arange(len(labels)), labels]
    return -np.log(chosen).mean()


batch = np.array([[1.0, 0.5, -1.0], [0.2, -0.3, 0.8], [-0.6, 0.1, 0.4], [0.9, 0.7, -0.2]])
weights = np.array([[0.3, -0.1], [0.2, 0.4], [-0.5, 0.6]])

t = loss.trace(weights, np.zeros(2), batch, np.array([0, 1, 1, 0]))

if __name__ == "__main__":
    print(t)
    for _ in range(200):
        step = loss.grad(weights, np.zeros(2), batch, np.array([0, 1, 1, 0]))
        weights = weights - step["weights"]
    print(f"after 200 steps {loss(weights, np.zeros(2), batch, np.array([0, 1, 1, 0])):.4f}")
    t.save("layer.svg")
