"""``python -m shared.contract_lock``: publish today's contracts, unless that breaks a reader."""

import typer

from shared.contract_lock.published import PUBLISHED, read, refused, text_of, with_todays
from shared.contracts import CONTRACTS
from shared.contracts.upcasting import UPCASTERS

app = typer.Typer()


@app.command()
def publish() -> None:
    """Write shared/contracts/published.json anew, if no reader breaks by it."""
    published = read()
    reasons = list(refused(published, CONTRACTS, UPCASTERS))
    for reason in reasons:
        typer.echo(reason, err=True)
    if reasons:
        raise typer.Exit(1)
    now = with_todays(published, CONTRACTS)
    PUBLISHED.write_text(text_of(now), encoding="utf-8")
    changed = [key for key in now if now[key] != published.get(key)]
    for key in sorted(changed):
        typer.echo(f"published {key}")
    typer.echo(f"{len(now)} published, {len(changed)} of them now")


if __name__ == "__main__":
    app()
