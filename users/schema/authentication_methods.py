"""The methods of authentication, as an enum."""

from users import authentication_methods
from users.schema.errors import described

AuthenticationMethod = described(authentication_methods.AuthenticationMethod)
