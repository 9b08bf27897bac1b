"""Why Microsoft Entra gives no token: what each refusal means, and what an admin does about it.

Microsoft asks apps to react to the OAuth ``error`` alone, because numbers come and go. So a number chooses the words,
and whether waiting helps where Microsoft calls it a passing trouble; one that is not listed here is treated as its
OAuth error says. https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

from dataclasses import replace

from shared.explanations import Explanation, by_code

CODES_PAGE = "https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes"
_SECRETS_PAGE = "https://learn.microsoft.com/en-us/entra/identity-platform/how-to-add-credentials"
_CERTIFICATES_PAGE = "https://learn.microsoft.com/en-us/entra/identity-platform/certificate-credentials"
_FEDERATION_PAGE = (
    "https://learn.microsoft.com/en-us/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity"
)
_CONSENT_PAGE = "https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/grant-admin-consent"
_CLOUDS_PAGE = "https://learn.microsoft.com/en-us/entra/identity-platform/authentication-national-cloud"
_REDIRECT_PAGE = "https://learn.microsoft.com/en-us/entra/identity-platform/reply-url"
_REFRESH_PAGE = "https://learn.microsoft.com/en-us/entra/identity-platform/refresh-tokens"
LOOK_UP = "https://login.microsoftonline.com/error?code="


def _lost(*codes: str, title: str, cause: str, cure: str, source: str = CODES_PAGE) -> Explanation:
    """The sign-in that the connection lives by is refused."""
    return Explanation(codes, title, cause, cure, source, sign_in_lost=True)


def _attempt(*codes: str, title: str, cause: str, cure: str, source: str = CODES_PAGE) -> Explanation:
    """One attempt of a person to sign in came to nothing; what the connection had before still holds."""
    return Explanation(codes, title, cause, cure, source)


_CREDENTIALS = (
    _lost(
        "AADSTS7000215",
        "AADSTS70002",
        title="The client secret is wrong",
        cause="Entra does not accept the client secret; most often its Secret ID was entered in place of its Value.",
        cure="Enter the Value of a client secret. Entra shows it only when it is made: if you do not have it any more, "
        "make a new secret under Certificates & secrets and copy its Value at once.",
        source=_SECRETS_PAGE,
    ),
    _lost(
        "AADSTS7000222",
        title="The client secret has expired",
        cause="Every client secret ends on a day that was chosen when it was made; this one's has passed.",
        cure="The client secret has expired: make a new one in Entra under Certificates & secrets, and enter its "
        "Value. Without the same trouble every few months: use a certificate.",
        source=_SECRETS_PAGE,
    ),
    _lost(
        "AADSTS700027",
        "AADSTS50012",
        "AADSTS700030",
        "AADSTS700021",
        "AADSTS700023",
        "AADSTS700024",
        "AADSTS50027",
        title="The certificate is not accepted",
        cause="What the app signed does not fit a certificate of the app registration: another certificate was "
        "uploaded, the private key belongs to a different one, it has expired, or this machine's clock is wrong.",
        cure="Compare the connection's thumbprint with those under Certificates & secrets, Certificates, in Entra. "
        "Upload the public part of the certificate that the connection uses, and check the clock.",
        source=_CERTIFICATES_PAGE,
    ),
    _lost(
        "AADSTS700211",
        "AADSTS700212",
        "AADSTS700213",
        "AADSTS700229",
        title="The managed identity is not trusted by the app registration",
        cause="The app signs in by a managed identity, without a secret, and its registration has no federated "
        "credential that fits: issuer, subject or audience differ.",
        cure="Under Certificates & secrets, Federated credentials, add one of the kind Managed identity and choose "
        "the identity that Deskbridge runs as. Its subject is the identity's object id, not its client id; the "
        "audience is api://AzureADTokenExchange. It works a few minutes later.",
        source=_FEDERATION_PAGE,
    ),
    _lost(
        "AADSTS900144",
        "AADSTS7000218",
        "AADSTS90014",
        title="Something was left empty",
        cause="Entra misses a value that every sign-in has: the client id, the secret or the certificate.",
        cure="Enter the client id and a credential of the connection anew; copy each without spaces around it.",
    ),
    _lost(
        "invalid_client",
        title="The app could not prove who it is",
        cause="Entra does not accept the secret or the certificate of the app.",
        cure="Make a new client secret and enter its Value (not its Secret ID), or check the certificate.",
        source=_SECRETS_PAGE,
    ),
)

_REGISTRATION = (
    _lost(
        "AADSTS700016",
        "AADSTS700011",
        "AADSTS70001",
        "AADSTS7000112",
        title="The app is not in this tenant",
        cause="This tenant has no app of this client id that may sign in: one of the two ids is wrong, the app was "
        "deleted or disabled, or nobody of the tenant has consented to it yet.",
        cure="Check the client id and the tenant id on the Overview page of the app registration, that the app is "
        "enabled under Enterprise applications, and that an admin of the tenant consented to it.",
    ),
    _lost(
        "AADSTS90002",
        "AADSTS50059",
        "AADSTS50128",
        "invalid_tenant",
        title="Entra does not know the tenant",
        cause="There is no such tenant in this cloud: the tenant id is mistyped, or the tenant lies in another cloud.",
        cure="Check the tenant id (Directory ID) on the Overview page of the app registration, and that the right "
        "cloud is chosen.",
        source=_CLOUDS_PAGE,
    ),
    _lost(
        "AADSTS90038",
        "AADSTS900382",
        "AADSTS900432",
        title="The tenant lies in another cloud",
        cause="The tenant belongs to a national cloud, and was asked for in a different one.",
        cure="Make the connection with the cloud of the tenant: global, usgov (GCC High), dod or china.",
        source=_CLOUDS_PAGE,
    ),
    _lost(
        "AADSTS500011",
        "AADSTS650052",
        "AADSTS650054",
        "AADSTS50001",
        "invalid_resource",
        title="Microsoft Graph, or Exchange behind it, is not in the tenant",
        cause="The tenant has nothing by the name that was asked for: the cloud is the wrong one, or the organization "
        "has no subscription with that service.",
        cure="Check that the cloud is the tenant's own, and that the organization has a licence with Exchange Online.",
    ),
    _lost(
        "AADSTS50194",
        "AADSTS9001023",
        "AADSTS90124",
        "AADSTS90130",
        title="The sign-in did not name the tenant",
        cause="The app is registered for one tenant, and was asked for at the address that is common to all of them.",
        cure="Enter the tenant id of the organization; common, organizations and consumers are none.",
    ),
    _lost(
        "AADSTS9002313",
        title="Entra calls the request malformed",
        cause="Nearly always a value was pasted wrongly: a Secret ID for the secret's Value, text cut off or with "
        "spaces, or a stored sign-in that cannot be read any more.",
        cure="Sign in again, where a person signed in. Otherwise make a new client secret and enter its Value, "
        "and copy the tenant id and the client id once more.",
    ),
    _lost(
        "AADSTS70011",
        "AADSTS1002012",
        "AADSTS28002",
        "invalid_scope",
        title="The permissions were asked for in a wrong way",
        cause="Entra does not know the scope that was asked for: the cloud is the wrong one, or a permission has a "
        "name that Microsoft Graph does not have.",
        cure="Check the cloud of the connection. If it is right, report this as a fault of Deskbridge with the code.",
    ),
    _lost(
        "AADSTS70003",
        "unsupported_grant_type",
        "unauthorized_client",
        title="The app may not sign in in this way",
        cause="The app registration does not allow the way of signing in that the connection uses.",
        cure="Check the client id, and under Authentication in the app registration that its platform is Web.",
    ),
    _lost(
        "invalid_request",
        title="Entra does not understand the request",
        cause="A value that was sent is missing or has a form that Entra does not accept.",
        cure="Enter the tenant id, the client id and the credential of the connection once more.",
    ),
)

_CONSENT = (
    _lost(
        "AADSTS65001",
        "consent_required",
        title="Nobody has consented to the app",
        cause="The permissions stand in the app registration, but no admin has granted them for the tenant.",
        cure="As an admin open API permissions in the app registration, and choose Grant admin consent.",
        source=_CONSENT_PAGE,
    ),
    _lost(
        "AADSTS650056",
        "AADSTS650057",
        "AADSTS65005",
        title="A permission is missing from the app registration",
        cause="The app asks for something that its registration does not list.",
        cure="Under API permissions add the missing permissions of Microsoft Graph (Test connection lists them), "
        "then choose Grant admin consent.",
        source=_CONSENT_PAGE,
    ),
    _lost(
        "AADSTS90094",
        "AADSTS90095",
        title="An admin has to consent",
        cause="The tenant does not let people consent to these permissions by themselves.",
        cure="Have an admin choose Grant admin consent under API permissions, then sign in again.",
        source=_CONSENT_PAGE,
    ),
    _attempt(
        "AADSTS65004",
        "access_denied",
        title="The person declined",
        cause="Whoever was asked to sign in closed the page or did not agree to the permissions.",
        cure="Sign in again and accept the permissions, or have an admin grant them for the tenant.",
        source=_CONSENT_PAGE,
    ),
)

_PERSON = (
    _lost(
        "AADSTS70008",
        "AADSTS700082",
        "AADSTS50173",
        "AADSTS70043",
        "AADSTS70000",
        "AADSTS50089",
        "AADSTS50132",
        "AADSTS50133",
        "invalid_grant",
        title="The sign-in of the account has ended",
        cause="The token that keeps the account signed in was not used for too long, was revoked (a new password, "
        "or an admin's doing), or a policy ends sign-ins after some time.",
        cure="Sign in again with the account. Application permissions have no such end: prefer them.",
        source=_REFRESH_PAGE,
    ),
    _lost(
        "AADSTS50076",
        "AADSTS50079",
        "AADSTS50072",
        "AADSTS50074",
        "AADSTS50078",
        "interaction_required",
        "login_required",
        title="The account has to confirm who it is",
        cause="The tenant asks this account for a second factor, which nobody can give while the app works by itself.",
        cure="Sign in again and complete the second factor. To be rid of it use application permissions, or have "
        "the account excepted from that policy.",
    ),
    _lost(
        "AADSTS53003",
        "AADSTS53000",
        "AADSTS53001",
        "AADSTS530032",
        "AADSTS530035",
        "AADSTS50131",
        title="A policy of the tenant blocks the sign-in",
        cause="Conditional Access or the security defaults do not let the app or the account in from where it is.",
        cure="Look the sign-in up in the sign-in logs of Entra, which name the policy, and except the app or the "
        "account from it. With application permissions only policies for workload identities count.",
        source="https://learn.microsoft.com/en-us/entra/identity/conditional-access/troubleshoot-conditional-access",
    ),
    _lost(
        "AADSTS50020",
        "AADSTS16000",
        "AADSTS51004",
        "AADSTS90072",
        "AADSTS50034",
        title="The account belongs to another tenant",
        cause="Somebody signed in with an account that this tenant does not have.",
        cure="Sign out, and sign in with an account of the connection's tenant.",
    ),
    _lost(
        "AADSTS50055",
        "AADSTS50057",
        "AADSTS50126",
        "AADSTS50144",
        title="The account cannot sign in",
        cause="The account is disabled, or its password is wrong or has expired.",
        cure="Enable the account or give it a new password, then sign in again with it.",
    ),
    _lost(
        "AADSTS50105",
        title="The account is not assigned to the app",
        cause="The app lets in only accounts that were assigned to it, and this one was not.",
        cure="Under Enterprise applications, Users and groups, assign the account to the app.",
    ),
    _attempt(
        "AADSTS50011",
        "AADSTS90102",
        "AADSTS900971",
        "AADSTS70004",
        title="The redirect URI is not the registered one",
        cause="After a sign-in Entra leads only to addresses that the app registration lists, letter by letter.",
        cure="Copy the redirect URI that the connection shows, and add exactly that under Authentication, platform "
        "Web, in the app registration: https, the same path, no slash added.",
        source=_REDIRECT_PAGE,
    ),
    _attempt(
        "AADSTS54005",
        "AADSTS700005",
        "AADSTS501481",
        "AADSTS50147",
        title="The sign-in was not completed where it began",
        cause="The code that Entra gave at the end of the sign-in was used already (a double click, a page that was "
        "loaded again), or does not belong to the sign-in that was begun.",
        cure="Begin the sign-in once more, and click only once.",
    ),
)

_PASSING = (
    Explanation(
        ("AADSTS50196",),
        "Entra was asked too often",
        "The same token was asked for many times within minutes, and Entra has had enough for a while.",
        "Nothing to do: it is tried again later. If it goes on, see whether several installations share the app.",
        CODES_PAGE,
        transient=True,
    ),
    Explanation(
        (
            "AADSTS90033",
            "AADSTS90006",
            "AADSTS90024",
            "AADSTS50000",
            "AADSTS50033",
            "AADSTS90012",
            "temporarily_unavailable",
            "server_error",
            "signInUnavailable",
        ),
        "Entra is out of order for the moment",
        "The trouble is Microsoft's and passes. It says nothing about the connection.",
        "Nothing to do: it is tried again by itself. If it lasts, look at https://status.cloud.microsoft.",
        CODES_PAGE,
        transient=True,
    ),
)

SIGN_IN_ERRORS = (*_CREDENTIALS, *_REGISTRATION, *_CONSENT, *_PERSON, *_PASSING)
_BY_CODE = by_code(SIGN_IN_ERRORS)


def explain_sign_in(code: str, error: str) -> Explanation:
    """What a refusal means. ``code``: such as ``AADSTS700016``, ``error``: OAuth's, which decides where it is unknown.

    Where neither is known a person has to look: https://login.microsoftonline.com/error explains every number.
    """
    known = _BY_CODE.get(code.lower())
    if known is not None:
        return known
    cure = f"See {LOOK_UP}{code.removeprefix('AADSTS')}." if code.startswith("AADSTS") else f"See {CODES_PAGE}."
    alike = _BY_CODE.get(error.lower())
    if alike is not None:
        return replace(alike, cure=f"{alike.cure} {cure}")
    cause = "Entra refused the sign-in for a reason that Deskbridge does not know."
    return Explanation((code,), "Unknown", cause, cure, CODES_PAGE, sign_in_lost=True)
