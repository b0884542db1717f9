"""fluids: correlations of fluid dynamics."""

import fluids
from corpus import Entry
from fluids.atmosphere import ATMOSPHERE_1976
from fluids.numerics import horner, interp, newton

PACKAGE = "fluids"


def root(a, b):
    """By Newton's method with the derivative given."""
    return newton(lambda x: x**3 - a * x - b, 2.0, fprime=lambda x: 3.0 * x * x - a)


ENTRIES = [
    Entry(
        "Reynolds", lambda v, d, rho, mu: fluids.Reynolds(v, d, rho=rho, mu=mu), (2.5, 0.25, 1.1613, 1.9e-5)
    ),
    Entry("Colebrook", fluids.friction.Colebrook, (1e5, 1e-4), beyond="scipy.special.lambertw"),
    Entry("Clamond", fluids.friction.Clamond, (1e5, 1e-4)),
    Entry("Churchill_1977", fluids.friction.Churchill_1977, (1e5, 1e-4)),
    Entry("friction_factor", fluids.friction_factor, (1e5, 1e-4)),
    Entry("entrance_sharp", fluids.entrance_distance, (0.1, 0.0005)),
    Entry("contraction_conical", fluids.contraction_conical, (0.1, 0.04, 0.0, 0.04)),
    Entry("drag_sphere", fluids.drag_sphere, (200.0,)),
    Entry("v_terminal", fluids.v_terminal, (70e-6, 2600.0, 1000.0, 1e-3)),
    Entry("Ergun", fluids.Ergun, (8e-4, 0.4, 1e-3, 1e3, 1e-3)),
    Entry(
        "isothermal_gas",
        lambda p: fluids.isothermal_gas(11.3, 0.00185, P1=p, P2=9e5, L=1000.0, D=0.5),
        (1e6,),
    ),
    Entry("SA_torispheroidal", fluids.geometry.SA_torispheroidal, (2.54, 1.039370079, 0.062362205)),
    Entry("ATMOSPHERE_1976", lambda z: ATMOSPHERE_1976(z).rho, (5000.0,)),
    Entry("horner", horner, ([1.0, 3.0, -2.0], 2.5)),
    Entry("interp", lambda x: interp(x, [1.0, 2.0, 4.0, 8.0], [0.5, 0.25, 3.0, 1.0]), (3.3,)),
    Entry("newton", root, (3.0, 5.0)),
]
