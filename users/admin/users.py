"""Users and groups in the admin. No page shows a secret."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import (
    AdminUserCreationForm,
    ReadOnlyPasswordHashField,
    ReadOnlyPasswordHashWidget,
    UserChangeForm,
)
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from users import events, normalization
from users.admin.factors import reset_second_factors
from users.admin.permissions import may_change
from users.admin.sessions import SessionsOfUser, end_live
from users.admin.site import caller_of, site
from users.errors import InvalidValue
from users.events import EventKind
from users.mail import messages, outbox
from users.models import Session, User

PRIVILEGES = ("is_staff", "is_superuser", "groups", "user_permissions")


class CleanNames:
    """Cleans usernames and emails by the rules of registration."""

    cleaned_data: dict[str, Any]
    instance: User

    def clean_username(self) -> str:
        """Return the normalized username."""
        return self._clean(normalization.username, "username")

    def clean_email(self) -> str:
        """Return the normalized email."""
        return self._clean(normalization.email, "email")

    def _clean(self, cleaner: Any, field: str) -> str:
        try:
            name = str(cleaner(self.cleaned_data[field]))
        except InvalidValue as wrong:
            raise ValidationError(wrong.message) from None
        # The form excludes the computed columns, so it does not check their constraints.
        key = {"username": "username_key", "email": "verified_email_key"}[field]
        if User.objects.filter(**{key: name.lower()}).exclude(pk=self.instance.pk).exists():
            raise ValidationError(f"Another account uses this {field}.")
        return name


class PasswordLink(ReadOnlyPasswordHashWidget):
    """A link to the password form. Shows nothing of the hash."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """Return the context without the summary of the hash."""
        return super().get_context(name, value, attrs) | {"summary": []}


class UserForm(CleanNames, UserChangeForm):
    """Edits a user. The password has a form of its own."""

    password = ReadOnlyPasswordHashField(widget=PasswordLink)


class NewUserForm(CleanNames, AdminUserCreationForm):
    """Creates a user."""

    class Meta:
        model = User
        fields = ("username", "email")


@admin.action(description="End all sessions of the selected users", permissions=["change"])
def end_sessions_of(modeladmin: Any, request: HttpRequest, users: QuerySet[User]) -> None:
    """End the sessions of these users."""
    ended = end_live(request, Session.objects.filter(user__in=users))
    modeladmin.message_user(request, f"{ended} sessions ended.")


@admin.register(User, site=site)
class UserAdmin(DjangoUserAdmin):
    """Users."""

    form = UserForm
    add_form = NewUserForm
    list_display = ("username", "email", "full_name", "is_email_verified", "is_active", "is_staff", "date_joined")
    list_filter = ("is_active", "is_staff", "is_superuser", "is_email_verified", "groups")
    list_per_page = 50
    search_fields = ("username", "email", "full_name")
    search_help_text = "Username, email or full name"
    ordering = ("username",)
    readonly_fields = ("date_joined", "last_login", "two_factor_since", "erases_at")
    actions = (end_sessions_of, reset_second_factors)
    formfield_overrides: ClassVar[Any] = {models.URLField: {"assume_scheme": "https"}}
    inlines = (SessionsOfUser,)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("username", "password")}),
        ("Profile", {"fields": ("email", "is_email_verified", "full_name", "bio", "image_url")}),
        ("Permissions", {"fields": ("is_active", *PRIVILEGES)}),
        ("Dates", {"fields": ("date_joined", "last_login", "two_factor_since", "erases_at")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "email", "usable_password", "password1", "password2")}),)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Return whether this account may be changed."""
        return super().has_change_permission(request, obj) and (obj is None or may_change(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Return whether this account may be deleted."""
        return super().has_delete_permission(request, obj) and (obj is None or may_change(request, obj))

    def has_reset_second_factors_permission(self, request: HttpRequest) -> bool:
        """Return whether the staff member may reset second factors."""
        return request.user.has_perm("users.reset_second_factors")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Return the read-only fields, including the privileges unless the staff member is a superuser."""
        return self.readonly_fields if request.user.is_superuser else (*self.readonly_fields, *PRIVILEGES)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Set the password of another user. A staff member's own password has a page that asks for the old one."""
        user = self.get_object(request, unquote(id))
        if user and user.pk == request.user.pk:
            return redirect("admin:password_change")
        return super().user_change_password(request, id, form_url)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Write the edited columns only, so that a password changed meanwhile does not come back."""
        columns = {field.name for field in User._meta.concrete_fields} & set(form.changed_data)
        if any(name in columns and getattr(obj, name) for name in ("is_active", "is_email_verified")):
            # Staff confirmed or reactivated the account, so `prune` must not erase it.
            obj.erases_at = None
            columns.add("erases_at")
        obj.save(update_fields=columns if change else None)
        if change and not obj.is_active:
            # A reactivated user signs in again.
            end_live(request, Session.objects.filter(user=obj))

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """Return the names of the changed fields, never their values."""
        columns = {field.name for field in User._meta.get_fields()}
        return [{"added" if add else "changed": {"fields": sorted(columns & set(form.changed_data))}}]

    def log_addition(self, request: HttpRequest, obj: User, message: Any) -> Any:
        """Record which staff member added the account."""
        self._record(request, obj, "added", fields=message[0]["added"]["fields"])
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> Any:
        """Record which staff member changed which fields, and mail the user about a new password."""
        fields = message[0]["changed"]["fields"]
        if fields:
            self._record(request, obj, "changed", fields=fields)
        if "password" in fields:
            outbox.notify(caller_of(request), messages.password_changed, user=obj)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Record which staff member deleted the accounts; their own events are deleted with them."""
        for user in queryset:
            self._record(request, None, "deleted", fields=[], account=str(user.pk))
        return super().log_deletions(request, queryset)

    def _record(self, request: HttpRequest, user: User | None, what: str, **facts: Any) -> None:
        by = str(request.user.pk)
        events.record(caller_of(request), EventKind.ACCOUNT_ADMINISTERED, user=user, by=by, what=what, **facts)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Let a user be deleted with the sessions and events, which cannot be deleted alone."""
        deleted, counts, needed, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, needed - {"session", "event"}, protected

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        """Return the sessions of an existing user."""
        return self.inlines if obj else ()


@admin.register(Group, site=site)
class GroupAdmin(DjangoGroupAdmin):
    """Groups. Their permissions are privileges, so only superusers change them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the staff member is a superuser."""
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Return whether the staff member is a superuser."""
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Return whether the staff member is a superuser."""
        return request.user.is_superuser
