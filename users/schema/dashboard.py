"""The dashboard, as a query and as a mutation."""

import graphene

from users import dashboard
from users.schema.caller import signed_in
from users.schema.user import User


class Dashboard(graphene.ObjectType):
    """What a signed-in user sees first."""

    message = graphene.String(required=True, description="A greeting; after a post, with the text that was posted.")
    user = graphene.Field(User, required=True, description="Whose dashboard it is.")


class Query(graphene.ObjectType):
    """Reads the dashboard."""

    dashboard = graphene.Field(
        Dashboard,
        description="What a signed-in user sees first. UNAUTHENTICATED without a valid access token.",
    )

    def resolve_dashboard(root, info):
        return dashboard.show(signed_in(info))


class PostToDashboard(graphene.Mutation):
    """Post a text to the dashboard."""

    class Arguments:
        text = graphene.String(required=True, description="What to post.")

    Output = Dashboard

    def mutate(root, info, text):
        return dashboard.post(signed_in(info), text=text)
