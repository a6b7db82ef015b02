"""People, by the names of their data: how an erasure stands, and asking for one."""

from aiohttp import web

from services.sync_core.api.accounts import known_account
from services.sync_core.api.acting import LOG, action, log_action
from services.sync_core.api.answers import answer
from services.sync_core.api.models import SubjectOrderView, SubjectStateView
from services.sync_core.audit.subjects import SubjectView, is_subject, subject_view
from services.sync_core.domain import ACCOUNT
from shared.contracts import partition_of
from shared.contracts.sync_core import ErasureRequested
from shared.web import Problem


async def show_subject(request: web.Request) -> web.Response:
    """Show how an erasure of the subject stands."""
    return answer(_state_view(await _known_subject(request)))


async def erase(request: web.Request) -> web.Response:
    """Ask for the erasure. It waits for shipments that are under way."""
    view = await _known_subject(request)
    account_id = view.account_id
    entry = action(request, account_id, ACCOUNT, ErasureRequested(subject=view.subject))
    async with request.config_dict[LOG].writing(partition_of(account_id), [account_id]) as writing:
        return answer(await log_action(writing, entry))


async def _known_subject(request: web.Request) -> SubjectView:
    account_id = await known_account(request)
    subject = request.match_info["subject"]
    if is_subject(subject):
        view = await subject_view(request.config_dict[LOG].pool, account_id, subject)
        if view.known:
            return view
    raise Problem(404, "subject_unknown", "Nothing is held about this subject")


def _state_view(view: SubjectView) -> SubjectStateView:
    return SubjectStateView(
        account_id=view.account_id,
        subject=view.subject,
        state=view.state,
        erased_at=view.erased_at,
        waits_for=view.waits_for,
        orders=tuple(
            SubjectOrderView(
                order_id=order.order_id,
                number=order.number,
                stage=order.stage,
                under_way=order in view.under_way,
                nfe=order in view.documented,
            )
            for order in view.orders
        ),
    )
