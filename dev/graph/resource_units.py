"""The limits of the directory: resource units, writes, and how often somebody asks for sign-ins.

https://learn.microsoft.com/en-us/graph/throttling-limits#identity-and-access-service-limits

A request that is turned away counts all the same, so whoever does not wait as told waits longer.
"""

import math
import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dev.graph.clock import Clock
from dev.graph.wire import GraphError, Request

_UNITS_BY_USERS = ((50, 3_500), (501, 5_000))  # of one app in one tenant, in 10 s: below so many users
_UNITS_OF_LARGE_TENANTS = 8_000
_UNITS_OF_APP = 150_000  # in 20 s, wherever
_WRITES, _WRITES_OF_TENANT, _WRITES_OF_APP = 3_000, 18_000, 35_000  # in 150 s, 5 min, 5 min
_SIGN_IN_REQUESTS = 10  # a minute, https://learn.microsoft.com/en-us/graph/throttling-limits
_TOLD_FROM, _TOLD_UP_TO = 0.8, 1.8
_BY_IDS_WITH_SELECT = 2


@dataclass(frozen=True)
class Spender:
    """An app in a tenant, which is small, medium or large by its users."""

    client_id: str
    tenant_id: str
    users: int

    @property
    def units(self) -> int:
        """Resource units in 10 seconds."""
        return next((units for below, units in _UNITS_BY_USERS if self.users < below), _UNITS_OF_LARGE_TENANTS)


@dataclass(frozen=True)
class _Limit:
    """`scope` as the header names it, what is counted, in how many seconds, how much of it, and what is taken now."""

    scope: str
    of: str
    seconds: int
    most: int
    taken: int = 1


@dataclass
class _Meter:
    """What was spent in the last seconds."""

    seconds: int
    spent: deque[tuple[datetime, int]] = field(default_factory=deque)
    total: int = 0

    def add(self, now: datetime, amount: int) -> int:
        while self.spent and self.spent[0][0] <= now - timedelta(seconds=self.seconds):
            self.total -= self.spent.popleft()[1]
        self.spent.append((now, amount))
        self.total += amount
        return self.total

    def wait(self, now: datetime, limit: int) -> int:
        """Whole seconds until there is room for as much again."""
        left = self.total
        for moment, amount in self.spent:
            left -= amount
            if left < limit:
                return max(1, math.ceil((moment + timedelta(seconds=self.seconds) - now).total_seconds()))
        return self.seconds


class ResourceUnits:
    """Counts what every app spends on the directory of every tenant. `generosity` multiplies all limits."""

    def __init__(self, clock: Clock) -> None:
        self.generosity = 1
        self._clock = clock
        self._lock = threading.Lock()
        self._meters: dict[tuple[str, str], _Meter] = {}
        self.spent: Counter[str] = Counter()
        self.highest_share: dict[str, float] = {}

    def spend(self, who: Spender, cost: int, *, write: bool = False, sign_ins: bool = False) -> dict[str, str]:
        """Take `cost` units, and a write; the headers that go with the answer. Over a limit: 429."""
        with self._lock:
            self.spent[who.client_id] += cost
            share = max(self._take(limit) for limit in _limits(who, cost, write=write, sign_ins=sign_ins))
            self.highest_share[who.client_id] = max(share, self.highest_share.get(who.client_id, 0))
        told = {"x-ms-resource-unit": str(cost)}
        if share >= _TOLD_FROM:
            told["x-ms-throttle-limit-percentage"] = f"{min(share, _TOLD_UP_TO):.2f}"
        return told

    def forget(self) -> None:
        """As if no request had ever come."""
        with self._lock:
            self._meters.clear()
            self.spent.clear()
            self.highest_share.clear()

    def _take(self, limit: _Limit) -> float:
        most = limit.most * self.generosity
        now, meter = self._clock.now(), self._meters.setdefault((limit.scope, limit.of), _Meter(limit.seconds))
        total = meter.add(now, limit.taken)
        if total > most:
            raise _refusal(limit, meter.wait(now, most))
        return total / most


def cost_of(request: Request, units: int) -> int:
    """What this request costs, from what its operation costs to begin with; never less than one unit."""
    options = request.options
    if "$select" in options:
        units = _BY_IDS_WITH_SELECT if request.path.endswith("/getByIds") else units - 1
    units += "$expand" in options
    units -= options.get("$top", "").isdigit() and int(options["$top"]) < 20
    return max(units, 1)


def _limits(who: Spender, cost: int, *, write: bool, sign_ins: bool) -> list[_Limit]:
    """Every limit that a request is held against."""
    app, tenant = who.client_id, who.tenant_id
    found = [
        _Limit(f"Tenant_Application/ReadWrite/{app}/{tenant}", "units", 10, who.units, cost),
        _Limit(f"Application/ReadWrite/{app}/", "units", 20, _UNITS_OF_APP, cost),
    ]
    if write:
        found += [
            _Limit(f"Tenant_Application/Write/{app}/{tenant}", "writes", 150, _WRITES),
            _Limit(f"Tenant/Write//{tenant}", "writes", 300, _WRITES_OF_TENANT),
            _Limit(f"Application/Write/{app}/", "writes", 300, _WRITES_OF_APP),
        ]
    if sign_ins:
        found.append(_Limit(f"Tenant_Application/Read/{app}/{tenant}", "sign-ins", 60, _SIGN_IN_REQUESTS))
    return found


def _refusal(limit: _Limit, seconds: int) -> GraphError:
    reason = "WriteLimitExceeded" if limit.of == "writes" else "ResourceUnitLimitExceeded"
    told = {"x-ms-throttle-scope": limit.scope, "x-ms-throttle-information": reason}
    return GraphError(429, "TooManyRequests", "Too many requests.", {"Retry-After": str(seconds), **told})
