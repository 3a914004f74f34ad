"""The action of the admin that resets the second factors of users who have lost them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from users.admin.permissions import may_change
from users.admin.site import caller_of
from users.mfa import factors
from users.models import User

REASON_LENGTH = 200


class ReasonForm(forms.Form):
    """Asks for the reason, which is recorded."""

    reason = forms.CharField(
        max_length=REASON_LENGTH, help_text="Recorded in the events of the user. Example: ticket 7, passport checked."
    )


@admin.action(description="Reset the second factors of the selected users", permissions=["reset_second_factors"])
def reset_second_factors(modeladmin: Any, request: HttpRequest, users: QuerySet[User]) -> HttpResponse | None:
    """Ask for the reason, then remove the second factors of these users and end their sessions."""
    form = ReasonForm(request.POST if "reason" in request.POST else None)
    if not form.is_valid():
        context = {
            **modeladmin.admin_site.each_context(request),
            "title": "Reset second factors",
            "opts": modeladmin.model._meta,
            "form": form,
            "users": users,
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/reset_second_factors.html", context)
    allowed = [user for user in users if may_change(request, user)]
    for user in allowed:
        factors.reset(caller_of(request), user, reason=form.cleaned_data["reason"], by=str(request.user.pk))
    modeladmin.message_user(request, f"The second factors of {len(allowed)} users were reset.")
    return None
