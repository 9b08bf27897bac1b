"""An emulator of Microsoft Graph v1.0 and Microsoft Entra sign-in, as strict as the real ones.

    emulator = Emulator()
    emulator.add_app(tenant_id=TENANT, client_id=CLIENT, secret=SECRET)
    emulator.add_mailbox(TENANT, "help@example.com", display_name="Help desk")
    session.mount("https://", EmulatorAdapter(emulator))

It knows nothing of the app, so that a misunderstanding cannot sit on both sides.
"""

from dev.graph.adapter import EmulatorAdapter
from dev.graph.emulator import Emulator
from dev.graph.faults import Fault

__all__ = ["Emulator", "EmulatorAdapter", "Fault"]
