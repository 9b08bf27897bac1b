"""Everything that wakes the app: each function says what wakes it and hands on. Imports inside a function keep the
start of the others short; the webhook must answer within three seconds, even from cold.
"""

from typing import TYPE_CHECKING

import azure.functions as func

from shared import runtime, tally, work

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.runtime import Runtime
    from shared.subscriptions.notifications import Reply

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

STORAGE = "AzureWebJobsStorage"


@app.function_name("graph_notifications")
@app.route("graph/notifications", methods=["POST"])
async def graph_notifications(req: func.HttpRequest) -> func.HttpResponse:
    """Graph tells of changes; trusted by the signature in each item's clientState."""
    from shared.subscriptions import notifications  # noqa: PLC0415 - see the top

    return _plain(await notifications.receive(runtime.current(), req.params, req.get_body()))


@app.function_name("graph_lifecycle")
@app.route("graph/lifecycle", methods=["POST"])
async def graph_lifecycle(req: func.HttpRequest) -> func.HttpResponse:
    """Graph tells of its subscriptions; trusted by the signature in each item's clientState."""
    from shared.subscriptions import notifications  # noqa: PLC0415 - see the top

    return _plain(await notifications.receive_lifecycle(runtime.current(), req.params, req.get_body()))


@app.function_name("api_v1")
@app.route("api/v1/{*path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def api_v1(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """The admin API; it checks its callers itself."""
    from shared.api import application  # noqa: PLC0415 - FastAPI is loaded by the first call

    answer: func.HttpResponse = await application.middleware().handle_async(req, context)
    return answer


@app.function_name("auth_callback")
@app.route("auth/callback", methods=["GET"])
def auth_callback(req: func.HttpRequest) -> func.HttpResponse:
    """A browser comes back from Entra; trusted by the state that it brings."""
    from shared.api import callback  # noqa: PLC0415 - see the top

    return callback.receive(runtime.current(), req.params)


@app.function_name("scan_mailboxes")
@app.timer_trigger(arg_name="timer", schedule="%SCAN_SCHEDULE%", use_monitor=True)
def scan_mailboxes(timer: func.TimerRequest) -> None:
    """The safety net: every mailbox is looked at, whatever was or was not notified."""
    from shared.mail import mailboxes  # noqa: PLC0415 - see the top

    del timer
    _come_round("scan_mailboxes", mailboxes.scan)


@app.function_name("reconcile_subscriptions")
@app.timer_trigger(arg_name="timer", schedule="%RECONCILE_SCHEDULE%", use_monitor=True)
def reconcile_subscriptions(timer: func.TimerRequest) -> None:
    """Graph's list of subscriptions is compared with ours and mended."""
    from shared.mail import watching  # noqa: PLC0415 - see the top

    del timer
    _come_round("reconcile_subscriptions", watching.reconcile_all)


@app.function_name("watch_connections")
@app.timer_trigger(arg_name="timer", schedule="%WATCH_SCHEDULE%", use_monitor=True)
def watch_connections(timer: func.TimerRequest) -> None:
    """Lost sign-ins are tried again, and credentials that end soon are told of."""
    from shared.upkeep import watching  # noqa: PLC0415 - see the top

    del timer
    _come_round("watch_connections", watching.watch_connections)


@app.function_name("remove_old")
@app.timer_trigger(arg_name="timer", schedule="%RETENTION_SCHEDULE%", use_monitor=True)
def remove_old(timer: func.TimerRequest) -> None:
    """Records that have been kept for long enough are removed."""
    from shared.upkeep import retention  # noqa: PLC0415 - see the top

    del timer
    _come_round("remove_old", retention.remove_old)


@app.function_name("sync_directories")
@app.timer_trigger(arg_name="timer", schedule="%DIRECTORY_SCHEDULE%", use_monitor=True)
def sync_directories(timer: func.TimerRequest) -> None:
    """Directories whose time has come are brought up to date, and runs that died go on."""
    from shared.directory import schedule  # noqa: PLC0415 - see the top

    del timer
    _come_round("sync_directories", schedule.begin_due)


@app.function_name("report_figures")
@app.timer_trigger(arg_name="timer", schedule="%REPORT_SCHEDULE%", use_monitor=True)
def report_figures(timer: func.TimerRequest) -> None:
    """It is told how far behind each mailbox and each queue is."""
    from shared.upkeep import figures  # noqa: PLC0415 - see the top

    del timer
    _come_round("report_figures", figures.report)


@app.function_name("import_licenses")
@app.timer_trigger(arg_name="timer", schedule="%LICENSE_SCHEDULE%", use_monitor=True)
def import_licenses(timer: func.TimerRequest) -> None:
    """What the connected tenants have bought is looked up."""
    from shared.directory import license_import  # noqa: PLC0415 - see the top

    del timer
    _come_round("import_licenses", license_import.import_all)


@app.function_name("read_sign_ins")
@app.timer_trigger(arg_name="timer", schedule="%SIGN_IN_SCHEDULE%", use_monitor=True)
def read_sign_ins(timer: func.TimerRequest) -> None:
    """It is asked when people last signed in."""
    from shared.directory import sign_ins  # noqa: PLC0415 - see the top

    del timer
    _come_round("read_sign_ins", sign_ins.begin_all)


@app.function_name("sync_mailbox")
@app.queue_trigger(arg_name="message", queue_name="mailbox-sync", connection=STORAGE)
def sync_mailbox(message: func.QueueMessage) -> None:
    """One mailbox is brought up to date."""
    from shared.mail.sync import sync_mailbox as handle  # noqa: PLC0415 - see the top

    _carry_out(work.SyncMailbox, message, handle)


@app.function_name("replay_mail")
@app.queue_trigger(arg_name="message", queue_name="mail-replay", connection=STORAGE)
def replay_mail(message: func.QueueMessage) -> None:
    """One mail is put through again."""
    from shared.mail.quarantine import replay as handle  # noqa: PLC0415 - see the top

    _carry_out(work.ReplayMail, message, handle)


@app.function_name("care_for_subscription")
@app.queue_trigger(arg_name="message", queue_name="subscription-care", connection=STORAGE)
def care_for_subscription(message: func.QueueMessage) -> None:
    """The subscription of one mailbox is made what it should be."""
    from shared.mail.watching import care as handle  # noqa: PLC0415 - see the top

    _carry_out(work.CareForSubscription, message, handle)


@app.function_name("sync_directory")
@app.queue_trigger(arg_name="message", queue_name="directory-sync", connection=STORAGE)
def sync_directory(message: func.QueueMessage) -> None:
    """One connection's directory is brought up to date, slice by slice."""
    from shared.directory.sync import sync_directory as handle  # noqa: PLC0415 - see the top

    _carry_out(work.SyncDirectory, message, handle)


@app.function_name("change_license")
@app.queue_trigger(arg_name="message", queue_name="license-changes", connection=STORAGE)
def change_license(message: func.QueueMessage) -> None:
    """One user is given licenses, or loses them."""
    from shared.directory.license_changes import change_license as handle  # noqa: PLC0415 - see the top

    _carry_out(work.ChangeLicense, message, handle)


@app.function_name("read_sign_in_pages")
@app.queue_trigger(arg_name="message", queue_name="sign-ins", connection=STORAGE)
def read_sign_in_pages(message: func.QueueMessage) -> None:
    """When the people of one connection last signed in is read, as fast as Graph allows."""
    from shared.directory.sign_ins import read_sign_ins as handle  # noqa: PLC0415 - see the top

    _carry_out(work.ReadSignIns, message, handle)


@app.function_name("send_alert")
@app.queue_trigger(arg_name="message", queue_name="alerts", connection=STORAGE)
def send_alert(message: func.QueueMessage) -> None:
    """The people in charge are told."""
    from shared.connections.alerts import send as handle  # noqa: PLC0415 - see the top

    _carry_out(work.SendAlert, message, handle)


@app.function_name("bring_forward")
@app.queue_trigger(arg_name="message", queue_name="upgrades", connection=STORAGE)
def bring_forward(message: func.QueueMessage) -> None:
    """The storage of an earlier version is brought to the present one."""
    from shared.upgrades.forward import bring_forward as handle  # noqa: PLC0415 - see the top

    _carry_out(work.BringForward, message, handle)


@app.function_name("keep_poison_sync")
@app.queue_trigger(arg_name="message", queue_name="mailbox-sync-poison", connection=STORAGE)
def keep_poison_sync(message: func.QueueMessage) -> None:
    """What failed too often is kept for a person."""
    _keep_poison("mailbox-sync", message)


@app.function_name("keep_poison_replay")
@app.queue_trigger(arg_name="message", queue_name="mail-replay-poison", connection=STORAGE)
def keep_poison_replay(message: func.QueueMessage) -> None:
    """What failed too often is kept for a person."""
    _keep_poison("mail-replay", message)


@app.function_name("keep_poison_care")
@app.queue_trigger(arg_name="message", queue_name="subscription-care-poison", connection=STORAGE)
def keep_poison_care(message: func.QueueMessage) -> None:
    """What failed too often is kept for a person."""
    _keep_poison("subscription-care", message)


@app.function_name("keep_poison_directory")
@app.queue_trigger(arg_name="message", queue_name="directory-sync-poison", connection=STORAGE)
def keep_poison_directory(message: func.QueueMessage) -> None:
    """What failed too often is kept for a person."""
    _keep_poison("directory-sync", message)


@app.function_name("keep_poison_license")
@app.queue_trigger(arg_name="message", queue_name="license-changes-poison", connection=STORAGE)
def keep_poison_license(message: func.QueueMessage) -> None:
    """What failed too often is kept for a person."""
    _keep_poison("license-changes", message)


@app.function_name("keep_poison_sign_ins")
@app.queue_trigger(arg_name="message", queue_name="sign-ins-poison", connection=STORAGE)
def keep_poison_sign_ins(message: func.QueueMessage) -> None:
    """What failed too often is kept for a person."""
    _keep_poison("sign-ins", message)


@app.function_name("keep_poison_alert")
@app.queue_trigger(arg_name="message", queue_name="alerts-poison", connection=STORAGE)
def keep_poison_alert(message: func.QueueMessage) -> None:
    """What failed too often is kept for a person."""
    _keep_poison("alerts", message)


@app.function_name("keep_poison_upgrades")
@app.queue_trigger(arg_name="message", queue_name="upgrades-poison", connection=STORAGE)
def keep_poison_upgrades(message: func.QueueMessage) -> None:
    """What failed too often is kept for a person."""
    _keep_poison("upgrades", message)


def _come_round(name: str, handler: "Callable[[Runtime], object]") -> None:
    from shared.upgrades import readiness  # noqa: PLC0415 - see the top

    rt = runtime.current()
    with tally.told(rt.clock, name):
        readiness.check(rt)
        handler(rt)


def _carry_out[W: work.Work](kind: type[W], message: func.QueueMessage, handler: work.Handler[W]) -> None:
    from shared.upgrades import readiness  # noqa: PLC0415 - see the top
    from shared.upkeep import set_aside  # noqa: PLC0415 - see the top

    rt, text = runtime.current(), message.get_body().decode("utf-8", "replace")
    work.carry_out(rt, kind, text, readiness.checked(handler), put=rt.queues.put, keep=set_aside.keep_text)


def _keep_poison(queue: str, message: func.QueueMessage) -> None:
    from shared.upkeep import set_aside  # noqa: PLC0415 - see the top

    set_aside.keep_poison(runtime.current(), queue, message.get_body().decode("utf-8", "replace"))


def _plain(reply: "Reply") -> func.HttpResponse:
    return func.HttpResponse(reply.body, status_code=reply.status, mimetype="text/plain", charset="utf-8")
