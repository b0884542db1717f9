"""loss(weights, bias) and its gradients, recorded by tracegrad for weights 3 x 2, bias 2."""

import numpy as np


def _require(outcome, recorded, where):
    """Stop where these arrays would take another path than the recorded ones."""
    if not np.array_equal(outcome, recorded):
        raise ValueError(f"{where} was another when this was recorded: trace it again")


def _added(flow, index, shape):
    """Zeros, with what returns to the elements at an index added in their places, which may come twice."""
    found = np.zeros(shape, np.asarray(flow).dtype)
    np.add.at(found, index, flow)
    return found


numbers = np.array(
    [[1.0, 0.5, -1.0], [0.2, -0.3, 0.8], [-0.6, 0.1, 0.4], [0.9, 0.7, -0.2]]
)


def loss(weights, bias):
    _require(np.shape(weights), (3, 2), "the shape of weights")
    _require(np.shape(bias), (2,), "the shape of bias")
    scores = np.tanh(numbers @ weights + bias)  # (1)
    powers = np.exp(scores)  # (2)
    chances = powers / np.sum(powers, axis=1, keepdims=True)  # (3)
    chosen = chances[np.arange(4), np.array([0, 1, 1, 0])]  # (4)
    return -np.mean(np.log(chosen))  # (5)


@np.errstate(all="ignore")  # poles end in inf or nan
def loss_backward(weights, bias):
    """The value of loss and its gradients, by the chain rule from the last statement to the first."""
    _require(np.shape(weights), (3, 2), "the shape of weights")
    _require(np.shape(bias), (2,), "the shape of bias")
    scores_sum = numbers @ weights + bias
    scores = np.tanh(scores_sum)  # (1)
    powers = np.exp(scores)  # (2)
    chances_sum = np.sum(powers, axis=1, keepdims=True)
    chances = powers / chances_sum  # (3)
    chosen = chances[np.arange(4), np.array([0, 1, 1, 0])]  # (4)
    value = -np.mean(np.log(chosen))  # (5)

    # backprop return -np.log(chosen).mean()  (5)
    dchosen = 1.0 / chosen * np.full(4, -1.0 / 4)
    # backprop chosen = chances[np.arange(len(labels)), labels]  (4)
    dchances = _added(dchosen, (np.arange(4), np.array([0, 1, 1, 0])), (4, 2))
    # backprop chances = powers / powers.sum(axis=1, keepdims=True)  (3)
    dchances_part = -(chances / chances_sum) * dchances
    dpowers = 1.0 / chances_sum * dchances
    dpowers = dpowers + np.tile(np.sum(dchances_part, axis=1, keepdims=True), (1, 2))
    # backprop powers = np.exp(scores)  (2)
    dscores = powers * dpowers
    # backprop scores = np.tanh(batch @ weights + bias)  (1)
    dscores_sum = (1.0 / np.cosh(scores_sum)) ** 2 * dscores
    dbias = np.sum(dscores_sum, axis=0)
    dweights = numbers.T @ dscores_sum
    return value, {"weights": dweights, "bias": dbias}
