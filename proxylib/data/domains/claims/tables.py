"""The insurer's words and its rule: what callers say, what reports write for it, and what follows."""

from __future__ import annotations

from typing import NamedTuple

LARGE = 5.0  # thousands: a loss from here on is settled in another way
#: as a caller says it -> as a report says it
PAID = {"every month": "pm", "every quarter": "pq", "every year": "pa"}
HOLDERS = {"the owner": "o", "the tenant": "t"}
RARE = {
    "the house stood empty": "vacancy",
    "i left the door open": "negligence",
    "i run a shop there": "trade use",
    "i let two rooms": "lodgers",
}


class Damage(NamedTuple):
    """What is reported: the insurer's term, callers' words for it, and how the rule has it settled."""

    term: str
    lay: tuple[str, ...]
    small: str  # below `LARGE`
    large: str


DAMAGES = (
    Damage("conflagration", ("my kitchen burned", "there was a fire"), "cleaning", "salvage"),
    Damage("inundation", ("the river came in", "my cellar is under water"), "pumping", "evacuation"),
    Damage("pipe rupture", ("water runs out of the wall", "a tube burst"), "drying", "refurbishment"),
    Damage("burglary", ("thieves were here", "my things are gone"), "locksmith", "investigation"),
    Damage("hailstorm", ("ice fell on my roof", "lumps of ice broke my tiles"), "patching", "reroofing"),
    Damage("windstorm", ("a gale took my fence", "a tree fell on us"), "clearing", "scaffolding"),
    Damage("glazing", ("my window broke", "the pane is in pieces"), "reglazing", "shopfitting"),
    Damage("surge", ("lightning killed my heating", "all my plugs are dead"), "replacement", "rewiring"),
    Damage("subsidence", ("my floor sinks", "there are cracks everywhere"), "monitoring", "underpinning"),
    Damage("vandalism", ("boys painted my house", "my walls are smeared"), "repainting", "prosecution"),
)
