"""loss(w1, b1, w2, b2) and its gradients, recorded by tracegrad."""

import math


def loss(w1, b1, w2, b2):
    w1_0_0 = w1[0][0]
    w1_0_1 = w1[0][1]
    w1_1_0 = w1[1][0]
    w1_1_1 = w1[1][1]
    w1_2_0 = w1[2][0]
    w1_2_1 = w1[2][1]
    b1_0 = b1[0]
    b1_1 = b1[1]
    b1_2 = b1[2]
    w2_0_0 = w2[0][0]
    w2_0_1 = w2[0][1]
    w2_0_2 = w2[0][2]
    b2_0 = b2[0]
    total_2 = b1_0 + w1_0_0 * 1.0  # (1)
    total_3 = total_2 + w1_0_1 * 2.0  # (2)
    neuron = math.tanh(total_3)  # (3)
    total_5 = b1_1 + w1_1_0 * 1.0  # (4)
    total_6 = total_5 + w1_1_1 * 2.0  # (5)
    neuron_2 = math.tanh(total_6)  # (6)
    total_8 = b1_2 + w1_2_0 * 1.0  # (7)
    total_9 = total_8 + w1_2_1 * 2.0  # (8)
    neuron_3 = math.tanh(total_9)  # (9)
    total_11 = b2_0 + w2_0_0 * neuron  # (10)
    total_12 = total_11 + w2_0_1 * neuron_2  # (11)
    total_13 = total_12 + w2_0_2 * neuron_3  # (12)
    neuron_4 = math.tanh(total_13)  # (13)
    return (neuron_4 - 0.8) ** 2  # (14)


def loss_backward(w1, b1, w2, b2):
    """The value of loss and its gradients, by the chain rule from the last statement to the first."""
    w1_0_0 = w1[0][0]
    w1_0_1 = w1[0][1]
    w1_1_0 = w1[1][0]
    w1_1_1 = w1[1][1]
    w1_2_0 = w1[2][0]
    w1_2_1 = w1[2][1]
    b1_0 = b1[0]
    b1_1 = b1[1]
    b1_2 = b1[2]
    w2_0_0 = w2[0][0]
    w2_0_1 = w2[0][1]
    w2_0_2 = w2[0][2]
    b2_0 = b2[0]
    total_2 = b1_0 + w1_0_0 * 1.0  # (1)
    total_3 = total_2 + w1_0_1 * 2.0  # (2)
    neuron = math.tanh(total_3)  # (3)
    total_5 = b1_1 + w1_1_0 * 1.0  # (4)
    total_6 = total_5 + w1_1_1 * 2.0  # (5)
    neuron_2 = math.tanh(total_6)  # (6)
    total_8 = b1_2 + w1_2_0 * 1.0  # (7)
    total_9 = total_8 + w1_2_1 * 2.0  # (8)
    neuron_3 = math.tanh(total_9)  # (9)
    total_11 = b2_0 + w2_0_0 * neuron  # (10)
    total_12 = total_11 + w2_0_1 * neuron_2  # (11)
    total_13 = total_12 + w2_0_2 * neuron_3  # (12)
    neuron_4 = math.tanh(total_13)  # (13)
    value_difference = neuron_4 - 0.8
    value = value_difference**2  # (14)

    # backprop return (guess - target) ** 2  (14)
    dneuron_4 = 2 * value_difference
    # backprop return math.tanh(total)  (13)
    dtotal_13 = (1.0 / math.cosh(total_13)) ** 2 * dneuron_4
    # backprop total = total + weight * value  (12)
    dtotal_12 = dtotal_13
    dw2_0_2 = neuron_3 * dtotal_13
    dneuron_3 = w2_0_2 * dtotal_13
    # backprop total = total + weight * value  (11)
    dtotal_11 = dtotal_12
    dw2_0_1 = neuron_2 * dtotal_12
    dneuron_2 = w2_0_1 * dtotal_12
    # backprop total = total + weight * value  (10)
    db2_0 = dtotal_11
    dw2_0_0 = neuron * dtotal_11
    dneuron = w2_0_0 * dtotal_11
    # backprop return math.tanh(total)  (9)
    dtotal_9 = (1.0 / math.cosh(total_9)) ** 2 * dneuron_3
    # backprop total = total + weight * value  (8)
    dtotal_8 = dtotal_9
    dw1_2_1 = 2.0 * dtotal_9
    # backprop total = total + weight * value  (7)
    db1_2 = dtotal_8
    dw1_2_0 = dtotal_8
    # backprop return math.tanh(total)  (6)
    dtotal_6 = (1.0 / math.cosh(total_6)) ** 2 * dneuron_2
    # backprop total = total + weight * value  (5)
    dtotal_5 = dtotal_6
    dw1_1_1 = 2.0 * dtotal_6
    # backprop total = total + weight * value  (4)
    db1_1 = dtotal_5
    dw1_1_0 = dtotal_5
    # backprop return math.tanh(total)  (3)
    dtotal_3 = (1.0 / math.cosh(total_3)) ** 2 * dneuron
    # backprop total = total + weight * value  (2)
    dtotal_2 = dtotal_3
    dw1_0_1 = 2.0 * dtotal_3
    # backprop total = total + weight * value  (1)
    db1_0 = dtotal_2
    dw1_0_0 = dtotal_2
    return value, {
        "w1": [[dw1_0_0, dw1_0_1], [dw1_1_0, dw1_1_1], [dw1_2_0, dw1_2_1]],
        "b1": [db1_0, db1_1, db1_2],
        "w2": [[dw2_0_0, dw2_0_1, dw2_0_2]],
        "b2": [db2_0],
    }
