"""The GraphQL schema: its queries and mutations, one line per mutation."""

import graphene

from users.schema import (
    accounts,
    dashboard,
    emails,
    errors,
    passkeys,
    passwords,
    reauthentication,
    security,
    sessions,
    tokens,
    totp,
    two_factor,
)


# graphene shows the fields of the last base first.
class Query(errors.Query, security.Query, dashboard.Query, accounts.Query, graphene.ObjectType):
    """The queries of the gateway."""


class Mutation(graphene.ObjectType):
    """The mutations of the gateway."""

    register = accounts.Register.Field()
    update_profile = accounts.UpdateProfile.Field()
    delete_account = accounts.DeleteAccount.Field()

    token_auth = tokens.TokenAuth.Field()
    verify_token = tokens.VerifyToken.Field()
    refresh_token = tokens.RefreshToken.Field()
    revoke_token = tokens.RevokeToken.Field()
    end_session = sessions.EndSession.Field()
    end_all_sessions = sessions.EndAllSessions.Field()

    change_password = passwords.ChangePassword.Field()
    request_password_reset = passwords.RequestPasswordReset.Field()
    reset_password = passwords.ResetPassword.Field()

    verify_email = emails.VerifyEmail.Field()
    request_email_verification = emails.RequestEmailVerification.Field()
    change_email = emails.ChangeEmail.Field()
    undo_email_change = emails.UndoEmailChange.Field()

    second_factor_auth = two_factor.SecondFactorAuth.Field()
    reauthenticate = reauthentication.Reauthenticate.Field()
    begin_totp_setup = totp.BeginTotpSetup.Field()
    confirm_totp_setup = totp.ConfirmTotpSetup.Field()
    remove_totp = totp.RemoveTotp.Field()
    set_two_factor = two_factor.SetTwoFactor.Field()
    regenerate_recovery_codes = two_factor.RegenerateRecoveryCodes.Field()

    passkey_assertion_options = passkeys.PasskeyAssertionOptions.Field()
    passkey_auth = passkeys.PasskeyAuth.Field()
    passkey_registration_options = passkeys.PasskeyRegistrationOptions.Field()
    register_passkey = passkeys.RegisterPasskey.Field()
    rename_passkey = passkeys.RenamePasskey.Field()
    remove_passkey = passkeys.RemovePasskey.Field()

    dashboard = dashboard.PostToDashboard.Field()
