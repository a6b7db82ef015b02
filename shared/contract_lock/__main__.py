"""``python -m shared.contract_lock``: publish today's contracts, unless that breaks a reader."""

import typer

from shared.contract_lock.history import NoHistoryError, withdrawn
from shared.contract_lock.published import (
    PUBLISHED,
    Published,
    read,
    refused,
    text_of,
    with_todays,
)
from shared.contracts import CONTRACTS
from shared.contracts.upcasting import UPCASTERS

app = typer.Typer()


@app.command()
def publish() -> None:
    """Write shared/contracts/published.json anew, if no reader breaks by it."""
    published = read()
    now = with_todays(published, CONTRACTS)
    reasons = [*refused(published, CONTRACTS, UPCASTERS), *_withdrawn(now)]
    for reason in reasons:
        typer.echo(reason, err=True)
    if reasons:
        raise typer.Exit(1)
    PUBLISHED.write_text(text_of(now), encoding="utf-8")
    changed = [key for key in now if now[key] != published.get(key)]
    for key in sorted(changed):
        typer.echo(f"published {key}")
    typer.echo(f"{len(now)} published, {len(changed)} of them now")


def _withdrawn(now: Published) -> list[str]:
    try:
        return list(withdrawn(now))
    except NoHistoryError as error:
        typer.echo(f"not compared with earlier revisions: {error}", err=True)
        return []


if __name__ == "__main__":
    app()
