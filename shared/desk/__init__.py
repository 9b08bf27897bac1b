"""The service desk: tickets, actions, users, and how all of them are organized. Knows nothing of Microsoft.

The whole desk is one partition of the table ``Desk``, so that a ticket, its number, its first action, its requester
and the rows it is listed by come into being in one transaction, or not at all:

==========================================  ===========================================================================
key                                         row
==========================================  ===========================================================================
``!counter``                                the last ticket number given
``t~`` number, newest first                 a ticket
``s~`` status ``~`` number, newest first    the same ticket, to list by status
``r~`` user ``~`` number, newest first      the same ticket, to list by requester
``g~`` agent ``~`` number, newest first     the same ticket, to list by agent; none while it has no agent
``a~`` number ``~`` time ``~`` place        an action on a ticket, in order
``o~`` origin                               what became of one thing that came in: recording it again changes nothing
``m~`` digest of a Message-ID               the ticket that this mail belongs to
``u~`` user                                 a user
``e~`` digest of an address                 the user with this mail address
``agent~`` agent                            an agent
``org~``, ``site~``, ``team~``, ...         an organization, a site, a team, a role, a board, a custom field, by its id
``lic~`` connection ``~`` product           a license that an organization has bought
``n~`` digest of a name                     which of these has this name: no other of its kind may
``dom~`` mail domain                        the active site that has it
==========================================  ===========================================================================
"""

TABLE = "Desk"
PARTITION = "desk"
