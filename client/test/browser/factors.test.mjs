/** Second factors, passkeys and providers in the example app, with a virtual authenticator and a fake gateway. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { USER } from "../world.mjs";
import { buildApp, launch, serveApp, signIn, signOut, signedIn, signedOut } from "./app.mjs";
import { CODE, RECOVERY_CODES, offerFactors } from "./factors.mjs";

const { GATEWAY, APP_PORT } = process.env;
const APP = `http://localhost:${APP_PORT}`;
const CREDENTIALS = { username: "alice", password: "secret" };
let browser, context, debug, folder, gateway, page, server;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "app-"));
  // Strict Mode runs effects twice, also that which takes the provider's answer.
  await buildApp({ url: GATEWAY, mode: "header", outDir: folder, isDevelopment: true });
  server = await serveApp(APP_PORT, folder);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
  rmSync(folder, { recursive: true });
});

beforeEach(async () => {
  context = await browser.newContext();
  context.setDefaultTimeout(15_000);
  gateway = await offerFactors(context, GATEWAY);
  page = await context.newPage();
  debug = await context.newCDPSession(page);
  await debug.send("WebAuthn.enable");
  await page.goto(APP);
});
afterEach(() => context.close());

/** An authenticator that confirms every dialog, with the user verified. */
const addAuthenticator = async () => {
  const options = {
    protocol: "ctap2",
    transport: "internal",
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
  };
  const { authenticatorId } = await debug.send("WebAuthn.addVirtualAuthenticator", {
    options: { ...options, automaticPresenceSimulation: true },
  });
  return authenticatorId;
};

async function openSecurity() {
  await page.getByRole("button", { name: "Continue with Google" }).waitFor();
  await signIn(page, CREDENTIALS);
  await signedIn(page, USER);
  await page.getByRole("link", { name: "Security" }).click();
  await page.getByRole("heading", { name: "Passkeys" }).waitFor();
}

test("an app is set up after a reauthentication, shows recovery codes once, and is asked for at the next sign-in", async () => {
  await openSecurity();
  gateway.isRecent = false;
  await page.getByRole("button", { name: "Set up" }).click();
  const confirm = page.getByRole("dialog", { name: "Confirm that it is you" });
  await confirm.getByLabel("Password", { exact: true }).fill("wrong");
  await confirm.getByRole("button", { name: "Confirm" }).click();
  await confirm.getByText("Refused: INVALID_CREDENTIALS").waitFor();
  await confirm.getByLabel("Password", { exact: true }).fill("secret");
  await confirm.getByRole("button", { name: "Confirm" }).click();
  const setUp = page.getByRole("dialog", { name: "Set up your app" });
  await setUp.getByAltText("QR code").waitFor();
  await setUp.getByText("JBSWY3DPEHPK3PXP").waitFor();
  await setUp.getByLabel("Code").fill(CODE);
  await setUp.getByRole("button", { name: "Confirm" }).click();
  const codes = page.getByRole("dialog", { name: "Your recovery codes" });
  await codes.waitFor();
  assert.deepEqual(await codes.getByRole("listitem").allTextContents(), RECOVERY_CODES);
  await codes.getByRole("button", { name: "I have saved them" }).click();
  await page.getByText("10 left.").waitFor();

  await signOut(page);
  await signIn(page, CREDENTIALS);
  await page.getByRole("heading", { name: "Second step" }).waitFor();
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  await page.getByLabel("Code").fill("000000");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByText("Refused: INVALID_CREDENTIALS").waitFor();
  await page.getByLabel("Code").fill(CODE);
  await page.getByRole("button", { name: "Continue" }).click();
  await signedIn(page, USER);
});

test("closing the reauthentication leaves everything as it was", async () => {
  await openSecurity();
  gateway.isRecent = false;
  await page.getByRole("button", { name: "Set up" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await page.getByText("Refused: REAUTHENTICATION_REQUIRED").waitFor();
  assert.deepEqual(gateway.sent.filter(({ name }) => name === "BeginTotpSetup").length, 1);
});

test("a passkey is added, renamed, signs in, completes a second factor, and is removed", async () => {
  await addAuthenticator();
  await openSecurity();
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("button", { name: "Rename Phone" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Laptop");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByText("Laptop", { exact: true }).first().waitFor();
  const registered = gateway.sent.find(({ name }) => name === "RegisterPasskey").variables.passkey;
  assert.equal(registered.type, "public-key");
  assert.ok(registered.response.attestationObject && registered.response.clientDataJSON);

  // The device already has a passkey of the account.
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("This device already has a passkey of the account.").waitFor();

  gateway.security.twoFactorEnabled = true;
  await signOut(page);
  // Conditional mediation signs in without a click where an authenticator answers at once.
  await signedIn(page, USER);
  const assertion = gateway.sent.find(({ name }) => name === "PasskeySignIn").variables.passkey;
  assert.equal(assertion.id, registered.id);
  assert.ok(assertion.response.signature && assertion.response.userHandle);

  await page.getByRole("link", { name: "Security" }).click();
  await page.getByRole("button", { name: "Remove Laptop" }).click();
  await page.getByRole("button", { name: "Remove Laptop" }).waitFor({ state: "detached" });
});

test("the button signs in with a passkey, and one that the gateway does not know is refused", async () => {
  const authenticatorId = await addAuthenticator();
  await openSecurity();
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("button", { name: "Remove Phone" }).waitFor();
  await debug.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled: false });
  gateway.security.passkeys = [];
  await signOut(page);
  await signedOut(page);
  await debug.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled: true });
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByText("Refused: INVALID_CREDENTIALS").waitFor();
});

test("a second factor with a passkey carries the challenge of the sign-in", async () => {
  const authenticatorId = await addAuthenticator();
  await openSecurity();
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("button", { name: "Remove Phone" }).waitFor();
  gateway.security.twoFactorEnabled = true;
  await debug.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled: false });
  await signOut(page);
  await signIn(page, CREDENTIALS);
  await page.getByRole("heading", { name: "Second step" }).waitFor();
  await debug.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled: true });
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await signedIn(page, USER);
  const { variables } = gateway.sent.findLast(({ name }) => name === "SecondFactor");
  assert.equal(variables.challenge, "c");
  assert.equal(variables.passkey.id, gateway.security.passkeys[0].credentialId);
});

test("a provider signs in, is linked and unlinked, and its answer leaves the address bar", async () => {
  await page.getByRole("button", { name: "Continue with GitHub" }).click();
  await signedIn(page, USER);
  const { response } = gateway.sent.find(({ name }) => name === "ProviderSignIn").variables;
  assert.deepEqual(response, {
    attempt: "a",
    code: "provider-code",
    state: "provider-state",
    iss: "https://provider.example",
  });
  assert.equal(gateway.sent.filter(({ name }) => name === "ProviderSignIn").length, 1);
  assert.equal(page.url(), `${APP}/`);
  await page.getByRole("link", { name: "Security" }).click();
  await page.getByRole("button", { name: "Link Google" }).click();
  await page.getByText("alice@gmail.com").waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await page.getByRole("button", { name: "Unlink Google" }).click();
  await page.getByRole("button", { name: "Link Google" }).waitFor();
});

for (const [query, words] of [
  ["error=access_denied&error_description=You+cancelled.&state=s", "You cancelled."],
  ["code=c&state=s", "This sign-in was started in another tab. Start again."],
]) {
  test(`a provider's answer that does not fit is explained: ${words}`, async () => {
    await page.goto(`${APP}/provider?${query}`);
    await page.getByText(words).waitFor();
    assert.equal(page.url(), `${APP}/provider`);
    await page.getByRole("link", { name: "Continue" }).click();
    await signedOut(page);
  });
}
