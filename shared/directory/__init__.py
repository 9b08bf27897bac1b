"""The Entra directory: users, agents, roles, teams, boards and licenses, brought in line with a tenant.

A *run* reads what changed, makes a *plan* of all that is to be done, and applies the plan. A preview is a plan that is
not applied. What a run knows of the tenant lies in the partition of its connection in the table ``Directory``:

==================================  ==================================================================================
key                                 row
==================================  ==================================================================================
``!rules``                          the settings of this connection's directory (``rules``)
``!state``                          lease, delta links and phase of the run that is under way (``runs``)
``p~`` object id                    a person as Entra last told of them, and who they are at the desk (``mirror``)
``g~`` object id                    a group: its name, its nested groups (``mirror``)
``l~`` change, newest first         a license that is to be given or taken, and what came of it (``license_changes``)
``!sign-ins``                       how far the reading of sign-ins is (``sign_ins``)
``!report~`` task                   how work beside the runs went: licenses, sign-ins (``reports``)
``r~`` run, newest first            a run: what it counted, what it holds for approval, where its plan lies (``runs``)
==================================  ==================================================================================

In the partition ``!desk``, which no connection can be called, ``!followers`` names the connection whose groups are
meant where none is named (``followers``).

Pages as Graph gave them and the pieces of a plan are blobs under ``directory/`` connection ``/`` run.
"""

TABLE = "Directory"
