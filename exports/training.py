"""loss_of_one(parameters) and its gradients, recorded by tracegrad."""

import math


def loss_of_one(parameters):
    parameters_hidden_0_0 = parameters["hidden"][0][0]
    parameters_hidden_0_1 = parameters["hidden"][0][1]
    parameters_hidden_0_2 = parameters["hidden"][0][2]
    parameters_hidden_1_0 = parameters["hidden"][1][0]
    parameters_hidden_1_1 = parameters["hidden"][1][1]
    parameters_hidden_1_2 = parameters["hidden"][1][2]
    parameters_out_0 = parameters["out"][0]
    parameters_out_1 = parameters["out"][1]
    parameters_out_2 = parameters["out"][2]
    neuron_sum = parameters_hidden_0_0 + sum(
        [parameters_hidden_0_1 * 0.0, parameters_hidden_0_2 * 1.0]
    )
    neuron = math.tanh(neuron_sum)  # (1)
    neuron_2_sum = parameters_hidden_1_0 + sum(
        [parameters_hidden_1_1 * 0.0, parameters_hidden_1_2 * 1.0]
    )
    neuron_2 = math.tanh(neuron_2_sum)  # (2)
    answer_sum = parameters_out_0 + sum(
        [parameters_out_1 * neuron, parameters_out_2 * neuron_2]
    )
    answer = math.tanh(answer_sum)  # (3)
    return (answer - 1.0) ** 2  # (4)


def loss_of_one_backward(parameters):
    """The value of loss_of_one and its gradients, by the chain rule from the last statement to the first."""
    parameters_hidden_0_0 = parameters["hidden"][0][0]
    parameters_hidden_0_1 = parameters["hidden"][0][1]
    parameters_hidden_0_2 = parameters["hidden"][0][2]
    parameters_hidden_1_0 = parameters["hidden"][1][0]
    parameters_hidden_1_1 = parameters["hidden"][1][1]
    parameters_hidden_1_2 = parameters["hidden"][1][2]
    parameters_out_0 = parameters["out"][0]
    parameters_out_1 = parameters["out"][1]
    parameters_out_2 = parameters["out"][2]
    neuron_sum = parameters_hidden_0_0 + sum(
        [parameters_hidden_0_1 * 0.0, parameters_hidden_0_2 * 1.0]
    )
    neuron = math.tanh(neuron_sum)  # (1)
    neuron_2_sum = parameters_hidden_1_0 + sum(
        [parameters_hidden_1_1 * 0.0, parameters_hidden_1_2 * 1.0]
    )
    neuron_2 = math.tanh(neuron_2_sum)  # (2)
    answer_sum = parameters_out_0 + sum(
        [parameters_out_1 * neuron, parameters_out_2 * neuron_2]
    )
    answer = math.tanh(answer_sum)  # (3)
    value_difference = answer - 1.0
    value = value_difference**2  # (4)

    # backprop return (answer - wanted) ** 2  (4)
    danswer = 2 * value_difference
    # backprop return math.tanh(weights[0] + sum(w * x for w, x in zip(weights[1:], inputs, st…  (3)
    danswer_sum = (1.0 / math.cosh(answer_sum)) ** 2 * danswer
    dparameters_out_0 = danswer_sum
    dparameters_out_2 = neuron_2 * danswer_sum
    dneuron_2 = parameters_out_2 * danswer_sum
    dparameters_out_1 = neuron * danswer_sum
    dneuron = parameters_out_1 * danswer_sum
    # backprop return math.tanh(weights[0] + sum(w * x for w, x in zip(weights[1:], inputs, st…  (2)
    dneuron_2_sum = (1.0 / math.cosh(neuron_2_sum)) ** 2 * dneuron_2
    dparameters_hidden_1_0 = dneuron_2_sum
    dparameters_hidden_1_2 = dneuron_2_sum
    dparameters_hidden_1_1 = 0.0 * dneuron_2_sum
    # backprop return math.tanh(weights[0] + sum(w * x for w, x in zip(weights[1:], inputs, st…  (1)
    dneuron_sum = (1.0 / math.cosh(neuron_sum)) ** 2 * dneuron
    dparameters_hidden_0_0 = dneuron_sum
    dparameters_hidden_0_2 = dneuron_sum
    dparameters_hidden_0_1 = 0.0 * dneuron_sum
    return value, {
        "parameters": {
            "hidden": [
                [
                    dparameters_hidden_0_0,
                    dparameters_hidden_0_1,
                    dparameters_hidden_0_2,
                ],
                [
                    dparameters_hidden_1_0,
                    dparameters_hidden_1_1,
                    dparameters_hidden_1_2,
                ],
            ],
            "out": [dparameters_out_0, dparameters_out_1, dparameters_out_2],
        },
    }
