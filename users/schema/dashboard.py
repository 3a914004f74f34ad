"""The dashboard: a query and a mutation."""

import graphene

from users import dashboard
from users.schema.caller import signed_in
from users.schema.user import User


class Dashboard(graphene.ObjectType):
    """The dashboard of the signed-in user."""

    message = graphene.String(required=True, description="A greeting. After the mutation, it contains the posted text.")
    user = graphene.Field(User, required=True, description="The signed-in user.")


class Query(graphene.ObjectType):
    """Queries of the dashboard."""

    dashboard = graphene.Field(
        Dashboard,
        description="The signed-in user's dashboard. UNAUTHENTICATED without a valid access token.",
    )

    def resolve_dashboard(root, info):
        return dashboard.show(signed_in(info))


class PostToDashboard(graphene.Mutation):
    """Post a text to the dashboard."""

    class Arguments:
        text = graphene.String(required=True, description="The text to post.")

    Output = Dashboard

    def mutate(root, info, text):
        return dashboard.post(signed_in(info), text=text)
