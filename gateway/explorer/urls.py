"""Where the explorer's assets are found; the page itself is what `GET /graphql` shows a browser."""

from django.urls import path

from gateway.explorer.assets import asset

app_name = "explorer"
urlpatterns = [path("<str:name>", asset, name="asset")]
