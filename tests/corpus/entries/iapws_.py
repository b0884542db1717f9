"""iapws: releases on steam and ice, long tables of coefficients."""

from corpus import Entry
from iapws._iapws import (
    _Dielectric,
    _Ice,
    _Kw,
    _Liquid,
    _Melting_Pressure,
    _Sublimation_Pressure,
    _Tension,
    _Viscosity,
)

PACKAGE = "iapws"

ENTRIES = [
    Entry("_Viscosity", _Viscosity, (998.0, 298.15)),
    Entry("_Tension", _Tension, (300.0,)),
    Entry("_Dielectric", _Dielectric, (999.2, 298.15)),
    Entry("_Kw", _Kw, (1000.0, 300.0)),
    Entry("_Sublimation_Pressure", _Sublimation_Pressure, (230.0,)),
    Entry("_Melting_Pressure", _Melting_Pressure, (260.0,)),
    Entry("_Ice rho", lambda t, p: _Ice(t, p)["rho"], (100.0, 100.0)),
    Entry("_Liquid cp", lambda t: _Liquid(t)["cp"], (300.0,)),
]
