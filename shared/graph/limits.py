"""Every limit, lifetime and retry number of Microsoft Graph that we count on, each with its source and date."""

from datetime import timedelta

CONCURRENT_REQUESTS_PER_MAILBOX = 4
"""Per app and mailbox. https://learn.microsoft.com/en-us/graph/throttling-limits (2026-02-06)"""

BATCH_SIZE = 20
"""Requests a batch. https://learn.microsoft.com/en-us/graph/json-batching (2025-02)"""

SUBSCRIPTION_LIFETIME = timedelta(minutes=10_080)
"""Longest for messages, events and contacts without resource data.
https://learn.microsoft.com/en-us/graph/change-notifications-overview (2026-04)"""
SUBSCRIPTION_MARGIN = timedelta(minutes=15)
"""Asked for less than the longest, so that a clock that differs does not make Graph refuse."""
RENEW_WHEN_LEFT = timedelta(hours=48)
"""Renewed from here on, at every hourly tick until it works."""

LONGEST_CLIENT_STATE = 128
"""https://learn.microsoft.com/en-us/graph/api/resources/subscription"""

DELTA_PAGE = 200
"""Messages a page of a delta round; asked for by ``Prefer: odata.maxpagesize``."""
MOST_DELTA_PAGES = 2_000
"""A round of more pages than this is taken for one that never ends.
https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/3082"""

DIRECTORY_PAGE = 999
"""Users or groups a page. https://learn.microsoft.com/en-us/graph/api/user-list#optional-query-parameters"""
IDS_AT_ONCE = 1_000
"""Objects that one request looks up. https://learn.microsoft.com/en-us/graph/api/directoryobject-getbyids"""
GROUPS_CHECKED_AT_ONCE = 20
"""https://learn.microsoft.com/en-us/graph/api/directoryobject-checkmembergroups"""
IDS_IN_DELTA_FILTER = 50
"""Objects that a delta round can be limited to. https://learn.microsoft.com/en-us/graph/api/group-delta"""

SIGN_IN_PAGE = 500
"""Users a page where ``signInActivity`` is asked for. https://learn.microsoft.com/en-us/graph/api/user-list"""
SIGN_IN_REQUESTS = 9
SIGN_IN_WINDOW = timedelta(seconds=61)
"""Graph takes ten a minute; one is left for clocks that differ.
https://learn.microsoft.com/en-us/graph/throttling-limits#identity-and-access-service-limits"""

RENEW_TOKEN_WHEN_LEFT = 300.0
"""Seconds before its end from which a token is not used any more; Entra's live for an hour or more.
https://learn.microsoft.com/en-us/entra/identity-platform/configurable-token-lifetimes"""

SIGNING_KEYS_GOOD_FOR = 24 * 3600.0
SIGNING_KEYS_PAUSE = 300.0
"""Seconds. How long Entra's published keys are believed, and how long it is not asked again for one that is not known.
https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens#validate-the-signature"""
CLOCK_SKEW = 300.0
"""Seconds by which our clock may differ from Entra's when a token's times are compared; what Microsoft's own libraries
allow. https://learn.microsoft.com/en-us/dotnet/api/microsoft.identitymodel.tokens.tokenvalidationparameters.clockskew"""

CONNECT_SECONDS = 10
READ_SECONDS = 100
"""A 150 MB message takes its time; nothing else comes near."""

TRIES = 4
LONGEST_PAUSE = 5.0
"""A request is tried this often; a wait longer than this many seconds is not slept but put back on the queue."""
LONGEST_PAUSES = 20.0
"""All pauses of one piece of work together, in seconds: a function that sleeps is paid for and holds a worker up."""
USUAL_PAUSE = 0.5
"""First wait where the answer named none; doubled at each further try."""
SIGN_IN_CHANGED_PAUSE = 10.0
"""Seconds until work is taken up again whose sign-in was changed: longer than a pause, for it needs another client."""
DEFAULT_RETRY_AFTER = 30.0
"""How long work is put back for where Graph is unavailable and does not say how long."""
