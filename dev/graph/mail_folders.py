"""Mail folders: list, get, create, rename.

https://learn.microsoft.com/en-us/graph/api/resources/mailfolder
"""

from dev.graph import odata
from dev.graph.calls import MAIL_READ, MAIL_WRITE, Call, Operation
from dev.graph.mailboxes import Folder, Mailbox
from dev.graph.wire import GraphError, Json, Response

_TYPE_NAME = "Microsoft.OutlookServices.MailFolder"
_PROPERTIES = (
    "id",
    "displayName",
    "parentFolderId",
    "childFolderCount",
    "unreadItemCount",
    "totalItemCount",
    "isHidden",
)
_FILTERABLE = {
    "displayName": "string",
    "parentFolderId": "string",
    "unreadItemCount": "number",
    "totalItemCount": "number",
    "childFolderCount": "number",
    "isHidden": "boolean",
}
_DEFAULT_PAGE, _LARGEST_PAGE = 10, 1000


def _list(call: Call) -> Response:
    """The folders below the root or below one folder; ten a page by default."""
    request = call.request
    odata.allow(request, "$select", "$filter", "$orderby", "$top", "$skip", "$count", "includeHiddenFolders")
    names = odata.selected(request, _PROPERTIES, _TYPE_NAME)
    wanted = odata.filtered(request, _FILTERABLE)
    with_hidden = request.options.get("includeHiddenFolders", "").lower() == "true"
    rows = [_shown(call.mailbox, f, None) for f in call.mailbox.children(_parent(call), with_hidden=with_hidden)]
    rows = [row for row in rows if wanted is None or wanted.matches(row.get)]
    for name, descending in reversed(odata.ordering(request, _FILTERABLE)):
        rows.sort(key=lambda row: row[name], reverse=descending)
    top = odata.whole_number(request, "$top", _DEFAULT_PAGE, 1, _LARGEST_PAGE)
    skip = odata.whole_number(request, "$skip", 0, 0, 10**9)
    context = call.user_context("mailFolders")
    body = odata.page(request, context, rows, lambda row: _only(row, names), odata.Window(top, skip))
    return call.answer(200, body)


def _get(call: Call) -> Response:
    """One folder, by id or well-known name."""
    odata.allow(call.request, "$select", "includeHiddenFolders")
    names = odata.selected(call.request, _PROPERTIES, _TYPE_NAME)
    return call.answer(200, _entity(call, call.mailbox.folder(call.keys["folder"]), names))


def _create(call: Call) -> Response:
    """A folder below the root or below another one."""
    odata.allow(call.request)
    body = call.request.json
    _refuse_unknown(body, ("displayName", "isHidden"))
    folder = call.mailbox.create_folder(_parent(call), _display_name(body), hidden=body.get("isHidden") is True)
    return call.answer(201, _entity(call, folder, None))


def _rename(call: Call) -> Response:
    """Another display name; the folders that every mailbox has keep theirs."""
    odata.allow(call.request)
    folder, body = call.mailbox.folder(call.keys["folder"]), call.request.json
    _refuse_unknown(body, ("displayName",))
    if folder.well_known:
        raise GraphError(400, "ErrorCannotUpdateObject", "A default folder cannot be renamed.")
    folder.name = _display_name(body)
    return call.answer(200, _entity(call, folder, None))


def _parent(call: Call) -> Folder:
    return call.mailbox.folder(call.keys["folder"]) if "folder" in call.keys else call.mailbox.root


def _shown(mailbox: Mailbox, folder: Folder, names: tuple[str, ...] | None) -> Json:
    full: Json = {
        "id": folder.id,
        "displayName": folder.name,
        "parentFolderId": folder.parent_id or folder.id,
        "childFolderCount": len(mailbox.children(folder)),
        "unreadItemCount": folder.unread,
        "totalItemCount": len(folder.messages),
        "isHidden": folder.hidden,
    }
    return _only(full, names)


def _only(row: Json, names: tuple[str, ...] | None) -> Json:
    return row if names is None else {name: row[name] for name in ("id", *names)}


def _entity(call: Call, folder: Folder, names: tuple[str, ...] | None) -> Json:
    context = call.context(call.user_context("mailFolders/$entity"))
    return {"@odata.context": context, **_shown(call.mailbox, folder, names)}


def _display_name(body: Json) -> str:
    name = body.get("displayName")
    if not isinstance(name, str) or not name.strip():
        raise GraphError(400, "ErrorInvalidArgument", "The display name of a folder must not be empty.")
    return name


def _refuse_unknown(body: Json, known: tuple[str, ...]) -> None:
    for name in body:
        if name not in known and not name.startswith("@"):
            raise GraphError(400, "RequestBodyRead", f"The property '{name}' cannot be set on type '{_TYPE_NAME}'.")


_ROOT = "users/{user}/mailFolders"
OPERATIONS = [
    Operation("GET", _ROOT, _list, MAIL_READ),
    Operation("POST", _ROOT, _create, MAIL_WRITE),
    Operation("GET", f"{_ROOT}/{{folder}}", _get, MAIL_READ),
    Operation("PATCH", f"{_ROOT}/{{folder}}", _rename, MAIL_WRITE),
    Operation("GET", f"{_ROOT}/{{folder}}/childFolders", _list, MAIL_READ),
    Operation("POST", f"{_ROOT}/{{folder}}/childFolders", _create, MAIL_WRITE),
]
