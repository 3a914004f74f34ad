"""Where the explorer's assets are found; the page itself is what `GET /graphql` shows a browser."""

from django.urls import path

from gateway.explorer.assets import assets

app_name = "explorer"
urlpatterns = [path("<str:name>", assets.serve, name="asset")]
