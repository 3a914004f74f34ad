"""The URLs of GraphiQL's static files. `GET /graphql` serves the page itself."""

from django.urls import path

from gateway.graphiql.assets import assets

app_name = "graphiql"
urlpatterns = [path("<str:name>", assets.serve, name="asset")]
