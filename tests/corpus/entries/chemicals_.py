"""chemicals: correlations of physical chemistry."""

import chemicals
from chemicals import iapws as steam
from chemicals.rachford_rice import flash_inner_loop
from corpus import Entry

PACKAGE = "chemicals"

ENTRIES = [
    Entry("Antoine", chemicals.Antoine, (100.0, 8.7687, 395.744, -6.469)),
    Entry("Wagner", chemicals.Wagner, (100.0, 190.53, 4596420.0, -6.00435, 1.1885, -0.834082, -1.22833)),
    Entry("Lee_Kesler", chemicals.Lee_Kesler, (347.2, 617.1, 36e5, 0.299)),
    Entry("Rackett", chemicals.Rackett, (272.03889, 369.83, 4248000.0, 0.2763)),
    Entry("COSTALD", chemicals.COSTALD, (272.03889, 369.83333, 0.20008161e-3, 0.1532)),
    Entry("Clapeyron", chemicals.Clapeyron, (294.0, 466.0, 5.55e6)),
    Entry("DIPPR101", chemicals.EQ101, (300.0, 73.649, -7258.2, -7.3037, 4.1653e-6, 2.0)),
    Entry("EQ107", chemicals.EQ107, (300.0, 33363.0, 26790.0, 2610.5, 8896.0, 1169.0)),
    Entry("BVirial_Tsonopoulos", chemicals.BVirial_Tsonopoulos, (510.0, 425.2, 38e5, 0.193)),
    Entry("Letsou_Stiel", chemicals.Letsou_Stiel, (400.0, 46.07, 516.25, 6.383e6, 0.6371)),
    Entry("Wilke", chemicals.Wilke, ([0.05, 0.95], [1.34e-5, 9.5029e-6], [64.06, 46.07])),
    Entry("mu_IAPWS", chemicals.mu_IAPWS, (298.15, 998.0)),
    Entry("iapws95_P", steam.iapws95_P, (300.0, 996.0)),
    Entry(
        "flash_inner_loop", lambda z, k: flash_inner_loop(z, k)[0], ([0.5, 0.3, 0.2], [1.685, 0.742, 0.532])
    ),
]
