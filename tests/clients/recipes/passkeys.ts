/** Passkeys: add one, sign in with one by a button or by autofill, and use one as second factor or to reauthenticate. */

const CREATION = /* GraphQL */ `mutation PasskeyCreation { passkeyRegistrationOptions { options } }`;
const ADD = /* GraphQL */ `mutation AddPasskey($passkey: PasskeyRegistration!, $name: String) {
  registerPasskey(passkey: $passkey, name: $name) { passkey { id name } } }`;
const REQUEST = /* GraphQL */ `mutation PasskeyRequest($challenge: String) {
  passkeyAssertionOptions(challenge: $challenge) { options } }`;
const SIGN_IN = /* GraphQL */ `mutation PasskeySignIn($passkey: PasskeyAssertion!) {
  result: passkeyAuth(passkey: $passkey) { token refreshToken } }`;
const SECOND_FACTOR = /* GraphQL */ `mutation SecondFactor($challenge: String!, $passkey: PasskeyAssertion!) {
  result: secondFactorAuth(challenge: $challenge, passkey: $passkey) { token refreshToken } }`;
const REAUTHENTICATE = /* GraphQL */ `mutation Reauthenticate($passkey: PasskeyAssertion!) {
  result: reauthenticate(passkey: $passkey) { token } }`;

/**
 * Sends a document, with the access token if there is one, and returns `data`. If there are errors, it throws an object
 * with the `extensions` of the first one.
 */
export type Ask = (query: string, variables?: Record<string, unknown>) => Promise<any>;

/** Add a passkey to the signed-in account. Call it when the user presses a button. */
export async function addPasskey(ask: Ask, name?: string): Promise<{ id: string; name: string }> {
  const { options } = (await ask(CREATION)).passkeyRegistrationOptions;
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const passkey = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential;
  return (await ask(ADD, { passkey: passkey.toJSON(), name })).registerPasskey.passkey;
}

/**
 * Return the tokens: `session.keep(await signInWithPasskey(ask))`. With "conditional" the browser offers passkeys in the
 * field that has autocomplete="username webauthn"; call it when the page has loaded.
 */
export const signInWithPasskey = (ask: Ask, mediation?: "conditional") => use(ask, SIGN_IN, {}, mediation);
/** Complete a sign-in: `challenge` is an extension of SECOND_FACTOR_REQUIRED. */
export const secondFactorWithPasskey = (ask: Ask, challenge: string) => use(ask, SECOND_FACTOR, { challenge });
/** After REAUTHENTICATION_REQUIRED: continue with the new access token, then retry. */
export const reauthenticateWithPasskey = (ask: Ask) => use(ask, REAUTHENTICATE, {});

let pending: AbortController | undefined;

async function use(ask: Ask, document: string, variables: { challenge?: string }, mediation?: "conditional"): Promise<any> {
  const { options } = (await ask(REQUEST, variables)).passkeyAssertionOptions;
  // A page has one request at a time: a button ends the request of autofill.
  pending?.abort();
  pending = new AbortController();
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const passkey = await navigator.credentials.get({ publicKey, mediation, signal: pending.signal }) as PublicKeyCredential;
  try {
    return (await ask(document, { ...variables, passkey: passkey.toJSON() })).result;
  } catch (error) {
    const { code, reason } = (error as { extensions?: { code?: string; reason?: string } }).extensions ?? {};
    const unknown = { rpId: options.rpId, credentialId: passkey.id };
    if (reason === "UNKNOWN_PASSKEY") await PublicKeyCredential.signalUnknownCredential?.(unknown);
    // The user chose the passkey too late: offer it again.
    if (code === "TOKEN_EXPIRED" && mediation) return use(ask, document, variables, mediation);
    throw error;
  }
}
