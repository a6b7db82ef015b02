"""Measurements of the whole system, each a command of its own that prints its figures."""
