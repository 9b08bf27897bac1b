"""Runs inside django-helpdesk's environment: one `get_email` over a folder of mails, timed and counted, told as JSON.

Its folder is listed in the order of names here, that of arrival; by itself it takes files as the disk has them, and an
answer that comes before its question opens a ticket.
"""

# mypy: disable-error-code="import-not-found"
# Everything below comes from that environment.

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import django


def main() -> None:
    """Make the database, one queue, take the mails in, print what came of it."""
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 - only after setup
    from helpdesk import email  # noqa: PLC0415 - the same
    from helpdesk.models import EmailTemplate  # noqa: PLC0415 - the same

    call_command("migrate", verbosity=0)
    _make_queue(sys.argv[1])
    if os.environ["HELPDESK_TUNED"] == "1":
        EmailTemplate.objects.all().delete()  # no acknowledgements are written: we write none either
    listdir = os.listdir
    email.os.listdir = lambda folder: sorted(listdir(folder))
    cpu, started = time.process_time(), time.perf_counter()
    call_command("get_email", debug_to_stdout=True)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, **_counts()}))


def _make_queue(folder: str) -> None:
    from helpdesk.models import Queue  # noqa: PLC0415 - only after setup

    Queue.objects.create(
        title="Support",
        slug="support",
        email_address="support@contoso.com",
        allow_email_submission=True,
        email_box_type="local",
        email_box_local_dir=folder,
        logging_type="none",
    )


def _counts() -> dict[str, Any]:
    from helpdesk.models import FollowUp, FollowUpAttachment, Ticket  # noqa: PLC0415 - only after setup

    wanted = FollowUpAttachment.objects.exclude(filename__startswith="email_html_body")
    return {
        "tickets": Ticket.objects.count(),
        "actions": FollowUp.objects.count(),
        "attachments": sum(1 for each in wanted if Path(each.file.path).exists()),
    }


if __name__ == "__main__":
    main()
