"""glicko2: a rating with mangled attributes and a while loop."""

from corpus import Entry
from glicko2 import Player

PACKAGE = "glicko2"


def after_games(rating, deviation):
    """The rating after three games."""
    player = Player(rating, deviation)
    player.update_player([1400, 1550, 1700], [30, 100, 300], [1, 0, 0])
    return player.rating


def idle_deviation(deviation, volatility):
    """The deviation after a period without games."""
    player = Player(1500, deviation, volatility)
    player.did_not_compete()
    return player.rd


ENTRIES = [
    Entry("update_player", after_games, (1500.0, 200.0)),
    Entry("did_not_compete", idle_deviation, (200.0, 0.06)),
]
