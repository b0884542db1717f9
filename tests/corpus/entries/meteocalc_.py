"""meteocalc: a class that a metaclass gives its operators; float() in its constructor."""

from corpus import Entry
from meteocalc import Temp, dew_point, feels_like, heat_index, wind_chill

PACKAGE = "meteocalc"

ENTRIES = [
    Entry("dew_point", lambda t, rh: dew_point(t, rh).c, (20.0, 56.0)),
    Entry("heat_index", lambda t, rh: heat_index(Temp(t, "f"), rh).c, (95.0, 56.0)),
    Entry("wind_chill", lambda t, wind: wind_chill(Temp(t, "f"), wind).f, (20.0, 15.0)),
    Entry("feels_like", lambda t, rh: feels_like(Temp(t, "c"), rh, 3.0).k, (35.0, 56.0)),
]
