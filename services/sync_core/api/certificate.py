"""The no-skip certificate over HTTP, for one account and as metrics of the whole log."""

from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from services.sync_core.api.accounts import known_account
from services.sync_core.api.acting import LOG
from services.sync_core.api.answers import answer
from services.sync_core.api.models import CertificateView, ConsumerView
from services.sync_core.certificate import sql
from services.sync_core.certificate.check import Verified, verified_of
from services.sync_core.certificate.readers import spell_digest
from services.sync_core.log import sql as log_sql
from shared.contracts import partition_of

_GAUGES: Final = {
    "verified": "Events that the consumer was found to have applied, each once",
    "unverified": "Events after those, not yet compared or not yet applied",
    "failing": "Accounts in which the consumer did not apply what is logged",
}
_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"


async def show_certificate(request: web.Request) -> web.Response:
    """Show what the last check found."""
    account_id = await known_account(request)
    pool = request.config_dict[LOG].pool
    head = await pool.fetchval(log_sql.HEAD, partition_of(account_id), account_id)
    consumers = await verified_of(pool, account_id)
    return answer(CertificateView(head=head, consumers=tuple(map(_view, consumers))))


async def metrics(request: web.Request) -> web.Response:
    """Answer with the certificate's totals, in Prometheus's text format."""
    registry = CollectorRegistry()
    gauges = {
        name: Gauge(f"sync_core_log_{name}", meaning, ["consumer"], registry=registry)
        for name, meaning in _GAUGES.items()
    }
    for row in await request.config_dict[LOG].pool.fetch(sql.TOTALS):
        for name, gauge in gauges.items():
            gauge.labels(row["consumer"]).set(row[name])
    return web.Response(body=generate_latest(registry), headers={"Content-Type": _TEXT})


def _view(found: Verified) -> ConsumerView:
    assert found.checked_at is not None  # noqa: S101 - it is read from where it was kept
    return ConsumerView(
        consumer=found.consumer,
        verified_to=found.position,
        count=found.count,
        digest=spell_digest(found.digest),
        failure=found.failure,
        checked_at=found.checked_at,
    )
