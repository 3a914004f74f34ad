"""The default rate limits. GATEWAY_LIMIT_<NAME> overrides one; docs/rate-limits.md explains them."""

DEFAULTS = {
    "sign_in_here": "10 in 5 minutes, 20 in 1 hour, 40 in 6 hours",
    "sign_in_elsewhere": "12 in 5 minutes, 45 in 1 day",
    "sign_in_address": "20 in 5 minutes",
    "sign_in_total_account": "60 in 1 minute",
    "sign_in_total_client": "120 in 1 minute",
    "register": "20 in 1 minute",
    "invalid_refresh": "300 in 1 minute",
    "own_password": "10 in 5 minutes, 40 in 1 day",
    "second_factor_here": "5 in 5 minutes, 10 in 1 hour",
    "second_factor_elsewhere": "10 in 1 hour, 20 in 1 day",
    "reauthenticate": "10 in 5 minutes, 40 in 1 day",
    "passkey_client": "60 in 1 minute",
    "update_profile": "30 in 10 minutes",
    "mail_address": "5 in 1 hour",
    "mail_client": "30 in 1 hour",
    "code_address": "5 in 10 minutes, 20 in 1 day",
    "code_client": "30 in 1 hour",
}
