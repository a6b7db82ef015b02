"""How a seller connects Bling: to the consent page and back."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from aiohttp import web

from services.bling_gateway import pages, wire
from services.bling_gateway.client import BlingClient, Caller
from services.bling_gateway.errors import AccountDeadError, BlingError, ThrottledError
from services.bling_gateway.oauth import App, TokenEndpoint
from services.bling_gateway.store import connections, readings
from services.bling_gateway.tokens import Tokens
from shared.contracts import derived_id
from shared.contracts.bling_gateway import AccountConnected
from shared.gateway import accounts
from shared.gateway.facts import Facts
from shared.gateway.store import Connection, Pool
