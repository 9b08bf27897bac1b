"""Of a delivery report: which mail could not be delivered."""

import re
from collections.abc import Iterable

from shared.mail.attachments import Attachment
from shared.mail.headers import Headers, split_headers
from shared.mail.message_ids import parse_message_id

_RETURNED = frozenset({"message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global"})
# qmail and Exim put the returned mail, or its header, into the text itself.
_IN_TEXT = re.compile(r"^[ >]{0,8}Message-ID:\s{0,4}(<[^<>\s]{1,900}>)", re.MULTILINE | re.IGNORECASE)


def find_bounced_message_id(attachments: Iterable[Attachment], text: str) -> str | None:
    """The ``Message-ID`` of the mail that a bounce sends back, as ``<...>``, or None.

    Anybody can write a bounce: an id from here is worth something only if it is one that the desk sent.
    """
    for attachment in attachments:
        if attachment.type in _RETURNED:
            fields, _, _ = split_headers(attachment.content, 0, len(attachment.content))
            found = parse_message_id(Headers(fields).text("message-id"))
            if found:
                return found
    in_text = _IN_TEXT.search(text)
    return parse_message_id(in_text[1]) if in_text else None
