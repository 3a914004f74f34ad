/** Chromium's virtual authenticator, and a page with the recipe for passkeys. */

const DEVICE = {
  protocol: "ctap2",
  transport: "internal",
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
};

/** A new authenticator of this page. */
export async function authenticator(page) {
  const debug = await page.context().newCDPSession(page);
  await debug.send("WebAuthn.enable", { enableUI: false });
  const connect = async (options) => (await debug.send("WebAuthn.addVirtualAuthenticator", { options })).authenticatorId;
  let authenticatorId = await connect(DEVICE);
  const send = (method, parameters = {}) => debug.send(`WebAuthn.${method}`, { authenticatorId, ...parameters });
  return {
    /** Put an authenticator in its place whose passkeys are, or are not, backed up. */
    async setBackup(isBackedUp) {
      await send("removeVirtualAuthenticator");
      authenticatorId = await connect({ ...DEVICE, defaultBackupEligibility: isBackedUp, defaultBackupState: isBackedUp });
    },
    setProperties: (properties) => send("setCredentialProperties", properties),
    credentials: async () => (await send("getCredentials")).credentials,
    setVerified: (isUserVerified) => send("setUserVerified", { isUserVerified }),
    setPresence: (enabled) => send("setAutomaticPresenceSimulation", { enabled }),
    override: (bits) => send("setResponseOverrideBits", bits),
    /** Put a credential in the place of all others. */
    async replace(credential) {
      await send("clearCredentials");
      await send("addCredential", { credential });
    },
  };
}

/** A page that can `send` documents as a signed-in user and has the recipe as `passkeys`. */
export async function passkeyPage(context, address, gateway, token) {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.goto(address);
  await page.evaluate(
    async ([gateway, token]) => {
      globalThis.token = token;
      globalThis.sent = [];
      globalThis.last = [];
      globalThis.passkeys = await import("/recipes/passkeys.js");
      globalThis.send = async (query, variables) => {
        sent.push(query);
        last.unshift([query, variables]);
        const headers = { "Content-Type": "application/json" };
        if (globalThis.token) headers.Authorization = `Bearer ${globalThis.token}`;
        const response = await fetch(gateway, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
        const { data, errors } = await response.json();
        const code = errors?.[0].extensions.code;
        if (errors) throw Object.assign(new Error(`code: ${code}`), { extensions: errors[0].extensions });
        return data;
      };
    },
    [gateway, token],
  );
  return page;
}
