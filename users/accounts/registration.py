"""Registration.

An email is claimed by a registration and owned by the first account that verifies it. If verification is required, a
registration does not reveal whether the email has an owner: it creates an account in either case. For an email with an
owner, that account has no email, so it can never be signed in to. Accounts that are not verified in time are erased.
"""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from users import events, normalization, throttle
from users.accounts import unique
from users.authentication_methods import Factor
from users.caller import Caller
from users.compiled_query import CompiledQuery, parameter
from users.errors import FieldErrorCode, FieldErrors
from users.events import EventKind
from users.mail import email_tokens, messages, outbox
from users.models import User
from users.passwords import hashing, policy
from users.sessions import token_pairs
from users.sessions.token_pairs import TokenPair


def register(
    caller: Caller,
    *,
    username: str,
    email: str,
    password: str,
    password_confirmation: str | None = None,
    full_name: str | None = None,
    device_name: str | None = None,
) -> TokenPair | None:
    """Create an account and sign in; raise InvalidInput with an error for each invalid argument.

    Return None if emails must be verified before the first sign-in.
    """
    throttle.consume(caller, throttle.buckets("register", throttle.place(caller)))
    errors = FieldErrors()
    user = User(
        username=errors.clean("username", normalization.username, username),
        email=errors.clean("email", normalization.email, email),
        full_name=errors.clean("full_name", normalization.full_name, full_name),
    )
    device = errors.clean("device_name", normalization.device_name, device_name)
    policy.validate(errors, "password", password, user=user)
    if password_confirmation is not None and password_confirmation != password:
        errors.add("password_confirmation", FieldErrorCode.MISMATCH, "The two passwords do not match.")
    is_quiet = settings.GATEWAY_EMAIL_VERIFICATION == "required"
    unique.check(errors, user, ["username"] if is_quiet else ["username", "email"])
    errors.raise_if_any()
    if is_quiet:
        throttle.consume(caller, outbox.registration_buckets(caller), are_new=True)
    user.password = hashing.hash_password(caller, password, account=user.username.lower())
    if is_quiet:
        is_mailed = throttle.try_consume(outbox.unrequested_buckets(user.email), are_new=True)
        _create_quietly(caller, user, is_mailed=is_mailed)
        return None
    # Before the transaction, which would otherwise lock the counters until it ends.
    is_mailed = settings.GATEWAY_EMAIL_VERIFICATION == "optional" and throttle.try_consume(
        [*outbox.unrequested_buckets(user.email), *outbox.registration_buckets(caller)], are_new=True
    )
    with unique.refused(user), transaction.atomic():
        user.save(force_insert=True)
        events.record(caller, EventKind.ACCOUNT_REGISTERED, user=user)
        if is_mailed:
            outbox.queue(caller, messages.verify_email, user=user)
        pair = token_pairs.issue(caller, user=user, factors=[Factor.PASSWORD], device_name=device)
    return token_pairs.move_to_cookie(caller, pair)


def _create_quietly(caller: Caller, user: User, *, is_mailed: bool) -> None:
    # The same statements in either case: neither the answer nor its time reveals whether the email has an owner.
    user.erases_at = timezone.now() + settings.GATEWAY_ERASE_AFTER
    address, holder = user.email, email_tokens.find_holder(user.email)
    owner = _verified.first(key=address.lower()) or holder
    if owner:
        user.email = normalization.UNUSABLE_EMAIL
    kind = EventKind.REGISTRATION_REPEATED if owner else EventKind.ACCOUNT_REGISTERED
    with unique.refused(user, ["username"]), transaction.atomic():
        user.save(force_insert=True)
        # For the owner only as often as a mail is sent: strangers must not fill the owner's list of events.
        events.record(caller, kind, user=owner if owner and is_mailed else user)
        if is_mailed:
            message = messages.account_exists if owner else messages.verify_email
            outbox.queue(caller, message, user=user, address=address)


_verified = CompiledQuery(lambda: User.objects.filter(verified_email_key=parameter("key", User.verified_email_key)))
