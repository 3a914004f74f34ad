export {
  SESSION,
  createAuth,
  type Auth,
  type AuthOptions,
  type AuthState,
  type Credentials,
  type MailedToken,
  type PasskeyAssertion,
  type Reauthenticated,
  type Reauthentication,
  type Registration,
  type SecondFactorRequired,
  type SignedIn,
  type VerificationRequired,
} from "./auth.js";
export type { ClientErrorCode, Done, FieldError, Refused } from "./gateway.js";
export { takeToken } from "./mailed.js";
export type * from "./schema.js";
export type { AuthStorage, SignedOutReason } from "./store.js";
export type { User } from "./user.js";
