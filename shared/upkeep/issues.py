"""What is wrong, as health tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong: ``code`` for machines, cause and cure for people, ``subject`` what it concerns."""

    code: str
    severity: Severity
    subject: str
    cause: str
    cure: str
