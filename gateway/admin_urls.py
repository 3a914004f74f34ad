"""The addresses of Django's admin."""

from users import admin  # noqa: F401 Importing it registers the pages.
from users.admin_site import site

app_name = "admin"
urlpatterns = site.get_urls()
