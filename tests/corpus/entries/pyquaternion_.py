"""pyquaternion: a class around a numpy array."""

from corpus import Entry
from pyquaternion import Quaternion

PACKAGE = "pyquaternion"

ENTRIES = [
    Entry("norm", lambda w, x, y, z: Quaternion(w, x, y, z).norm, (1.0, 2.0, 3.0, 4.0)),
    Entry("product", lambda a: (Quaternion(a, 1.0, 2.0, 3.0) * Quaternion(0.5, a, -1.0, 2.0)).y, (0.7,)),
    Entry("rotate", lambda angle: Quaternion(axis=[0, 0, 1], angle=angle).rotate((1.0, 2.0, 0.5))[0], (0.7,)),
    Entry("angle", lambda w, z: Quaternion(w, 0.0, 0.0, z).angle, (0.8, 0.6)),
]
