/** Passkeys: add one, and sign in with one by a button or by autofill. */

import { GatewayError } from "./session.js";

const CREATION = /* GraphQL */ `mutation PasskeyCreation { passkeyRegistrationOptions { options } }`;
const ADD = /* GraphQL */ `mutation AddPasskey($passkey: PasskeyRegistration!, $name: String) {
  registerPasskey(passkey: $passkey, name: $name) { passkey { id name } } }`;
const REQUEST = /* GraphQL */ `mutation PasskeyRequest { passkeyAssertionOptions { options } }`;
const SIGN_IN = /* GraphQL */ `mutation PasskeySignIn($passkey: PasskeyAssertion!) {
  pair: passkeyAuth(passkey: $passkey) { token refreshToken } }`;

/** Sends a document with the access token, if there is one, and returns `data`; throws GatewayError. */
export type Ask = (query: string, variables?: Record<string, unknown>) => Promise<any>;

/** Add a passkey to the signed-in account. Call it when the user presses a button. */
export async function addPasskey(ask: Ask, name?: string): Promise<{ id: string; name: string }> {
  const { options } = (await ask(CREATION)).passkeyRegistrationOptions;
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const passkey = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential;
  return (await ask(ADD, { passkey: passkey.toJSON(), name })).registerPasskey.passkey;
}

/**
 * Return the payload with the tokens: `session.keep(await signInWithPasskey(ask))`. With "conditional" the browser offers
 * passkeys in the field that has autocomplete="username webauthn"; call it when the page has loaded.
 */
export async function signInWithPasskey(ask: Ask, mediation?: "conditional") {
  const { passkey, rpId } = await usePasskey(ask, mediation);
  try {
    return (await ask(SIGN_IN, { passkey: passkey.toJSON() })).pair;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const { code, reason } = error.extensions;
    // The browser hides passkeys that the gateway does not know.
    if (reason === "UNKNOWN_PASSKEY") await PublicKeyCredential.signalUnknownCredential?.({ rpId, credentialId: passkey.id });
    // The user chose the passkey too late: offer it again.
    if (code === "TOKEN_EXPIRED" && mediation) return signInWithPasskey(ask, mediation);
    throw error;
  }
}

let pending: AbortController | undefined;

async function usePasskey(ask: Ask, mediation?: "conditional") {
  const { options } = (await ask(REQUEST)).passkeyAssertionOptions;
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  // A page has one request at a time: a button ends the request of autofill.
  pending?.abort();
  pending = new AbortController();
  const passkey = await navigator.credentials.get({ publicKey, mediation, signal: pending.signal });
  return { passkey: passkey as PublicKeyCredential, rpId: options.rpId as string };
}
