"""The stock project: Django, graphene-django and django-graphql-jwt, as their README files set them up."""
