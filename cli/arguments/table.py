"""A table on the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def show_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], notes: Iterable[str] = ()
) -> None:
    """Print rows below a head, words to the left and numbers to the right, and notes below."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console, table = Console(), Table(box=box.SIMPLE)
    for index, name in enumerate(head):
        words = index == 0 or any(row[index][:1].isalpha() for row in rows)
        table.add_column(name, justify="left" if words else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    for note in notes:
        console.print(note, highlight=False, soft_wrap=True)
