"""What the person at the terminal is told, one line a step."""

from rich.console import Console
from rich.markup import escape

console = Console(highlight=False, soft_wrap=True)


def step(text: str) -> None:
    """Say what is being done."""
    console.print(f"[cyan]•[/] {escape(text)}")


def done(text: str) -> None:
    """Say what was reached."""
    console.print(f"[green]✓[/] {escape(text)}")


def problem(text: str) -> None:
    """Say what went wrong."""
    console.print(f"[red]✗[/] {escape(text)}")
