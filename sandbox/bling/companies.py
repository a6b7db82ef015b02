"""Make a Bling account with what a seller's has: situações, channels, products."""

import hashlib
from datetime import timedelta
from itertools import repeat
from random import Random
from uuid import uuid4

from sandbox.bling import documents, people
from sandbox.bling.channels import payment_methods, starting_channels
from sandbox.bling.logistics import starting_logistics
from sandbox.bling.product_kinds import STARTING_KINDS, ProductKind, add_product
from sandbox.bling.situations import starting_situations
from sandbox.bling.state import Clock, Company, Ids, WebhookRules, today
from sandbox.bling.webhooks import RETRY_GAPS_S

PLAIN_PRODUCTS = 8

# The first company keeps its id over restarts, as a real account does.
_FIRST_COMPANY_ID = hashlib.md5(b"first company", usedforsecurity=False).hexdigest()


def first_company(ids: Ids, clock: Clock) -> Company:
    """Make the company that is there from the start."""
    return _make_company(
        _FIRST_COMPANY_ID, ids, clock, name="Jacarandá Casa e Jardim Ltda", alphanumeric=False
    )


def another_company(ids: Ids, clock: Clock, *, name: str | None) -> Company:
    """Make one more company; its CNPJ is of the alphanumeric kind."""
    return _make_company(uuid4().hex, ids, clock, name=name, alphanumeric=True)


def _make_company(
    company_id: str, ids: Ids, clock: Clock, *, name: str | None, alphanumeric: bool
) -> Company:
    random = Random(company_id)
    company = Company(
        id=company_id,
        name=name or people.seller_name(random),
        cnpj=documents.cnpj(random, alphanumeric=alphanumeric),
        email=f"contato-{company_id[:8]}@example.com",
        state=people.seller_state(random),
        contract_date=today(clock) - timedelta(days=random.randrange(90, 2000)),
        random=random,
        webhooks=WebhookRules(retry_gaps_s=RETRY_GAPS_S),
        situations=starting_situations(random),
        payment_methods=payment_methods(ids),
        deposit=ids.take(),
    )
    starting_channels(company, ids)
    starting_logistics(company, ids)
    for kind in (*repeat(ProductKind.SIMPLE, PLAIN_PRODUCTS), *STARTING_KINDS):
        add_product(company, ids, clock, kind)
    return company
