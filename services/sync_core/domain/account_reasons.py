"""The reasons of an account: why it as a whole needs a person, in one table."""

from collections.abc import Iterable
from typing import Final

from services.sync_core.domain.account import AccountState
from services.sync_core.domain.reasons import Reason
from services.sync_core.domain.situations import deleted_situations, new_side_effects
from shared.contracts import bling_gateway as bling

ACCOUNT_REASONS: Final[dict[str, Reason]] = {
    "bling_disconnected": Reason(
        "O Bling não está mais conectado. Conecte-o de novo: o que ficou por fazer está guardado.",
        ("reconnect",),
    ),
    "hub_disconnected": Reason(
        "A 360Hub não está mais conectada. Informe as credenciais de novo: o que ficou por fazer "
        "está guardado.",
        ("reconnect",),
    ),
    "bling_paused": Reason(
        "O trabalho com o Bling está pausado. O que chega é guardado até a retomada.",
        ("resume",),
    ),
    "hub_paused": Reason(
        "O trabalho com a 360Hub está pausado. O que chega é guardado até a retomada.",
        ("resume",),
    ),
    "situations_refused": Reason(
        "O Bling recusou a leitura ou a criação das situações de que a integração precisa. Crie-as "
        "no Bling e leia de novo, ou escolha outras no mapeamento.",
        ("edit_in_bling", "read_options", "change_mapping"),
    ),
    "situation_unusable": Reason(
        "O Bling já tem uma situação com o nome esperado, mas que não herda de Em andamento. "
        "Renomeie-a e leia de novo, ou escolha as situações no mapeamento.",
        ("edit_in_bling", "read_options", "change_mapping"),
    ),
    "situation_deleted": Reason(
        "Uma situação do mapeamento foi excluída no Bling. Escolha outra no lugar dela.",
        ("change_mapping",),
    ),
    "new_side_effects": Reason(
        "O Bling faz algo por conta própria quando a integração muda a situação de um pedido. "
        "Confira e aceite, ou mude a transição no Bling.",
        ("accept_side_effects", "edit_in_bling", "change_mapping"),
    ),
    "webhooks_silent": Reason(
        "O Bling mudou pedidos sem avisar. As mudanças são encontradas na conferência periódica, "
        "com atraso; nada se perde.",
        (),
        needs_person=False,
    ),
    "hub_lacks": Reason(
        "A 360Hub não oferece à integração tudo o que ela usa. O que falta está dito aqui, e o que "
        "muda para você.",
        (),
        needs_person=False,
    ),
    "account_parked": Reason(
        "Uma ação da conta falhou repetidas vezes e espera uma nova tentativa.",
        ("retry",),
    ),
    "orders_gone": Reason(
        "Muitos pedidos sumiram do Bling na mesma hora. Confirme em cada um se ele não existe "
        "mesmo.",
        ("confirm_gone",),
    ),
}
"""Code → what it means and what settles it."""


def account_reasons(account: AccountState) -> dict[str, tuple[str, ...]]:
    """Return the reasons that the account's state alone tells, with their details."""
    found: dict[str, tuple[str, ...]] = {}
    for side, cause in account.disconnected.items():
        found[f"{side}_disconnected"] = (f"cause:{cause}",)
    for side, why in account.paused.items():
        found[f"{side}_paused"] = (f"message:{why}",)
    if account.silence:
        found["webhooks_silent"] = _silence(account.silence)
    if account.missing_capabilities:
        found["hub_lacks"] = account.missing_capabilities
    if account.parked:
        found["account_parked"] = tuple(sorted(set(account.parked.values())))
    return found | _about_situations(account)


def _about_situations(account: AccountState) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    unmapped = account.mapping is None  # whoever chose a mapping needs no situação made
    refusals = [each for each in account.refusals if unmapped or each.action == "read"]
    if refusals:
        found["situations_refused"] = _refused(refusals)
    if unmapped and account.unusable:
        found["situation_unusable"] = tuple(f"unusable:{each.id}" for each in account.unusable)
    if deleted := deleted_situations(account):
        found["situation_deleted"] = tuple(f"deleted:{known}" for known in deleted)
    if effects := new_side_effects(account):
        found["new_side_effects"] = tuple(map(_effect, effects))
    return found


def _silence(silence: bling.WebhooksSilent) -> tuple[str, ...]:
    missed = f"missed:{silence.missed}"
    return (missed, f"since:{silence.since.isoformat()}") if silence.since else (missed,)


def _refused(refusals: Iterable[bling.SituationsRefused]) -> tuple[str, ...]:
    """Say what was refused, and each of Bling's messages once, after all that it is about."""
    said: dict[str, list[str]] = {}
    for each in refusals:
        what = f"{each.action}:{each.name}" if each.name else each.action
        said.setdefault(f"message:{each.message}", []).append(what)
    return tuple(detail for message, whats in said.items() for detail in (*whats, message))


def _effect(transition: bling.Transition) -> str:
    actions = " ".join(transition.actions)
    return f"transition:{transition.origin}:{transition.destination}:{actions}"
