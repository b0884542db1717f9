"""geographiclib: Karney's series, loops over coefficients, sums in pairs."""

from corpus import Entry
from geographiclib.geodesic import Geodesic

PACKAGE = "geographiclib"
WGS84 = Geodesic.WGS84

ENTRIES = [
    Entry("Inverse s12", lambda a, b, c, d: WGS84.Inverse(a, b, c, d)["s12"], (-41.32, 174.81, 40.96, -5.5)),
    Entry("Direct lat2", lambda a, b, azi, s: WGS84.Direct(a, b, azi, s)["lat2"], (40.6, -73.8, 51.0, 5.5e6)),
    Entry("Direct lon2", lambda a, b, azi, s: WGS84.Direct(a, b, azi, s)["lon2"], (40.6, -73.8, 51.0, 5.5e6)),
]
