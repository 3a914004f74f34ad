export type Maybe<T> = T | null;
export type InputMaybe<T> = Maybe<T>;
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  /**
   * The `DateTime` scalar type represents a DateTime
   * value as specified by
   * [iso8601](https://en.wikipedia.org/wiki/ISO_8601).
   */
  DateTime: { input: string; output: string; }
  /**
   * The `GenericScalar` scalar type represents a generic
   * GraphQL scalar value that could be:
   * String, Boolean, Int, Float, List or Object.
   */
  GenericScalar: { input: Record<string, unknown>; output: Record<string, unknown>; }
  /** The JSON object that `toJSON()` returns for the result of `navigator.credentials.get()`. */
  PasskeyAssertion: { input: object; output: object; }
  /** A JSON object for `PublicKeyCredential.parseCreationOptionsFromJSON()`. */
  PasskeyCreationOptions: { input: PublicKeyCredentialCreationOptionsJSON; output: PublicKeyCredentialCreationOptionsJSON; }
  /** The JSON object that `toJSON()` returns for the result of `navigator.credentials.create()`. */
  PasskeyRegistration: { input: object; output: object; }
  /** A JSON object for `PublicKeyCredential.parseRequestOptionsFromJSON()`. */
  PasskeyRequestOptions: { input: PublicKeyCredentialRequestOptionsJSON; output: PublicKeyCredentialRequestOptionsJSON; }
};

/** The protection of the account. */
export type AccountSecurity = {
  /** Whether the account has a password. */
  hasPassword: Scalars['Boolean']['output'];
  identities: Array<Identity>;
  /** The passkeys of the account, oldest first. */
  passkeys: Array<Passkey>;
  /** The time until which this session may do what requires a recent authentication. Null if it may not: call `reauthenticate` first. */
  reauthenticatedUntil?: Maybe<Scalars['DateTime']['output']>;
  /** The methods that `reauthenticate` accepts from this user. */
  reauthenticationMethods: Array<AuthenticationMethod>;
  /** The number of unused recovery codes. */
  recoveryCodesRemaining: Scalars['Int']['output'];
  /** Whether the account has an authenticator app. */
  totpEnabled: Scalars['Boolean']['output'];
  /** Whether a sign-in requires a second factor. */
  twoFactorEnabled: Scalars['Boolean']['output'];
};

/** A way to authenticate. */
export type AuthenticationMethod =
  /** A passkey, which counts as two factors. */
  | 'PASSKEY'
  /** The password. */
  | 'PASSWORD'
  /** A sign-in with a provider. */
  | 'PROVIDER'
  /** A recovery code, which works once. */
  | 'RECOVERY_CODE'
  /** A code of an authenticator app. */
  | 'TOTP';

/**
 * Create the secret of an authenticator app. Nothing is stored until `confirmTotpSetup`.
 *
 * REAUTHENTICATION_REQUIRED without a recent authentication, EMAIL_NOT_VERIFIED until the email is verified.
 */
export type BeginTotpSetupPayload = {
  /** The URI as a QR code: an SVG image as a `data:` URL. */
  qrCode: Scalars['String']['output'];
  /** The secret, to type into an app that cannot scan. */
  secret: Scalars['String']['output'];
  /** The token for `confirmTotpSetup`. Valid for 15 minutes. */
  setup: Scalars['String']['output'];
  /** The `otpauth:` URI, to open in an app on the same device. */
  uri: Scalars['String']['output'];
};

/** Send a token to the new email. `verifyEmail` with this token then replaces the account's email. */
export type ChangeEmailPayload = {
  /** Always true, even if another account has the new email. */
  accepted: Scalars['Boolean']['output'];
};

/** Replace the password. The current session continues; all others end. */
export type ChangePasswordPayload = {
  /** The number of other sessions that ended. */
  endedSessions: Scalars['Int']['output'];
  /** The user whose password changed. */
  user: User;
};

/** Store the authenticator app, and turn on two-factor authentication. Ends all other sessions. */
export type ConfirmTotpSetupPayload = {
  /** The number of other sessions that ended. */
  endedSessions: Scalars['Int']['output'];
  /** New recovery codes, shown only once. Null if two-factor authentication was already on. */
  recoveryCodes?: Maybe<Array<Scalars['String']['output']>>;
  /** The protection of the account. */
  security: AccountSecurity;
};

/** The dashboard of the signed-in user. */
export type Dashboard = {
  /** A greeting. After the mutation, it contains the posted text. */
  message: Scalars['String']['output'];
  /** The signed-in user. */
  user: User;
};

/** Close the account and end all sessions. It is erased after a grace period, unless the user signs in before. */
export type DeleteAccountPayload = {
  /** The time at which the account will be erased. */
  erasedAt: Scalars['DateTime']['output'];
};

/** End all sessions of the signed-in user, or all except the current one. */
export type EndAllSessionsPayload = {
  /** The number of sessions that ended. */
  endedSessions: Scalars['Int']['output'];
};

/** End a session of the signed-in user. */
export type EndSessionPayload = {
  /** Always true: the tokens of the session no longer work. */
  ended: Scalars['Boolean']['output'];
  /** The id of the session that ended. */
  endedSessionId: Scalars['ID']['output'];
};

/** Every value that `extensions.code` can take. */
export type ErrorCode =
  | 'ACCOUNT_LINK_REQUIRED'
  /** The request is not a valid GraphQL request. */
  | 'BAD_REQUEST'
  /** An argument or a variable is invalid. `extensions.fieldErrors` lists every problem. */
  | 'BAD_USER_INPUT'
  /** Another change was made at the same time. Reload, then retry. */
  | 'CONFLICT'
  /** The email must be verified first. `requestEmailVerification` sends another mail. */
  | 'EMAIL_NOT_VERIFIED'
  /** This gateway does not offer the feature. */
  | 'FEATURE_DISABLED'
  /** The signed-in user may not do this. In cookie mode: the page's origin is not allowed. */
  | 'FORBIDDEN'
  /** The document is not valid GraphQL. */
  | 'GRAPHQL_PARSE_FAILED'
  /** The document does not match the schema. */
  | 'GRAPHQL_VALIDATION_FAILED'
  /** The server failed. Quote `extensions.requestId` when you report it. */
  | 'INTERNAL_SERVER_ERROR'
  /** The username or password is wrong. */
  | 'INVALID_CREDENTIALS'
  /** This is the last way to sign in to the account. Add another one first. */
  | 'LAST_SIGN_IN_METHOD'
  /** The object does not exist, or belongs to another user. */
  | 'NOT_FOUND'
  /** The document has several operations. Set `operationName`. */
  | 'OPERATION_RESOLUTION_FAILURE'
  /** The document exceeds a limit of the gateway. The message names the limit. */
  | 'OPERATION_TOO_COMPLEX'
  /** The gateway does not have this document. Send it together with its hash. */
  | 'PERSISTED_QUERY_NOT_FOUND'
  /** This gateway does not store documents by hash. Send the document. */
  | 'PERSISTED_QUERY_NOT_SUPPORTED'
  | 'PROVIDER_ERROR'
  /** Too many attempts. Retry after `extensions.retryAfter` seconds. */
  | 'RATE_LIMITED'
  /** The operation requires authentication within the last `extensions.maxAge` seconds. Call reauthenticate with one of `extensions.methods`, then retry. */
  | 'REAUTHENTICATION_REQUIRED'
  /** The first factor is right. Pass `extensions.challenge` to secondFactorAuth with one of `extensions.methods` within `extensions.expiresIn` seconds. */
  | 'SECOND_FACTOR_REQUIRED'
  /** The gateway is temporarily unable to do this. Retry after `extensions.retryAfter` seconds. */
  | 'SERVICE_UNAVAILABLE'
  /** The token in the argument has expired. */
  | 'TOKEN_EXPIRED'
  /** The token in the argument is not valid, or was already used. */
  | 'TOKEN_INVALID'
  /** This refresh token was already used, so its session was ended. Sign in again. */
  | 'TOKEN_REUSED'
  /** The operation requires two-factor authentication. Set it up with beginTotpSetup and confirmTotpSetup. */
  | 'TWO_FACTOR_SETUP_REQUIRED'
  /** The Authorization header has no valid access token. Refresh, then retry. `extensions.reason` is TOKEN_MISSING, TOKEN_EXPIRED or TOKEN_INVALID. A wrong password or a bad token in an argument has other codes. */
  | 'UNAUTHENTICATED';

/** An event of the account. */
export type Event = {
  /** The time of the event. */
  at: Scalars['DateTime']['output'];
  /** The id of the event. */
  id: Scalars['ID']['output'];
  /** The IP address of the client, if known. */
  ipAddress?: Maybe<Scalars['String']['output']>;
  /** The kind of event. */
  kind: EventKind;
  /** The User-Agent header of the client. May be empty. */
  userAgent: Scalars['String']['output'];
};

/** A page of events, newest first. */
export type EventConnection = {
  /** The events of this page. */
  edges: Array<EventEdge>;
  /** The cursors of this page, and whether older events follow. */
  pageInfo: PageInfo;
};

/** An event and its cursor. */
export type EventEdge = {
  /** The cursor of the event, for the `after` argument of the next page. */
  cursor: Scalars['String']['output'];
  /** The event. */
  node: Event;
};

/** The kind of an event. Clients should ignore kinds that they do not recognise. */
export type EventKind =
  /** A staff member changed the account. */
  | 'ACCOUNT_ADMINISTERED'
  /** The user closed the account. It is erased after a grace period. */
  | 'ACCOUNT_CLOSED'
  /** The account was erased permanently. */
  | 'ACCOUNT_ERASED'
  /** The account was created. */
  | 'ACCOUNT_REGISTERED'
  /** The user restored the closed account by signing in. */
  | 'ACCOUNT_REOPENED'
  /** A rate limit refused further attempts. */
  | 'ATTEMPTS_THROTTLED'
  /** The email was changed. */
  | 'EMAIL_CHANGED'
  /** The user requested a change of the email, which must be verified first. */
  | 'EMAIL_CHANGE_REQUESTED'
  /** The change of the email was undone. */
  | 'EMAIL_CHANGE_UNDONE'
  /** A mail to verify the email was requested. */
  | 'EMAIL_VERIFICATION_REQUESTED'
  /** The email was verified. */
  | 'EMAIL_VERIFIED'
  /** The user added a passkey. */
  | 'PASSKEY_ADDED'
  /** A passkey was refused because its counter did not grow: it may be a copy. */
  | 'PASSKEY_REFUSED'
  /** A passkey was removed. */
  | 'PASSKEY_REMOVED'
  /** The password was changed. */
  | 'PASSWORD_CHANGED'
  /** A signed-in client gave a wrong password to confirm a change. */
  | 'PASSWORD_REFUSED'
  /** The password was reset with a mailed token. */
  | 'PASSWORD_RESET'
  /** A password reset was requested. */
  | 'PASSWORD_RESET_REQUESTED'
  /** The user changed the profile. */
  | 'PROFILE_CHANGED'
  /** The user authenticated again in a session. */
  | 'REAUTHENTICATED'
  /** A signed-in client gave a wrong password or code to authenticate again. */
  | 'REAUTHENTICATION_REFUSED'
  /** New recovery codes replaced the former ones. */
  | 'RECOVERY_CODES_REGENERATED'
  /** A recovery code was used in place of a second factor. */
  | 'RECOVERY_CODE_USED'
  /** A refresh token was used twice, so its session was ended. */
  | 'REFRESH_REUSED'
  /** Another registration used the account's email. */
  | 'REGISTRATION_REPEATED'
  /** A staff member or the operator removed all second factors. */
  | 'SECOND_FACTORS_RESET'
  /** A sign-in failed at the second step because the code was wrong. */
  | 'SECOND_FACTOR_REFUSED'
  /** A sign-in passed the first step. */
  | 'SECOND_FACTOR_REQUESTED'
  /** One or more sessions ended. */
  | 'SESSION_ENDED'
  /** A client signed in with the password. */
  | 'SIGNED_IN'
  /** A sign-in failed because the password was wrong. */
  | 'SIGN_IN_REFUSED'
  /** An authenticator app was added, or replaced the former one. */
  | 'TOTP_ADDED'
  /** The authenticator app was removed. */
  | 'TOTP_REMOVED'
  /** Two-factor authentication was turned off. */
  | 'TWO_FACTOR_DISABLED'
  /** Two-factor authentication was turned on. */
  | 'TWO_FACTOR_ENABLED';

/** Every value that `extensions.fieldErrors[].code` can take. */
export type FieldErrorCode =
  /** The argument has an invalid format. */
  | 'INVALID'
  /** The two values must be equal. */
  | 'MISMATCH'
  /** The password appears in a known data breach. */
  | 'PASSWORD_BREACHED'
  /** The password consists of digits only. */
  | 'PASSWORD_ENTIRELY_NUMERIC'
  /** The password is too common. */
  | 'PASSWORD_TOO_COMMON'
  /** The password is too short. `extensions.fieldErrors` has the minimum length. */
  | 'PASSWORD_TOO_SHORT'
  /** The password is too similar to the username, the email, the full name or the name of the service. */
  | 'PASSWORD_TOO_SIMILAR'
  /** The new password is the same as the old one. */
  | 'PASSWORD_UNCHANGED'
  /** The argument is missing or empty. */
  | 'REQUIRED'
  /** Another account uses this value. */
  | 'TAKEN'
  /** The argument is too long. */
  | 'TOO_LONG'
  /** The account already has the maximum number of these objects. */
  | 'TOO_MANY';

export type Identity = {
  createdAt: Scalars['DateTime']['output'];
  email: Scalars['String']['output'];
  id: Scalars['ID']['output'];
  lastUsedAt?: Maybe<Scalars['DateTime']['output']>;
  provider: Scalars['String']['output'];
};

export type LinkProviderPayload = {
  identity: Identity;
};

/** The mutations of the gateway. */
export type Mutation = {
  /**
   * Create the secret of an authenticator app. Nothing is stored until `confirmTotpSetup`.
   *
   * REAUTHENTICATION_REQUIRED without a recent authentication, EMAIL_NOT_VERIFIED until the email is verified.
   */
  beginTotpSetup?: Maybe<BeginTotpSetupPayload>;
  /** Send a token to the new email. `verifyEmail` with this token then replaces the account's email. */
  changeEmail?: Maybe<ChangeEmailPayload>;
  /** Replace the password. The current session continues; all others end. */
  changePassword?: Maybe<ChangePasswordPayload>;
  /** Store the authenticator app, and turn on two-factor authentication. Ends all other sessions. */
  confirmTotpSetup?: Maybe<ConfirmTotpSetupPayload>;
  /** Post a text to the dashboard. */
  dashboard?: Maybe<Dashboard>;
  /** Close the account and end all sessions. It is erased after a grace period, unless the user signs in before. */
  deleteAccount?: Maybe<DeleteAccountPayload>;
  /** End all sessions of the signed-in user, or all except the current one. */
  endAllSessions?: Maybe<EndAllSessionsPayload>;
  /** End a session of the signed-in user. */
  endSession?: Maybe<EndSessionPayload>;
  linkProvider?: Maybe<LinkProviderPayload>;
  /**
   * Return options for `navigator.credentials.get()`.
   *
   * With `challenge`, they are for `secondFactorAuth`; with an access token, for `reauthenticate`; with neither, for
   * `passkeyAuth`.
   */
  passkeyAssertionOptions?: Maybe<PasskeyAssertionOptionsPayload>;
  /** Sign in with a passkey alone. It counts as two factors, because the authenticator verifies its user. */
  passkeyAuth?: Maybe<PasskeyAuthPayload>;
  /**
   * Return options for `navigator.credentials.create()`. An account can have 10 passkeys.
   *
   * REAUTHENTICATION_REQUIRED without a recent authentication, EMAIL_NOT_VERIFIED until the email is verified.
   */
  passkeyRegistrationOptions?: Maybe<PasskeyRegistrationOptionsPayload>;
  providerAuth?: Maybe<ProviderAuthPayload>;
  /**
   * Authenticate again in this session, after REAUTHENTICATION_REQUIRED. Pass exactly one argument.
   *
   * With two-factor authentication, the password alone is not enough. The refresh token and other sessions stay valid.
   */
  reauthenticate?: Maybe<ReauthenticatePayload>;
  /**
   * Exchange a refresh token (the argument or the cookie) for the next pair of tokens.
   *
   * A repetition within a few seconds returns the same pair.
   */
  refreshToken?: Maybe<RefreshTokenPayload>;
  /**
   * Replace the recovery codes by ten new ones. The former ones no longer work.
   *
   * REAUTHENTICATION_REQUIRED without a recent authentication.
   */
  regenerateRecoveryCodes?: Maybe<RegenerateRecoveryCodesPayload>;
  /**
   * Create an account and sign in. BAD_USER_INPUT lists every invalid argument.
   *
   * If the gateway requires a verified email to sign in, it sends a mail and every field of the payload is null.
   */
  register?: Maybe<RegisterPayload>;
  /** Add a passkey to the account. */
  registerPasskey?: Maybe<RegisterPasskeyPayload>;
  /**
   * Remove a passkey. Two-factor authentication is off if no other factor is left.
   *
   * REAUTHENTICATION_REQUIRED without a recent authentication. LAST_SIGN_IN_METHOD if the account has no other way to
   * sign in.
   */
  removePasskey?: Maybe<RemovePasskeyPayload>;
  /**
   * Remove the authenticator app. Two-factor authentication is off if no other factor is left.
   *
   * REAUTHENTICATION_REQUIRED without a recent authentication.
   */
  removeTotp?: Maybe<RemoveTotpPayload>;
  /** Change the name of a passkey. */
  renamePasskey?: Maybe<RenamePasskeyPayload>;
  /** Send a mail that verifies an email. The answer never reveals whether the account exists. */
  requestEmailVerification?: Maybe<RequestEmailVerificationPayload>;
  /** Send a mail to reset the password. The answer never reveals whether the account exists. */
  requestPasswordReset?: Maybe<RequestPasswordResetPayload>;
  /** Set a new password with the token from the mail. Works once and ends all sessions. Sign in afterwards. */
  resetPassword?: Maybe<ResetPasswordPayload>;
  /** Sign out: end the session of a refresh token (the argument or the cookie). An unknown token is not an error. */
  revokeToken?: Maybe<RevokeTokenPayload>;
  /** Complete a sign-in that was answered with SECOND_FACTOR_REQUIRED. Pass either `code` or `passkey`. */
  secondFactorAuth?: Maybe<SecondFactorAuthPayload>;
  /**
   * Turn two-factor authentication on or off. Turning it on ends all other sessions.
   *
   * REAUTHENTICATION_REQUIRED without a recent authentication. Turning it on requires a recent second factor.
   */
  setTwoFactor?: Maybe<SetTwoFactorPayload>;
  startProviderSignIn?: Maybe<StartProviderSignInPayload>;
  /** Sign in by username or email. */
  tokenAuth?: Maybe<TokenAuthPayload>;
  /**
   * Restore the former email with the token mailed to it. Ends all sessions and disables the password.
   *
   * FORBIDDEN, without any change, if `sessions`, `events` or `security` are selected without the user's access token.
   */
  undoEmailChange?: Maybe<UndoEmailChangePayload>;
  unlinkProvider?: Maybe<UnlinkProviderPayload>;
  /** Change the given fields of the profile. An empty string clears a field; omitted fields stay unchanged. */
  updateProfile?: Maybe<UpdateProfilePayload>;
  /**
   * Verify an email with the token from the mail. Works once.
   *
   * Send the user's access token to stay signed in: the first verification ends every other session of the account.
   */
  verifyEmail?: Maybe<VerifyEmailPayload>;
  /** Check an access token: the argument or, without it, the Authorization header. */
  verifyToken?: Maybe<VerifyTokenPayload>;
};


/** The mutations of the gateway. */
export type MutationChangeEmailArgs = {
  newEmail: Scalars['String']['input'];
  password?: InputMaybe<Scalars['String']['input']>;
};


/** The mutations of the gateway. */
export type MutationChangePasswordArgs = {
  newPassword: Scalars['String']['input'];
  oldPassword: Scalars['String']['input'];
};


/** The mutations of the gateway. */
export type MutationConfirmTotpSetupArgs = {
  code: Scalars['String']['input'];
  setup: Scalars['String']['input'];
};


/** The mutations of the gateway. */
export type MutationDashboardArgs = {
  text: Scalars['String']['input'];
};


/** The mutations of the gateway. */
export type MutationDeleteAccountArgs = {
  password?: InputMaybe<Scalars['String']['input']>;
};


/** The mutations of the gateway. */
export type MutationEndAllSessionsArgs = {
  keepCurrent?: InputMaybe<Scalars['Boolean']['input']>;
};


/** The mutations of the gateway. */
export type MutationEndSessionArgs = {
  id: Scalars['ID']['input'];
};


/** The mutations of the gateway. */
export type MutationLinkProviderArgs = {
  response: ProviderResponse;
};


/** The mutations of the gateway. */
export type MutationPasskeyAssertionOptionsArgs = {
  challenge?: InputMaybe<Scalars['String']['input']>;
};


/** The mutations of the gateway. */
export type MutationPasskeyAuthArgs = {
  deviceName?: InputMaybe<Scalars['String']['input']>;
  passkey: Scalars['PasskeyAssertion']['input'];
};


/** The mutations of the gateway. */
export type MutationProviderAuthArgs = {
  deviceName?: InputMaybe<Scalars['String']['input']>;
  response: ProviderResponse;
};


/** The mutations of the gateway. */
export type MutationReauthenticateArgs = {
  code?: InputMaybe<Scalars['String']['input']>;
  passkey?: InputMaybe<Scalars['PasskeyAssertion']['input']>;
  password?: InputMaybe<Scalars['String']['input']>;
  provider?: InputMaybe<ProviderResponse>;
};


/** The mutations of the gateway. */
export type MutationRefreshTokenArgs = {
  refreshToken?: InputMaybe<Scalars['String']['input']>;
};


/** The mutations of the gateway. */
export type MutationRegisterArgs = {
  deviceName?: InputMaybe<Scalars['String']['input']>;
  email: Scalars['String']['input'];
  fullName?: InputMaybe<Scalars['String']['input']>;
  password: Scalars['String']['input'];
  passwordConfirmation?: InputMaybe<Scalars['String']['input']>;
  username: Scalars['String']['input'];
};


/** The mutations of the gateway. */
export type MutationRegisterPasskeyArgs = {
  name?: InputMaybe<Scalars['String']['input']>;
  passkey: Scalars['PasskeyRegistration']['input'];
};


/** The mutations of the gateway. */
export type MutationRemovePasskeyArgs = {
  id: Scalars['ID']['input'];
};


/** The mutations of the gateway. */
export type MutationRenamePasskeyArgs = {
  id: Scalars['ID']['input'];
  name: Scalars['String']['input'];
};


/** The mutations of the gateway. */
export type MutationRequestEmailVerificationArgs = {
  email: Scalars['String']['input'];
  username?: InputMaybe<Scalars['String']['input']>;
};


/** The mutations of the gateway. */
export type MutationRequestPasswordResetArgs = {
  email: Scalars['String']['input'];
};


/** The mutations of the gateway. */
export type MutationResetPasswordArgs = {
  email?: InputMaybe<Scalars['String']['input']>;
  newPassword: Scalars['String']['input'];
  token: Scalars['String']['input'];
};


/** The mutations of the gateway. */
export type MutationRevokeTokenArgs = {
  refreshToken?: InputMaybe<Scalars['String']['input']>;
};


/** The mutations of the gateway. */
export type MutationSecondFactorAuthArgs = {
  challenge: Scalars['String']['input'];
  code?: InputMaybe<Scalars['String']['input']>;
  passkey?: InputMaybe<Scalars['PasskeyAssertion']['input']>;
};


/** The mutations of the gateway. */
export type MutationSetTwoFactorArgs = {
  enabled: Scalars['Boolean']['input'];
};


/** The mutations of the gateway. */
export type MutationStartProviderSignInArgs = {
  provider: Scalars['String']['input'];
  purpose?: InputMaybe<ProviderPurpose>;
  redirectTo: Scalars['String']['input'];
};


/** The mutations of the gateway. */
export type MutationTokenAuthArgs = {
  deviceName?: InputMaybe<Scalars['String']['input']>;
  password: Scalars['String']['input'];
  username: Scalars['String']['input'];
};


/** The mutations of the gateway. */
export type MutationUndoEmailChangeArgs = {
  token: Scalars['String']['input'];
};


/** The mutations of the gateway. */
export type MutationUnlinkProviderArgs = {
  id: Scalars['ID']['input'];
};


/** The mutations of the gateway. */
export type MutationUpdateProfileArgs = {
  bio?: InputMaybe<Scalars['String']['input']>;
  fullName?: InputMaybe<Scalars['String']['input']>;
  imageUrl?: InputMaybe<Scalars['String']['input']>;
  username?: InputMaybe<Scalars['String']['input']>;
};


/** The mutations of the gateway. */
export type MutationVerifyEmailArgs = {
  email?: InputMaybe<Scalars['String']['input']>;
  token: Scalars['String']['input'];
};


/** The mutations of the gateway. */
export type MutationVerifyTokenArgs = {
  token?: InputMaybe<Scalars['String']['input']>;
};

/** A page of a Relay connection. */
export type PageInfo = {
  /** The cursor of the last item, for `after`. Null if the page is empty. */
  endCursor?: Maybe<Scalars['String']['output']>;
  /** Whether another page follows. */
  hasNextPage: Scalars['Boolean']['output'];
  /** Always false: pages are read forwards only. */
  hasPreviousPage: Scalars['Boolean']['output'];
  /** The cursor of the first item. Null if the page is empty. */
  startCursor?: Maybe<Scalars['String']['output']>;
};

/** A passkey of the signed-in user. */
export type Passkey = {
  /** The name of the device or password manager that stores the passkey, if known. */
  authenticator?: Maybe<Scalars['String']['output']>;
  /** The time at which the passkey was added. */
  createdAt: Scalars['DateTime']['output'];
  /** The credential id in base64url, for `PublicKeyCredential.signalAllAcceptedCredentials()`. */
  credentialId: Scalars['String']['output'];
  /** The id of the passkey, for `renamePasskey` and `removePasskey`. */
  id: Scalars['ID']['output'];
  /** Whether the passkey is backed up, such as to the user's other devices. */
  isBackedUp: Scalars['Boolean']['output'];
  /** The time at which the passkey was last used. Null if it never was. */
  lastUsedAt?: Maybe<Scalars['DateTime']['output']>;
  /** The name of the passkey, which the user may change. */
  name: Scalars['String']['output'];
};

/**
 * Return options for `navigator.credentials.get()`.
 *
 * With `challenge`, they are for `secondFactorAuth`; with an access token, for `reauthenticate`; with neither, for
 * `passkeyAuth`.
 */
export type PasskeyAssertionOptionsPayload = {
  /** The options. They are valid once and for 10 minutes. */
  options: Scalars['PasskeyRequestOptions']['output'];
};

/** Sign in with a passkey alone. It counts as two factors, because the authenticator verifies its user. */
export type PasskeyAuthPayload = {
  /** The claims of the access token. */
  claims: TokenClaims;
  /**
   * The claims, with `username` and `origIat`, in the form of django-graphql-jwt.
   * @deprecated Untyped; select claims instead.
   */
  payload: Scalars['GenericScalar']['output'];
  /** The time at which the session ends, in seconds since the epoch. Fixed at sign-in. */
  refreshExpiresIn: Scalars['Int']['output'];
  /** The refresh token, which works once. Keep it secret. Empty in cookie mode. */
  refreshToken: Scalars['String']['output'];
  /** The access token. Send it as `Authorization: Bearer <token>`. */
  token: Scalars['String']['output'];
  /** The user of the token. */
  user: User;
};

/**
 * Return options for `navigator.credentials.create()`. An account can have 10 passkeys.
 *
 * REAUTHENTICATION_REQUIRED without a recent authentication, EMAIL_NOT_VERIFIED until the email is verified.
 */
export type PasskeyRegistrationOptionsPayload = {
  /** The options. They are valid once and for 10 minutes. */
  options: Scalars['PasskeyCreationOptions']['output'];
};

export type Provider = {
  label: Scalars['String']['output'];
  name: Scalars['String']['output'];
};

export type ProviderAuthPayload = {
  claims: TokenClaims;
  isNewUser: Scalars['Boolean']['output'];
  payload: Scalars['GenericScalar']['output'];
  refreshExpiresIn: Scalars['Int']['output'];
  refreshToken: Scalars['String']['output'];
  token: Scalars['String']['output'];
  user: User;
};

export type ProviderPurpose =
  | 'LINK'
  | 'REAUTHENTICATE'
  | 'SIGN_IN';

export type ProviderResponse = {
  attempt: Scalars['String']['input'];
  code: Scalars['String']['input'];
  iss?: InputMaybe<Scalars['String']['input']>;
  state: Scalars['String']['input'];
};

/** The queries of the gateway. */
export type Query = {
  /** Everything the gateway stores about the signed-in user except secrets, as a JSON object. UNAUTHENTICATED without a valid access token. With two-factor authentication, REAUTHENTICATION_REQUIRED without a recent second factor. */
  accountExport?: Maybe<Scalars['GenericScalar']['output']>;
  /** The signed-in user's dashboard. UNAUTHENTICATED without a valid access token. */
  dashboard?: Maybe<Dashboard>;
  /** Every value that `extensions.code` can take. */
  errorCodes: Array<ErrorCode>;
  /** Every value that `extensions.fieldErrors[].code` can take. */
  fieldErrorCodes: Array<FieldErrorCode>;
  /** The signed-in user. UNAUTHENTICATED without a valid access token. */
  me?: Maybe<User>;
  /** The options of a sign-in page, for clients that are not signed in. */
  signInOptions?: Maybe<SignInOptions>;
};

/**
 * Authenticate again in this session, after REAUTHENTICATION_REQUIRED. Pass exactly one argument.
 *
 * With two-factor authentication, the password alone is not enough. The refresh token and other sessions stay valid.
 */
export type ReauthenticatePayload = {
  /** The claims of the access token. */
  claims: TokenClaims;
  /** The time until which this session may do what requires a recent authentication. */
  reauthenticatedUntil: Scalars['DateTime']['output'];
  /** A new access token with the new `auth_time`. */
  token: Scalars['String']['output'];
};

/**
 * Exchange a refresh token (the argument or the cookie) for the next pair of tokens.
 *
 * A repetition within a few seconds returns the same pair.
 */
export type RefreshTokenPayload = {
  /** The claims of the access token. */
  claims: TokenClaims;
  /**
   * The claims, with `username` and `origIat`, in the form of django-graphql-jwt.
   * @deprecated Untyped; select claims instead.
   */
  payload: Scalars['GenericScalar']['output'];
  /** The time at which the session ends, in seconds since the epoch. Fixed at sign-in. */
  refreshExpiresIn: Scalars['Int']['output'];
  /** The refresh token, which works once. Keep it secret. Empty in cookie mode. */
  refreshToken: Scalars['String']['output'];
  /** The access token. Send it as `Authorization: Bearer <token>`. */
  token: Scalars['String']['output'];
  /** The user of the token. */
  user: User;
};

/**
 * Replace the recovery codes by ten new ones. The former ones no longer work.
 *
 * REAUTHENTICATION_REQUIRED without a recent authentication.
 */
export type RegenerateRecoveryCodesPayload = {
  /** The new codes, shown only once. */
  recoveryCodes: Array<Scalars['String']['output']>;
};

/** Add a passkey to the account. */
export type RegisterPasskeyPayload = {
  /** The new passkey. */
  passkey: Passkey;
  /** The protection of the account. */
  security: AccountSecurity;
};

/**
 * Create an account and sign in. BAD_USER_INPUT lists every invalid argument.
 *
 * If the gateway requires a verified email to sign in, it sends a mail and every field of the payload is null.
 */
export type RegisterPayload = {
  /** The claims of the access token. */
  claims?: Maybe<TokenClaims>;
  /**
   * The claims, with `username` and `origIat`, in the form of django-graphql-jwt.
   * @deprecated Untyped; select claims instead.
   */
  payload?: Maybe<Scalars['GenericScalar']['output']>;
  /** The time at which the session ends, in seconds since the epoch. Fixed at sign-in. */
  refreshExpiresIn?: Maybe<Scalars['Int']['output']>;
  /** The refresh token, which works once. Keep it secret. Empty in cookie mode. */
  refreshToken?: Maybe<Scalars['String']['output']>;
  /** The access token. Send it as `Authorization: Bearer <token>`. */
  token?: Maybe<Scalars['String']['output']>;
  /** The user of the token. */
  user?: Maybe<User>;
};

/**
 * Remove a passkey. Two-factor authentication is off if no other factor is left.
 *
 * REAUTHENTICATION_REQUIRED without a recent authentication. LAST_SIGN_IN_METHOD if the account has no other way to
 * sign in.
 */
export type RemovePasskeyPayload = {
  /** The id of the removed passkey. */
  removedPasskeyId: Scalars['ID']['output'];
  /** The protection of the account. */
  security: AccountSecurity;
};

/**
 * Remove the authenticator app. Two-factor authentication is off if no other factor is left.
 *
 * REAUTHENTICATION_REQUIRED without a recent authentication.
 */
export type RemoveTotpPayload = {
  /** The protection of the account. */
  security: AccountSecurity;
};

/** Change the name of a passkey. */
export type RenamePasskeyPayload = {
  /** The renamed passkey. */
  passkey: Passkey;
};

/** Send a mail that verifies an email. The answer never reveals whether the account exists. */
export type RequestEmailVerificationPayload = {
  /** Always true, even if no mail is sent. */
  accepted: Scalars['Boolean']['output'];
};

/** Send a mail to reset the password. The answer never reveals whether the account exists. */
export type RequestPasswordResetPayload = {
  /** Always true, even if no account has this email. */
  accepted: Scalars['Boolean']['output'];
};

/** Set a new password with the token from the mail. Works once and ends all sessions. Sign in afterwards. */
export type ResetPasswordPayload = {
  /** The number of sessions that ended. */
  endedSessions: Scalars['Int']['output'];
  /** The user whose password changed. Null if one of its fields is refused. */
  user?: Maybe<User>;
};

/** Sign out: end the session of a refresh token (the argument or the cookie). An unknown token is not an error. */
export type RevokeTokenPayload = {
  /** The time at which the session ended, in seconds since the epoch. */
  revoked: Scalars['Int']['output'];
};

/** Complete a sign-in that was answered with SECOND_FACTOR_REQUIRED. Pass either `code` or `passkey`. */
export type SecondFactorAuthPayload = {
  /** The claims of the access token. */
  claims: TokenClaims;
  /**
   * The claims, with `username` and `origIat`, in the form of django-graphql-jwt.
   * @deprecated Untyped; select claims instead.
   */
  payload: Scalars['GenericScalar']['output'];
  /** The time at which the session ends, in seconds since the epoch. Fixed at sign-in. */
  refreshExpiresIn: Scalars['Int']['output'];
  /** The refresh token, which works once. Keep it secret. Empty in cookie mode. */
  refreshToken: Scalars['String']['output'];
  /** The access token. Send it as `Authorization: Bearer <token>`. */
  token: Scalars['String']['output'];
  /** The user of the token. */
  user: User;
};

/** A sign-in on one device. It lasts until it expires, the user ends it, or the password changes. */
export type Session = {
  /** The time at which the user last authenticated in this session. Refreshing does not change it. */
  authenticatedAt: Scalars['DateTime']['output'];
  /** The time of the sign-in. */
  createdAt: Scalars['DateTime']['output'];
  /** The device name given at sign-in. May be empty. */
  deviceName: Scalars['String']['output'];
  /** The time at which the session ends unless it is refreshed. */
  expiresAt: Scalars['DateTime']['output'];
  /** The id of the session, for `endSession`. */
  id: Scalars['ID']['output'];
  /** The IP address of the last use, if known. */
  ipAddress?: Maybe<Scalars['String']['output']>;
  /** Whether this request belongs to the session. */
  isCurrent: Scalars['Boolean']['output'];
  /** The time at which the session was last refreshed. */
  lastUsedAt: Scalars['DateTime']['output'];
  /** The methods that the user authenticated with in this session. */
  methods: Array<AuthenticationMethod>;
  /** The User-Agent header of the last use. May be empty. */
  userAgent: Scalars['String']['output'];
};

/**
 * Turn two-factor authentication on or off. Turning it on ends all other sessions.
 *
 * REAUTHENTICATION_REQUIRED without a recent authentication. Turning it on requires a recent second factor.
 */
export type SetTwoFactorPayload = {
  /** The number of other sessions that ended. */
  endedSessions: Scalars['Int']['output'];
  /** New recovery codes, shown only once. Null unless two-factor authentication was turned on. */
  recoveryCodes?: Maybe<Array<Scalars['String']['output']>>;
  /** The protection of the account. */
  security: AccountSecurity;
};

/** The options of a sign-in page. */
export type SignInOptions = {
  /** Whether this gateway offers passkeys. */
  passkeysEnabled: Scalars['Boolean']['output'];
  /** The minimum length of a new password. */
  passwordMinLength: Scalars['Int']['output'];
  providers: Array<Provider>;
  /** Whether `register` creates accounts. */
  registrationOpen: Scalars['Boolean']['output'];
};

export type StartProviderSignInPayload = {
  attempt: Scalars['String']['output'];
  url: Scalars['String']['output'];
};

/** Sign in by username or email. */
export type TokenAuthPayload = {
  /** The claims of the access token. */
  claims: TokenClaims;
  /**
   * The claims, with `username` and `origIat`, in the form of django-graphql-jwt.
   * @deprecated Untyped; select claims instead.
   */
  payload: Scalars['GenericScalar']['output'];
  /** The time at which the session ends, in seconds since the epoch. Fixed at sign-in. */
  refreshExpiresIn: Scalars['Int']['output'];
  /** The refresh token, which works once. Keep it secret. Empty in cookie mode. */
  refreshToken: Scalars['String']['output'];
  /** The access token. Send it as `Authorization: Bearer <token>`. */
  token: Scalars['String']['output'];
  /** The user of the token. */
  user: User;
};

/** The claims of an access token. */
export type TokenClaims = {
  /** The assurance level: aal1 for one factor, aal2 for two factors or a passkey. */
  acr: Scalars['String']['output'];
  /** The methods (RFC 8176): pwd, otp, hwk, swk, user, mfa; and fed for a provider. */
  amr: Array<Scalars['String']['output']>;
  /** The audience: the services that accept the token. */
  aud: Scalars['String']['output'];
  /** The time at which the user last authenticated in this session, in seconds since the epoch. */
  authTime: Scalars['Int']['output'];
  /** The text about the user. Null unless `GATEWAY_TOKEN_CLAIMS` contains it. */
  bio?: Maybe<Scalars['String']['output']>;
  /** The email. Null unless `GATEWAY_TOKEN_CLAIMS` contains it. */
  email?: Maybe<Scalars['String']['output']>;
  /** The time at which the token expires, in seconds since the epoch. */
  exp: Scalars['Int']['output'];
  /** The full name. Null unless `GATEWAY_TOKEN_CLAIMS` contains it. */
  fullName?: Maybe<Scalars['String']['output']>;
  /** The time at which the token was issued, in seconds since the epoch. */
  iat: Scalars['Int']['output'];
  /** The URL of the user's picture. Null unless `GATEWAY_TOKEN_CLAIMS` contains it. */
  imageUrl?: Maybe<Scalars['String']['output']>;
  /** Whether the email is verified. Null unless `GATEWAY_TOKEN_CLAIMS` contains it or `email`. */
  isEmailVerified?: Maybe<Scalars['Boolean']['output']>;
  /** The issuer: the gateway that issued the token. */
  iss: Scalars['String']['output'];
  /** The names of the user's groups. Null unless `GATEWAY_TOKEN_CLAIMS` contains it. */
  roles?: Maybe<Array<Scalars['String']['output']>>;
  /** The session's id. */
  sid: Scalars['ID']['output'];
  /** The user's id. */
  sub: Scalars['ID']['output'];
  /** The username. Null unless `GATEWAY_TOKEN_CLAIMS` contains it. */
  username?: Maybe<Scalars['String']['output']>;
};

/**
 * Restore the former email with the token mailed to it. Ends all sessions and disables the password.
 *
 * FORBIDDEN, without any change, if `sessions`, `events` or `security` are selected without the user's access token.
 */
export type UndoEmailChangePayload = {
  /** The number of sessions that ended. */
  endedSessions: Scalars['Int']['output'];
  /** The user, with the former email. */
  user: User;
};

export type UnlinkProviderPayload = {
  security: AccountSecurity;
  unlinkedIdentityId: Scalars['ID']['output'];
};

/** Change the given fields of the profile. An empty string clears a field; omitted fields stay unchanged. */
export type UpdateProfilePayload = {
  /** The updated user. */
  user: User;
};

/** An account. Only its own user can read it. */
export type User = {
  /** A text about the user. May be empty. */
  bio: Scalars['String']['output'];
  /** The time at which the account was created. */
  dateJoined: Scalars['DateTime']['output'];
  /** The email, which also works for signing in. */
  email: Scalars['String']['output'];
  /** The events of the account, newest first. FORBIDDEN without the user's access token. */
  events: EventConnection;
  /** The full name. May be empty. */
  fullName: Scalars['String']['output'];
  /** The id of the account, which never changes. The same as the `sub` claim. */
  id: Scalars['ID']['output'];
  /** The URL of the user's picture. */
  imageUrl?: Maybe<Scalars['String']['output']>;
  /** Whether the email is verified. */
  isEmailVerified: Scalars['Boolean']['output'];
  /** The time of the last sign-in with the password. */
  lastLogin?: Maybe<Scalars['DateTime']['output']>;
  /** The names of the user's groups. Also a claim, if `GATEWAY_TOKEN_CLAIMS` contains `roles`. */
  roles: Array<Scalars['String']['output']>;
  /** The protection of the account. FORBIDDEN without the user's access token. */
  security: AccountSecurity;
  /** The user's active sessions, most recently used first. FORBIDDEN without the user's access token. */
  sessions: Array<Session>;
  /** The username, for signing in. It may change. */
  username: Scalars['String']['output'];
};


/** An account. Only its own user can read it. */
export type UserEventsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
};


/** An account. Only its own user can read it. */
export type UserSessionsArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
};

/**
 * Verify an email with the token from the mail. Works once.
 *
 * Send the user's access token to stay signed in: the first verification ends every other session of the account.
 */
export type VerifyEmailPayload = {
  /** The user with this email. Null if one of its fields is refused. */
  user?: Maybe<User>;
  /** Always true: the email is verified. */
  verified: Scalars['Boolean']['output'];
};

/** Check an access token: the argument or, without it, the Authorization header. */
export type VerifyTokenPayload = {
  /** The claims of the access token. */
  claims: TokenClaims;
  /**
   * The claims, with `username` and `origIat`, in the form of django-graphql-jwt.
   * @deprecated Untyped; select claims instead.
   */
  payload: Scalars['GenericScalar']['output'];
  /** The user of the token. */
  user: User;
};
