/** The passkey button: it adds a passkey to the account or, without a signed-in user, signs in with one. */

const CREATION = "mutation PasskeyCreation { passkeyRegistrationOptions { options } }";
const ADD = `mutation AddPasskey($passkey: PasskeyRegistration!) {
  registerPasskey(passkey: $passkey) { passkey { name } }
}`;
const REQUEST = "mutation PasskeyRequest { passkeyAssertionOptions { options } }";
const SIGN_IN = `mutation PasskeySignIn($passkey: PasskeyAssertion!) {
  passkeyAuth(passkey: $passkey, deviceName: "GraphiQL") { user { username } token refreshToken }
}`;
const EMAIL = "query Email { me { email } }";
const VERIFY = `mutation VerifyEmail($token: String!, $email: String) {
  verifyEmail(token: $token, email: $email) { verified }
}`;

/** Show the button if the gateway offers passkeys and the browser supports them. `notify` shows a message. */
export function enablePasskeys(session, notify) {
  const button = document.getElementById("passkey");
  if (!button || !globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON) return;
  const showAction = () => {
    button.textContent = session.current ? "Add a passkey" : "Sign in with a passkey";
  };
  button.addEventListener("click", async () => {
    button.disabled = true;
    await (session.current ? add(session, notify) : signIn(session)).catch((error) => notify(describe(error)));
    button.disabled = false;
  });
  session.addEventListener("change", showAction);
  showAction();
  button.hidden = false;
}

async function add(session, notify) {
  const { options } = (await requestCreation(session)).passkeyRegistrationOptions;
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const passkey = await navigator.credentials.create({ publicKey });
  await run(session, ADD, { passkey: passkey.toJSON() });
  notify("The passkey is added. Sign out, then sign in with it.");
}

async function requestCreation(session) {
  try {
    return await run(session, CREATION);
  } catch (error) {
    if (error.code !== "EMAIL_NOT_VERIFIED") throw error;
    await verifyEmail(session);
    return run(session, CREATION);
  }
}

async function verifyEmail(session) {
  const { email } = (await run(session, EMAIL)).me;
  const text = `Passkeys require a verified email. Enter the code of the mail to ${email}. In development, the terminal shows it.`;
  const token = prompt(text);
  if (token) await run(session, VERIFY, { token, email });
}

async function signIn(session) {
  const { options } = (await run(session, REQUEST)).passkeyAssertionOptions;
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const passkey = await navigator.credentials.get({ publicKey });
  await run(session, SIGN_IN, { passkey: passkey.toJSON() });
}

async function run(session, query, variables) {
  const { data, errors } = await session.run({ query, variables });
  if (errors) throw Object.assign(new Error(errors[0].message), { code: errors[0].extensions?.code });
  return data;
}

function describe({ name, code, message }) {
  if (code === "REAUTHENTICATION_REQUIRED") return "The last sign-in is too old. Sign in again, then add the passkey.";
  if (name === "NotAllowedError") return "The browser used no passkey: it was cancelled, or there is none.";
  if (name === "InvalidStateError") return "This device already has a passkey of the account.";
  if (name === "SecurityError") return "Passkeys do not work at this URL. In development, open http://localhost, not 127.0.0.1.";
  return message;
}
