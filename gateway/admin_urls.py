"""The URLs of Django's admin."""

from users import admin  # noqa: F401 The import registers the model admins.
from users.admin.site import site

app_name = "admin"
urlpatterns = site.get_urls()
