"""The admin site. Staff sign in, change their password and sign out by the rules that GraphQL uses.

A sign-in opens an ordinary session of the user, and the admin's cookie is good for as long as that session is live.
Everything that ends sessions therefore ends the admin's as well.
"""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm, AdminPasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy

from users import normalization
from users.caller import Caller, SignedIn
from users.errors import (
    InvalidCredentials,
    InvalidInput,
    ReauthenticationRequired,
    Refusal,
    SecondFactorRequired,
)
from users.mfa import factors
from users.passwords import changes
from users.sessions import sessions, token_pairs
from users.sessions.token_pairs import TokenPair
from users.sign_in import password as password_sign_in
from users.sign_in import second_factor

DEVICE_NAME = "Django admin"
SESSION_KEY = "gateway_session"
USER_AGENT_LENGTH = 300


def caller_of(request: HttpRequest) -> Caller:
    """Return the client that sent the request."""
    agent = normalization.printable(request.META.get("HTTP_USER_AGENT", ""), USER_AGENT_LENGTH)
    return Caller(ip_address=request.gateway.client_ip, user_agent=agent)  # type: ignore[attr-defined]


def signed_in(request: HttpRequest) -> SignedIn | None:
    """Return the signed-in client, or None unless the session that its sign-in opened is live."""
    id, caller = request.session.get(SESSION_KEY), caller_of(request)
    session = sessions.find(id=id, user_id=str(request.user.pk)) if id and request.user.pk else None
    if session is None:
        return None
    return SignedIn(
        ip_address=caller.ip_address, user_agent=caller.user_agent, user=session.user, session=session, claims={}
    )


class SignInForm(AdminAuthenticationForm):
    """Signs staff in, in one step: accounts with two-factor authentication enter the code as well."""

    code = forms.CharField(
        label="Code",
        required=False,
        help_text="With two-factor authentication: a code of your authenticator app, or a recovery code.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autocapitalize": "none"}),
    )

    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "invalid_login": "Enter the username and password of a staff account.",
    }

    def clean(self) -> dict[str, Any]:
        """Sign in by the rule behind `tokenAuth`; end the session again if the user is not staff."""
        assert self.request is not None
        caller, data = caller_of(self.request), self.cleaned_data
        if not data.get("username") or not data.get("password"):
            return data
        try:
            pair = _sign_in(caller, **data)
        except InvalidCredentials:
            raise self.get_invalid_login_error() from None
        except Refusal as refusal:
            raise ValidationError(refusal.message) from None
        if not pair.user.is_staff:
            token_pairs.revoke(caller, refresh_token=pair.refresh_token)
            # The same error as for a wrong password, so that it does not reveal which accounts are staff.
            raise self.get_invalid_login_error()
        if factors.must_set_up(pair.user):
            token_pairs.revoke(caller, refresh_token=pair.refresh_token)
            raise ValidationError(
                "Staff need two-factor authentication. Set it up in your app, or in GraphiQL with beginTotpSetup and "
                "confirmTotpSetup, then sign in again."
            )
        self.user_cache = pair.user
        return data


def _sign_in(caller: Caller, *, username: str, password: str, code: str) -> TokenPair:
    try:
        return password_sign_in.sign_in(caller, username=username, password=password, device_name=DEVICE_NAME)
    except SecondFactorRequired as step:
        if not code:
            raise
        return second_factor.sign_in(caller, challenge=step.extensions["challenge"], code=code)


class PasswordForm(AdminPasswordChangeForm):
    """Asks for the old and the new password; `passwords.change` checks both."""

    def clean_old_password(self) -> str:
        """Return the old password unchecked: the rule counts the attempt before it checks."""
        return str(self.cleaned_data["old_password"])

    def save(self, commit: bool = True) -> Any:
        """Return the user with the password that the rule has stored."""
        self.user.refresh_from_db()
        return self.user


class PasswordPage(PasswordChangeView):
    """Changes the staff member's own password, with the limits, events and mails of `changePassword`."""

    form_class = PasswordForm
    success_url = reverse_lazy("admin:password_change_done")

    def form_valid(self, form: Any) -> HttpResponse:
        """Change the password, or show why it cannot be changed."""
        caller, data = signed_in(self.request), form.cleaned_data
        assert caller is not None
        try:
            changes.change(caller, old_password=data["old_password"], new_password=data["new_password1"])
        except ReauthenticationRequired:
            form.add_error("old_password", "Sign out and in again, then change the password within some minutes.")
            return self.form_invalid(form)
        except Refusal as refusal:
            form.add_error("new_password1" if isinstance(refusal, InvalidInput) else "old_password", refusal.message)
            return self.form_invalid(form)
        return super().form_valid(form)


class AdminSite(admin.AdminSite):
    """The admin of this gateway."""

    site_header = site_title = settings.GATEWAY_NAME
    site_url = None
    login_form = SignInForm
    login_template = "admin/sign_in.html"

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether the user is staff, the session is live, and two-factor authentication is on if required."""
        caller = signed_in(request) if super().has_permission(request) else None
        return caller is not None and not factors.must_set_up(caller.user)

    def login(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Sign in, and keep the id of the session that this opened."""
        response = super().login(request, extra_context)
        opened = getattr(request.user, "current_session_id", None)
        if opened:
            request.session[SESSION_KEY] = str(opened)
        return response

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Sign out and end the session."""
        caller = signed_in(request)
        if caller and request.method == "POST":
            sessions.end(caller, id=str(caller.session.id))
        return super().logout(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Change the staff member's own password, as `changePassword` does."""
        context = {**self.each_context(request), **(extra_context or {})}
        return PasswordPage.as_view(extra_context=context)(request)


site = AdminSite()
