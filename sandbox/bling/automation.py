"""Situações that Bling itself gives an order, by the seller's settings."""

from sandbox.bling import orders
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.state import Company, Order, Trigger


def run(sandbox: Sandbox, company: Company, order: Order, trigger: Trigger) -> None:
    """Move an order if the seller has set up so: invoice issued, checkout done, store's word."""
    situation_id = company.automation.get(trigger)
    if situation_id is not None:
        orders.take_on_situation(sandbox, company, order, company.situations[situation_id], "bling")
