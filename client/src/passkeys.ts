/** Passkeys: sign in, second factor, reauthentication, and the passkeys of the account. */

import { type Auth, type PasskeyAssertion, SESSION, type SecondFactorRequired, type SignedIn } from "./auth.js";
import { type Done, type Refused, refused } from "./gateway.js";
import type { Passkey } from "./schema.js";

const ASSERTION_OPTIONS = `mutation PasskeyAssertionOptions($challenge: String) {
  passkeyAssertionOptions(challenge: $challenge) { options } }`;
const SIGN_IN = `mutation PasskeySignIn($passkey: PasskeyAssertion!, $deviceName: String) {
  session: passkeyAuth(passkey: $passkey, deviceName: $deviceName) { ${SESSION} } }`;
const CREATION_OPTIONS = `mutation PasskeyRegistrationOptions { passkeyRegistrationOptions { options } }`;
const REGISTER = `mutation RegisterPasskey($passkey: PasskeyRegistration!, $name: String) {
  registerPasskey(passkey: $passkey, name: $name) {
    passkey { id name authenticator isBackedUp credentialId createdAt lastUsedAt } } }`;

export interface PasskeySignIn {
  /** Offer passkeys in the autofill of an input with `autocomplete="username webauthn"`, without a dialog. */
  autofill?: boolean;
  deviceName?: string;
  /** Ends the wait for autofill, for example when the page closes. */
  signal?: AbortSignal;
}

/** Whether this browser can use passkeys. */
export function supportsPasskeys(): boolean {
  return typeof PublicKeyCredential !== "undefined" && "parseRequestOptionsFromJSON" in PublicKeyCredential;
}

/** Whether this browser can offer passkeys in autofill. */
export async function supportsPasskeyAutofill(): Promise<boolean> {
  return supportsPasskeys() && ((await PublicKeyCredential.isConditionalMediationAvailable?.()) ?? false);
}

export function createPasskeys(auth: Auth) {
  type Assertion = { status: "asserted"; passkey: PasskeyAssertion; id: string; rpId: string | undefined };

  /** Ask the authenticator. Each ceremony needs new options. */
  async function assert(given: {
    challenge?: string;
    autofill?: boolean;
    signal?: AbortSignal;
  }): Promise<Assertion | Refused> {
    if (!supportsPasskeys()) return notSupported();
    const { challenge, autofill, signal } = given;
    const result = await auth.request<{ passkeyAssertionOptions: { options: PublicKeyCredentialRequestOptionsJSON } }>(
      ASSERTION_OPTIONS,
      { challenge },
    );
    if (result.status === "refused") return result;
    const { options } = result.data.passkeyAssertionOptions;
    try {
      const credential = (await navigator.credentials.get({
        publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
        ...(autofill && { mediation: "conditional" }),
        ...(signal && { signal }),
      })) as PublicKeyCredential;
      return { status: "asserted", passkey: credential.toJSON(), id: credential.id, rpId: options.rpId };
    } catch (error) {
      return fromBrowser(error);
    }
  }

  return {
    /** Sign in with a passkey alone. */
    async signIn({ autofill, deviceName, signal }: PasskeySignIn = {}): Promise<SignedIn | Refused> {
      const asserted = await assert({ ...(autofill && { autofill }), ...(signal && { signal }) });
      if (asserted.status === "refused") return asserted;
      const result = await auth.authenticate(SIGN_IN, { passkey: asserted.passkey, deviceName }, { signal });
      if (result.status === "refused" && result.reason === "UNKNOWN_PASSKEY") forget(asserted.rpId, asserted.id);
      return result as SignedIn | Refused;
    },

    /** Complete a sign-in that returned `secondFactorRequired`. */
    async secondFactor({ challenge }: { challenge: string }): Promise<SignedIn | SecondFactorRequired | Refused> {
      const asserted = await assert({ challenge });
      return asserted.status === "refused" ? asserted : auth.secondFactor({ challenge, passkey: asserted.passkey });
    },

    async reauthenticate() {
      const asserted = await assert({});
      return asserted.status === "refused" ? asserted : auth.reauthenticate({ passkey: asserted.passkey });
    },

    /** Create a passkey for the signed-in user. */
    async register({ name }: { name?: string } = {}): Promise<Done<Passkey> | Refused> {
      if (!supportsPasskeys()) return notSupported();
      const begun = await auth.request<{
        passkeyRegistrationOptions: { options: PublicKeyCredentialCreationOptionsJSON };
      }>(CREATION_OPTIONS);
      if (begun.status === "refused") return begun;
      let passkey: object;
      try {
        const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
          begun.data.passkeyRegistrationOptions.options,
        );
        const credential = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential;
        passkey = credential.toJSON();
      } catch (error) {
        return fromBrowser(error);
      }
      const result = await auth.request<{ registerPasskey: { passkey: Passkey } }>(REGISTER, { passkey, name });
      return result.status === "refused" ? result : { status: "done", data: result.data.registerPasskey.passkey };
    },
  };
}

const notSupported = () => refused("NOT_SUPPORTED", "This browser does not support passkeys.");

/** Let the password manager remove a passkey that the gateway does not have. */
function forget(rpId: string | undefined, credentialId: string) {
  if (rpId) void PublicKeyCredential.signalUnknownCredential?.({ rpId, credentialId }).catch(() => {});
}

function fromBrowser(error: unknown): Refused {
  const { name = "", message = "" } = error instanceof Error ? error : {};
  if (name === "NotAllowedError" || name === "AbortError") return refused("ABORTED", "No passkey was used.");
  if (name === "InvalidStateError")
    return refused("NOT_SUPPORTED", "This device already has a passkey of the account.");
  return refused("NOT_SUPPORTED", message || "This browser cannot use the passkey.");
}
