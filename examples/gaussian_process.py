"""The log marginal likelihood of a Gaussian process, and its gradient by the three hyperparameters.

The gradient goes back through a Cholesky decomposition and two triangular systems.

Source of the formula: C. Rasmussen and C. Williams, Gaussian Processes for Machine Learning, 2006, algorithm 2.1.
"""

import numpy as np

import tracegrad as tg


@tg.traced(wrt=["length", "height", "noise"])
def log_likelihood(length, height, noise, x, y):
    apart = (x[:, None] - x[None, :]) / length
    kernel = height**2 * np.exp(-0.5 * apart**2) + noise**2 * np.eye(len(x))
    lower = np.linalg.cholesky(kernel)
    white = np.linalg.solve(lower, y)
    return -0.5 * white @ white - np.log(np.diag(lower)).sum() - 0.5 * len(x) * np.log(2 * np.pi)


x = np.linspace(0.0, 4.0, 5)
t = log_likelihood.trace(1.0, 1.2, 0.3, x, np.sin(x))

if __name__ == "__main__":
    print(t)
    t.save("gaussian_process.svg")
