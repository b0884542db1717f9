"""openskill: ratings of teams; objects copied deeply, sorted and hashed."""

from corpus import Entry
from openskill.models import BradleyTerryFull, PlackettLuce, ThurstoneMostellerFull

PACKAGE = "openskill"


def after_game(make):
    """The winner's new mean in a model."""
    model = make()

    def winner(mu, sigma, other):
        teams = [[model.rating(mu=mu, sigma=sigma)], [model.rating(mu=other, sigma=7.0)]]
        return model.rate(teams)[0][0].mu

    return winner


def chance(mu, sigma):
    """To win against a team of two."""
    model = PlackettLuce()
    return model.predict_win([[model.rating(mu, sigma)], [model.rating(11.0, 5.0), model.rating(9.0, 4.0)]])[
        0
    ]


ENTRIES = [
    Entry("PlackettLuce.rate", after_game(PlackettLuce), (25.0, 8.0, 27.0)),
    Entry("BradleyTerryFull.rate", after_game(BradleyTerryFull), (25.0, 8.0, 27.0)),
    Entry("ThurstoneMostellerFull.rate", after_game(ThurstoneMostellerFull), (25.0, 8.0, 27.0)),
    Entry("predict_win", chance, (22.0, 6.0)),
    Entry("ordinal", lambda mu, sigma: PlackettLuce().rating(mu, sigma).ordinal(), (25.0, 8.0)),
]
