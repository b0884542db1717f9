"""ht: correlations of heat transfer."""

import ht
from corpus import Entry

PACKAGE = "ht"

ENTRIES = [
    Entry("LMTD", ht.LMTD, (100.0, 60.0, 30.0, 40.2)),
    Entry("effectiveness_from_NTU", ht.effectiveness_from_NTU, (5.0, 0.7)),
    Entry("NTU_from_effectiveness", ht.NTU_from_effectiveness, (0.9, 0.7)),
    Entry("turbulent_Gnielinski", ht.conv_internal.turbulent_Gnielinski, (1e5, 1.2, 0.0185)),
    Entry("Nu_vertical_plate_Churchill", ht.conv_free_immersed.Nu_vertical_plate_Churchill, (0.69, 2.63e9)),
    Entry("Nu_cylinder_Churchill_Bernstein", ht.conv_external.Nu_cylinder_Churchill_Bernstein, (6071.0, 0.7)),
    Entry("q_rad", ht.q_rad, (1.0, 400.0, 300.0)),
    Entry(
        "fin_efficiency_Kern_Kraus",
        ht.air_cooler.Ft_aircooler,
        (125.0, 45.0, 25.0, 95.0),
    ),
    Entry(
        "Nusselt_laminar",
        ht.condensation.Nusselt_laminar,
        (370.0, 350.0, 7.0, 585.0, 0.091, 158.9e-6, 776900.0, 0.1),
    ),
]
