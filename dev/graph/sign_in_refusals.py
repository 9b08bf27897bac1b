"""How Entra refuses people who sign in: where it words it as for apps, `refusals` has it; the rest is here.

https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
"""

from dev.graph import refusals


class SignInError(Exception):
    """A refusal in the form of OAuth, with its AADSTS number. ``status``: what the token endpoint answers with."""

    def __init__(self, status: int, error: str, number: int, message: str) -> None:
        super().__init__(f"AADSTS{number}")
        self.status, self.error, self.number, self.message = status, error, number, message
        self.headers: dict[str, str] = {}


_OF_PEOPLE = {
    28003: ("invalid_request", "Provided value for the input parameter scope is not valid for the provided code."),
    50011: ("invalid_request", "The redirect URI specified in the request does not match those of the application."),
    50020: ("access_denied", "User account does not exist in the tenant and cannot access the application in it."),
    50058: ("login_required", "A silent sign-in request was sent but no user is signed in."),
    50076: ("interaction_required", "You must use multi-factor authentication to access the resource."),
    50105: ("access_denied", "The signed in user is not assigned to a role for the application."),
    53003: ("access_denied", "Access has been blocked by Conditional Access policies."),
    65001: ("consent_required", "The user or administrator has not consented to use the application."),
    65004: ("access_denied", "User declined to consent to access the app."),
    70005: ("unsupported_response_type", "The response type is not enabled for the application."),
    70007: ("unsupported_response_mode", "The emulator sends answers in the query only."),
    90094: ("access_denied", "An administrator has to grant the permissions that the application asks for."),
    500112: ("invalid_client", "The reply address does not match the one provided when requesting the code."),
    501491: ("invalid_request", "Invalid size of Code_Challenge parameter."),
    650053: ("invalid_client", "The application asked for a scope that does not exist on the resource."),
    9002313: ("invalid_grant", "Invalid request. Request is malformed or invalid."),
    9002325: ("invalid_request", "Proof Key for Code Exchange is required for authorization code redemption."),
}


def refused(number: int) -> SignInError:
    """A refusal that somebody meets who signs in, or whose tokens are redeemed or renewed; status 400."""
    error, message = _OF_PEOPLE.get(number) or refusals.SIGN_IN[number][1:]
    return SignInError(400, error, number, message)


def lacks(name: str) -> SignInError:
    """A parameter is missing."""
    return SignInError(400, "invalid_request", 900144, f"The request body must contain the following parameter: {name}")
