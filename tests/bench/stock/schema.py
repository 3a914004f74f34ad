"""The schema: `me`, the three mutations of django-graphql-jwt, and `register`."""

import graphene
import graphql_jwt
from django.contrib.auth import get_user_model
from graphene_django import DjangoObjectType
from graphql_jwt.decorators import login_required


class UserType(DjangoObjectType):
    """An account."""

    class Meta:
        model = get_user_model()
        fields = ("id", "username", "email", "first_name", "last_name", "date_joined", "last_login")


class Query(graphene.ObjectType):
    """All queries."""

    me = graphene.Field(UserType)

    @login_required
    def resolve_me(root, info):
        return info.context.user


class Register(graphene.Mutation):
    """Creates an account."""

    class Arguments:
        username = graphene.String(required=True)
        email = graphene.String(required=True)
        password = graphene.String(required=True)

    user = graphene.Field(UserType)

    def mutate(root, info, username, email, password):
        user = get_user_model().objects.create_user(username=username, email=email, password=password)
        return Register(user=user)


class Mutation(graphene.ObjectType):
    """All mutations."""

    register = Register.Field()
    token_auth = graphql_jwt.ObtainJSONWebToken.Field()
    verify_token = graphql_jwt.Verify.Field()
    refresh_token = graphql_jwt.Refresh.Field()


schema = graphene.Schema(query=Query, mutation=Mutation)
