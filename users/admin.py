"""The admin: users and their sessions are seen, searched, edited and ended; secrets are never shown."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import (
    AdminUserCreationForm,
    ReadOnlyPasswordHashField,
    ReadOnlyPasswordHashWidget,
    UserChangeForm,
)
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from users import events, hashing, names, passwords, throttle
from users.caller import Caller
from users.errors import Refusal, WrongValue
from users.events import Kind
from users.models import Event, Session, User

USER_AGENT_LENGTH = 300
FACTS_OF_SESSION = ("device_name", "user_agent", "ip_address", "created_at", "rotated_at", "expires_at", "ended_at")


class SignInForm(AdminAuthenticationForm):
    """Lets the staff in by the same limits, turns and records as everyone else."""

    def clean(self) -> Any:
        """The cleaned form, once the password has proven right."""
        assert self.request is not None
        caller, name = _caller(self.request), str(self.cleaned_data.get("username", ""))
        user = passwords.owner(name)
        try:
            with hashing.seat():
                tries = throttle.count_sign_in(caller, name=names.folded(name), user=user)
                cleaned = super().clean()
        except Refusal as refusal:
            raise ValidationError(refusal.message) from None
        except ValidationError:
            events.record(caller, Kind.SIGN_IN_REFUSED, user=user, door="admin")
            raise
        tries.reset()
        events.record(caller, Kind.SIGNED_IN, user=user, door="admin")
        return cleaned


admin.site.login_form = SignInForm


class CleanNames:
    """Holds the admin's forms to the same names as everyone else."""

    cleaned_data: dict[str, Any]
    instance: User

    def clean_username(self) -> str:
        """The username in its one form."""
        return self._clean(names.username, "username")

    def clean_email(self) -> str:
        """The address in its one form."""
        return self._clean(names.email, "email")

    def _clean(self, cleaner: Any, field: str) -> str:
        try:
            name = str(cleaner(self.cleaned_data[field]))
        except WrongValue as wrong:
            raise ValidationError(wrong.message) from None
        # The form leaves the computed columns out, and with them the constraints that stand on them.
        key = {"username": "username_key", "email": "verified_email_key"}[field]
        if User.objects.filter(**{key: name.lower()}).exclude(pk=self.instance.pk).exists():
            raise ValidationError(f"Another account has this {field}.")
        return name


class PasswordLink(ReadOnlyPasswordHashWidget):
    """The way to the form that sets a password; of the hash, not a letter."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """The link alone."""
        return super().get_context(name, value, attrs) | {"summary": []}


class UserForm(CleanNames, UserChangeForm):
    """Edits a user; the password by its own form."""

    password = ReadOnlyPasswordHashField(widget=PasswordLink)


class NewUserForm(CleanNames, AdminUserCreationForm):
    """Makes a user."""

    class Meta:
        model = User
        fields = ("username", "email")


class ReadOnly:
    """Shown, never written by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds one."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody edits one."""
        return False


class SessionsOfUser(ReadOnly, admin.TabularInline):
    """The sessions of the user on the page."""

    model = Session
    fields = readonly_fields = FACTS_OF_SESSION
    ordering = ("-rotated_at",)
    can_delete = False


@admin.action(description="End all sessions of the selected users")
def end_sessions_of(modeladmin: Any, request: HttpRequest, users: QuerySet[User]) -> None:
    """Sign the users out everywhere."""
    ended = _end(request, Session.objects.filter(user__in=users))
    modeladmin.message_user(request, f"{ended} sessions ended.")


@admin.action(description="End the selected sessions")
def end_sessions(modeladmin: Any, request: HttpRequest, sessions: QuerySet[Session]) -> None:
    """Sign out on these devices."""
    ended = _end(request, Session.objects.filter(id__in=list(sessions.values_list("id", flat=True))))
    modeladmin.message_user(request, f"{ended} sessions ended.")


def _end(request: HttpRequest, sessions: QuerySet[Session]) -> int:
    live, total = sessions.filter(ended_at=None), 0
    for user in list(User.objects.filter(sessions__in=live).distinct()):
        with transaction.atomic():
            # Before the sessions' rows, in the order of whoever changes the account at this moment.
            User.objects.select_for_update().only("id").filter(id=user.id).first()
            ended = live.filter(user=user).update(ended_at=timezone.now())
            if ended:
                why, by = "ended by the staff", str(request.user.pk)
                events.record(_caller(request), Kind.SESSION_ENDED, user=user, why=why, ended=ended, by=by)
        total += ended
    return total


def _caller(request: HttpRequest) -> Caller:
    agent = names.printable(request.META.get("HTTP_USER_AGENT", ""), USER_AGENT_LENGTH)
    return Caller(ip_address=getattr(request, "client_address", None), user_agent=agent)


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Users."""

    form = UserForm
    add_form = NewUserForm
    list_display = ("username", "email", "full_name", "is_email_verified", "is_active", "is_staff", "date_joined")
    list_filter = ("is_active", "is_staff", "is_superuser", "is_email_verified", "groups")
    search_fields = ("username", "email", "full_name")
    ordering = ("username",)
    readonly_fields = ("date_joined", "last_login", "erases_at")
    actions = (end_sessions_of,)
    formfield_overrides: ClassVar[Any] = {models.URLField: {"assume_scheme": "https"}}
    inlines = (SessionsOfUser,)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("username", "password")}),
        ("Profile", {"fields": ("email", "is_email_verified", "full_name", "bio", "image_url")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Moments", {"fields": ("date_joined", "last_login", "erases_at")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "email", "usable_password", "password1", "password2")}),)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Write what was edited and nothing else: a password changed meanwhile must not come back."""
        columns = {field.name for field in User._meta.concrete_fields}
        obj.save(update_fields=columns & set(form.changed_data) if change else None)
        if change and not obj.is_active:
            # For good: who is let in again signs in again.
            _end(request, Session.objects.filter(user=obj))

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """What was written, by the names of the fields, never by their values."""
        columns = {field.name for field in User._meta.get_fields()}
        return [{"added" if add else "changed": {"fields": sorted(columns & set(form.changed_data))}}]

    def log_addition(self, request: HttpRequest, obj: User, message: Any) -> Any:
        """Record who of the staff made the account."""
        self._record(request, obj, "added", fields=message[0]["added"]["fields"])
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> Any:
        """Record who of the staff changed the account, and what; a form sent as it was is no change."""
        fields = message[0]["changed"]["fields"]
        if fields:
            self._record(request, obj, "changed", fields=fields)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Record who of the staff deleted the accounts; without a user, since their events go with them."""
        for user in queryset:
            self._record(request, None, "deleted", fields=[], account=str(user.pk))
        return super().log_deletions(request, queryset)

    def _record(self, request: HttpRequest, user: User | None, what: str, **facts: Any) -> None:
        by = str(request.user.pk)
        events.record(_caller(request), Kind.ACCOUNT_ADMINISTERED, user=user, by=by, what=what, **facts)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What goes with a user: sessions and events as well, which nobody deletes on their own."""
        deleted, counts, needed, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, needed - {"session", "event"}, protected

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        """No sessions beside a user who is only being made."""
        return self.inlines if obj else ()


@admin.register(Session)
class SessionAdmin(ReadOnly, admin.ModelAdmin):
    """Sessions."""

    list_display = ("user", *FACTS_OF_SESSION)
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    search_fields = ("user__username", "user__email", "device_name", "ip_address")
    list_select_related = ("user",)
    fields = ("user", *FACTS_OF_SESSION)
    ordering = ("-rotated_at",)
    actions = (end_sessions,)

    def has_delete_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """A row is kept: it is what tells a thief's token from rubbish."""
        return False


@admin.register(Event)
class EventAdmin(ReadOnly, admin.ModelAdmin):
    """What happened."""

    list_display = ("at", "kind", "user", "ip_address", "user_agent")
    list_filter = ("kind",)
    search_fields = ("user__username", "user__email", "ip_address")
    list_select_related = ("user",)
    date_hierarchy = "at"
    ordering = ("-at",)

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        """Nobody rewrites what happened."""
        return False
