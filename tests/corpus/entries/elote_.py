"""elote: rating systems as classes with validated properties, clocks and logging."""

from corpus import Entry
from elote import EloCompetitor, GlickoCompetitor, TrueSkillCompetitor

PACKAGE = "elote"


def elo(mine, other, factor):
    """The winner's new rating."""
    winner, loser = EloCompetitor(mine, factor), EloCompetitor(other, factor)
    winner.beat(loser)
    return winner.rating


def glicko(mine, other):
    """After a game at the same instant."""
    winner, loser = GlickoCompetitor(mine, 200.0), GlickoCompetitor(other, 150.0)
    winner.lost_to(loser)
    return loser.rating


def trueskill(mu, sigma, other):
    """The winner's new rating."""
    winner, loser = TrueSkillCompetitor(mu, sigma), TrueSkillCompetitor(other, 8.0)
    winner.beat(loser)
    return winner.rating


ENTRIES = [
    Entry("EloCompetitor", elo, (1500.0, 1600.0, 32.0)),
    Entry("GlickoCompetitor", glicko, (1500.0, 1600.0)),
    Entry("TrueSkillCompetitor", trueskill, (25.0, 8.3, 27.0)),
]
