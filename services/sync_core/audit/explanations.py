"""What the codes beside a reason mean: which item, which field, which product."""

from collections.abc import Iterable

from services.sync_core.audit.words import Words


def explanations(reason: str, details: Iterable[str], words: Words) -> tuple[str, ...]:
    """Say each of a reason's details in words, in their order."""
    return tuple(_explanation(reason, detail, words) for detail in details)


def _explanation(reason: str, detail: str, words: Words) -> str:
    match reason:
        case "parked":
            return f"não foi possível {words.word('command', detail)}"
        case "occurrence":
            return words.word("occurrence", detail)
        case "filtered":
            return words.word("criterion", detail)
    return _named(detail, words)


def _named(detail: str, words: Words) -> str:
    """Say a detail that names its own kind: ``code``, or ``code:what it is about``."""
    name, _, about = detail.partition(":")
    match name:
        case "hold":
            return f"pendência na 360Hub: {words.word('hold', about)}"
        case "product_missing":
            return f"o produto {about} não pôde ser importado na 360Hub"
        case "status":
            return f"a 360Hub mostra: {words.word('status', about)}"
        case "situation":
            return f"a mudança era para {words.situation(int(about))}"
    if about.startswith("/"):
        return f"a 360Hub recusou {words.place(about)} ({words.word('refused_field', name)})"
    if words.knows("detail", name):
        return words.word("detail", name)
    return words.problem(name, about)
