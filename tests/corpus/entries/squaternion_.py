"""squaternion: a frozen dataclass with operators."""

from corpus import Entry
from squaternion import Quaternion

PACKAGE = "squaternion"

ENTRIES = [
    Entry("from_euler", lambda r, p, y: Quaternion.from_euler(r, p, y).w, (0.1, 0.2, 0.3)),
    Entry("to_euler", lambda w, x, y, z: Quaternion(w, x, y, z).to_euler()[2], (0.9, 0.1, 0.2, 0.3)),
    Entry("product", lambda a, b: (Quaternion(a, b, 0.5, 1.0) * Quaternion(1.0, a, b, 0.25)).x, (0.7, -0.3)),
    Entry("normalize", lambda w, x: Quaternion(w, x, 0.5, 1.0).normalize.x, (0.7, -0.3)),
]
