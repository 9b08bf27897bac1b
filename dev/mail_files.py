"""Which files a command line means, and what to call them."""

from collections.abc import Iterable, Iterator
from pathlib import Path


def iter_files(given: Iterable[Path]) -> Iterator[Path]:
    """Each file, and every file below each folder, in the order of their names. A name may hold any bytes.

    A link that leads nowhere is yielded too: reading it then tells what is wrong. Pipes and sockets below a folder are
    passed over, as reading one may never end.
    """
    for path in given:
        if path.is_dir():
            yield from sorted(filter(_is_to_be_read, path.rglob("*")))
        else:
            yield path


def _is_to_be_read(path: Path) -> bool:
    return path.is_file() or not path.exists()


def printable(text: str) -> str:
    """Text that came by mail, fit for a terminal: nothing in it can move the cursor or change a color."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
