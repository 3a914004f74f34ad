"""What a team gets from the libraries' own README files: Django, graphene-django, django-graphql-jwt, as they come."""
