"""The URLs of the landing pages and their static files."""

from django.urls import path

from gateway.pages.assets import assets
from gateway.pages.page import page

app_name = "pages"
urlpatterns = [
    path("verify", page, {"name": "verify"}, name="verify"),
    path("reset", page, {"name": "reset"}, name="reset"),
    path("undo", page, {"name": "undo"}, name="undo"),
    path("assets/<str:name>", assets.serve, name="asset"),
]
