"""The version of what lies in storage, and how an older one is brought forward while the app works.

``steps.py`` says what changed, ``reached.py`` how far a storage is, ``readiness.py`` whether this app may work on it,
and ``forward.py`` brings it on. What every version keeps to besides, so that one can go back to the one before: no row
is ever put whole (see ``Change``), and what a row says more than a version knows is passed over (see ``fill``).
"""
