"""What every service's HTTP side has in common."""

from shared.web.application import application
from shared.web.bearer import ACTOR, bearer
from shared.web.body import body_of
from shared.web.problems import Problem
from shared.web.serving import serve

__all__ = ["ACTOR", "Problem", "application", "bearer", "body_of", "serve"]
