"""A cooled stirred-tank reactor with a first-order exothermic reaction.

Balances of substance and heat of a well-mixed vessel of constant volume, Arrhenius rate: Seborg,
Edgar, Mellichamp & Doyle, *Process Dynamics and Control*, 4th ed., ch. 2.4. The rate is written
at a reference temperature, since pre-factor and activation energy can hardly be told apart
otherwise (Espie & Macchietto 1988).
"""

from collections.abc import Mapping

from genba.twin.process.maths import exp
from genba.twin.process.unit import Clock, Expression, Names
from genba.twin.process.variable import Parameter, Variable

_REFERENCE_K = 350.0
_MINUTE_S = 60.0


class StirredReactor:
    """One vessel. Parameters are by the minute, as such reactors are spoken of."""

    name = "stirred_reactor"
    clock = Clock.TIME
    states = (
        Variable("concentration", "mol/L", 0.0, 1.0),
        Variable("temperature", "K", 300.0, 360.0),
    )
    inputs = (Variable("jacket", "K", 285.0, 310.0),)
    context = ()
    outputs = states
    parameters = (
        Parameter("renewal", "1/min", 1.0, 0.3),
        Parameter("feed_concentration", "mol/L", 1.0, 0.2),
        Parameter("feed_temperature", "K", 350.0, 0.05),
        Parameter("rate_at_350_k", "1/min", 1.0, 0.5),
        Parameter("activation", "K", 9000.0, 0.2),
        Parameter("heat_of_reaction", "K.L/mol", 200.0, 0.4),
        Parameter("heat_transfer", "1/min", 2.0, 0.5),
    )

    def rates(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """Balances of substance and heat."""
        faster = exp(p.activation * (1.0 / _REFERENCE_K - 1.0 / x.temperature))
        reacted = p.rate_at_350_k * faster * x.concentration
        heated = (
            p.renewal * (p.feed_temperature - x.temperature)
            + p.heat_of_reaction * reacted
            + p.heat_transfer * (u.jacket - x.temperature)
        )
        renewed = p.renewal * (p.feed_concentration - x.concentration)
        return {"concentration": (renewed - reacted) / _MINUTE_S, "temperature": heated / _MINUTE_S}

    def shows(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """Both states are measured."""
        return {"concentration": x.concentration, "temperature": x.temperature}
