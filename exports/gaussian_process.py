"""log_likelihood(length, height, noise) and its gradients, recorded by tracegrad for length 1, height 1, noise 1."""

import numpy as np


def _added(flow, index, shape):
    """Zeros, with what returns to the elements at an index added in their places, which may come twice."""
    found = np.zeros(shape, np.asarray(flow).dtype)
    np.add.at(found, index, flow)
    return found


numbers = np.array(
    [
        0.0,
        0.8414709848078965,
        0.9092974268256817,
        0.1411200080598672,
        -0.7568024953079282,
    ]
)


numbers_2 = np.array(
    [
        [0.0, -1.0, -2.0, -3.0, -4.0],
        [1.0, 0.0, -1.0, -2.0, -3.0],
        [2.0, 1.0, 0.0, -1.0, -2.0],
        [3.0, 2.0, 1.0, 0.0, -1.0],
        [4.0, 3.0, 2.0, 1.0, 0.0],
    ]
)


def log_likelihood(length, height, noise):
    apart = numbers_2 / length  # (1)
    kernel = height**2 * np.exp(-0.5 * apart**2) + noise**2 * np.eye(5)  # (2)
    lower = np.linalg.cholesky(kernel)  # (3)
    white = np.linalg.solve(lower, numbers)  # (4)
    value_difference = -0.5 * white @ white - np.sum(
        np.log(np.diagonal(lower, 0, 0, 1))
    )
    return value_difference - 4.594692666023363  # (5)


@np.errstate(all="ignore")  # poles end in inf or nan
def log_likelihood_backward(length, height, noise):
    """The value of log_likelihood and its gradients, by the chain rule from the last statement to the first."""
    apart = numbers_2 / length  # (1)
    kernel_power = height**2
    kernel_exp = np.exp(-0.5 * apart**2)
    kernel = kernel_power * kernel_exp + noise**2 * np.eye(5)  # (2)
    lower = np.linalg.cholesky(kernel)  # (3)
    white = np.linalg.solve(lower, numbers)  # (4)
    value_product = -0.5 * white
    value_diagonal = np.diagonal(lower, 0, 0, 1)
    value = (
        value_product @ white - np.sum(np.log(value_diagonal)) - 4.594692666023363
    )  # (5)

    # backprop return -0.5 * white @ white - np.log(np.diag(lower)).sum() - 0.5 * len(x) * np.…  (5)
    dvalue_diagonal = 1.0 / value_diagonal * np.full(5, -1.0)
    dvalue_diagonal_part = np.reshape(dvalue_diagonal, (-1,))
    dlower = np.reshape(
        _added(dvalue_diagonal_part, np.array([0, 6, 12, 18, 24]), (25,)), (5, 5)
    )
    dwhite = value_product - 0.5 * white
    # backprop white = np.linalg.solve(lower, y)  (4)
    dwhite_part = np.linalg.solve(lower.T, dwhite)[..., None] @ white[..., None].T
    dlower = dlower - dwhite_part
    # backprop lower = np.linalg.cholesky(kernel)  (3)
    dlower_part = np.tril(lower.T @ dlower)
    dlower_part_2 = dlower_part - 0.5 * dlower_part * np.eye(5)
    dlower_part_3 = np.linalg.solve(lower.T, dlower_part_2)
    dlower_part_4 = np.linalg.solve(lower.T, dlower_part_3.T)
    dlower_part_5 = dlower_part_4.T + dlower_part_4
    dkernel = np.tril(dlower_part_5, -1) + 0.5 * dlower_part_5 * np.eye(5)
    # backprop kernel = height**2 * np.exp(-0.5 * apart**2) + noise**2 * np.eye(len(x))  (2)
    dnoise = 2 * noise * np.sum(np.eye(5) * dkernel, axis=(0, 1))
    dapart = 2 * apart * (-0.5 * (kernel_exp * (kernel_power * dkernel)))
    dheight = 2 * height * np.sum(kernel_exp * dkernel, axis=(0, 1))
    # backprop apart = (x[:, None] - x[None, :]) / length  (1)
    dlength = np.sum(-(apart / length) * dapart, axis=(0, 1))
    return value, {
        "length": float(dlength),
        "height": float(dheight),
        "noise": float(dnoise),
    }
