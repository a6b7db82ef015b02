"""Which of the account's situações play the parts that this integration needs. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.contracts.bling_gateway import Role, SituationDefinition, UnusableSituation
from shared.contracts.sync_core import WantedSituation


@dataclass(frozen=True)
class Cast:
    """Who plays which part, who could not, and for what nobody was found."""

    roles: dict[Role, int]
    unusable: tuple[UnusableSituation, ...]
    missing: tuple[WantedSituation, ...]


def cast(
    wanted: Sequence[WantedSituation],
    listed: Sequence[SituationDefinition],
    remembered: Mapping[Role, int],
) -> Cast:
    """Find each wanted situação: the one that played the part before, else one of its name.

    Who played the part keeps it when its seller renames it. One that inherits from another
    situação than wanted is of another class, so it cannot play the part, and no second one of its
    name is wanted either.
    """
    roles: dict[Role, int] = {}
    unusable: list[UnusableSituation] = []
    missing: list[WantedSituation] = []
    for want in wanted:
        candidates = _candidates(want, listed, remembered.get(want.role))
        fitting = next((each for each in candidates if each.inherits == want.inherits), None)
        if fitting is not None:
            roles[want.role] = fitting.id
        elif candidates:
            other = candidates[0]
            unusable.append(UnusableSituation(role=want.role, id=other.id, inherits=other.inherits))
        else:
            missing.append(want)
    return Cast(roles, tuple(unusable), tuple(missing))


def _candidates(
    want: WantedSituation, listed: Sequence[SituationDefinition], remembered: int | None
) -> list[SituationDefinition]:
    before = [each for each in listed if each.id == remembered]
    return before + [each for each in listed if _plain(each.name) == _plain(want.name)]


def _plain(name: str) -> str:
    return name.strip().casefold()
