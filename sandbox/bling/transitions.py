"""Transitions: the seller's rules for the steps between situações, and what they do besides."""

from sandbox.bling.situations import SALES_MODULE
from sandbox.bling.state import Company, Ids, Json


def content(origin: int, destination: int, *, actions: list[int], active: bool) -> Json:
    """Describe a transition as the API does, without its id."""
    return {
        "ativo": active,
        "acoes": actions,
        "modulo": {"id": SALES_MODULE},
        "situacaoOrigem": {"id": origin},
        "situacaoDestino": {"id": destination},
    }


def add(company: Company, ids: Ids, described: Json) -> Json:
    """Set up a transition."""
    transition: Json = {"id": ids.take(), **described}
    company.transitions[transition["id"]] = transition
    return transition


def between(company: Company, origin: int, destination: int) -> Json | None:
    """Find the transition of a step, active or not."""
    step = (origin, destination)
    found = (one for one in company.transitions.values() if _step(one) == step)
    return next(found, None)


def active(company: Company, origin: int, destination: int) -> Json | None:
    """Find the transition that a step runs."""
    found = between(company, origin, destination)
    return found if found is not None and found["ativo"] else None


def _step(transition: Json) -> tuple[int, int]:
    return transition["situacaoOrigem"]["id"], transition["situacaoDestino"]["id"]
