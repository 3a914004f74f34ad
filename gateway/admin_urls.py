"""The addresses of Django's admin."""

from django.conf import settings
from django.contrib import admin

admin.site.site_header = admin.site.site_title = settings.GATEWAY_NAME
app_name = "admin"
urlpatterns = admin.site.get_urls()
