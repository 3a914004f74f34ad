/** Passkeys in a real browser with a virtual authenticator, through the recipe, on an origin of an application. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { REGISTER, ask, somebody } from "../world.mjs";
import { serve } from "./app.mjs";
import { authenticator, passkeyPage } from "./passkeys.mjs";
import { launch } from "./chromium.mjs";

const { APP_PORT, GATEWAY } = process.env;
const app = `http://localhost:${APP_PORT}/`;
let browser, server, context, page, device, user;

before(async () => {
  server = await serve(APP_PORT);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.close();
});

beforeEach(async () => {
  await context?.close();
  context = await browser.newContext();
  user = somebody();
  const { data } = await ask(GATEWAY, REGISTER, user);
  page = await passkeyPage(context, app, GATEWAY, data.register.token);
  device = await authenticator(page);
});

const add = (name) => page.evaluate((name) => passkeys.addPasskey(send, name), name);
const signIn = (mediation) =>
  page.evaluate(async (mediation) => {
    token = null;
    token = (await passkeys.signInWithPasskey(send, mediation)).token;
    return (await send("{ me { username } }")).me.username;
  }, mediation);

/** The code that a failed step reports: of the gateway, or the name of the browser's own error. */
const codeOf = (failure) => /code: (\w+)/.exec(failure.message)?.[1] ?? /(\w+Error)/.exec(failure.message.replace("page.evaluate: ", ""))?.[1];
const refused = (code) => (failure) => assert.equal(codeOf(failure), code) ?? true;

test("a passkey is added and signs in without a username", async () => {
  const { name } = await add("My laptop");
  assert.equal(name, "My laptop");
  assert.equal(await signIn(), user.username);
  const [credential] = await device.credentials();
  assert.equal(credential.isResidentCredential, true);
});

test("autofill signs in", async () => {
  await add();
  await page.setContent('<input autocomplete="username webauthn">');
  assert.equal(await signIn("conditional"), user.username);
});

test("the button ends the request of autofill", async () => {
  await add();
  await device.setPresence(false);
  const waiting = page.evaluate(() => passkeys.signInWithPasskey(send, "conditional")).catch((failure) => failure);
  await page.waitForFunction(() => sent.filter((query) => query.includes("PasskeyRequest")).length === 1);
  await device.setPresence(true);
  assert.equal(await signIn(), user.username);
  await waiting;
});

test("an authenticator that has a passkey of the account is excluded", async () => {
  await add();
  await assert.rejects(add(), refused("InvalidStateError"));
});

test("a replayed assertion is refused", async () => {
  await add();
  await signIn();
  const replay = page.evaluate(() => send(...last.find(([query]) => query.includes("PasskeySignIn"))));
  await assert.rejects(replay, refused("TOKEN_INVALID"));
});

test("a copy whose counter is behind is refused, and the passkey still works", async () => {
  await add();
  const [copy] = await device.credentials();
  await signIn();
  await signIn();
  const [current] = await device.credentials();
  await device.replace(copy);
  await assert.rejects(signIn(), refused("INVALID_CREDENTIALS"));
  await device.replace(current);
  assert.equal(await signIn(), user.username);
});

test("a passkey that is backed up works until its backup-eligible flag changes", async () => {
  await device.setBackup(true);
  await add();
  for (let round = 0; round < 3; round += 1) assert.equal(await signIn(), user.username);
  const [{ credentialId }] = await device.credentials();
  await device.setProperties({ credentialId, backupEligibility: false, backupState: false });
  await assert.rejects(signIn(), refused("INVALID_CREDENTIALS"));
});

test("the browser does not use a passkey without user verification", async () => {
  await add();
  await device.setVerified(false);
  await assert.rejects(signIn(), refused("NotAllowedError"));
});

for (const [title, bits] of [
  ["without user verification", { isBadUV: true }],
  ["without user presence", { isBadUP: true }],
  ["with a bogus signature", { isBogusSignature: true }],
]) {
  test(`an assertion ${title} is refused`, async () => {
    await add();
    await device.override(bits);
    await assert.rejects(signIn(), refused("INVALID_CREDENTIALS"));
    await device.override({});
    assert.equal(await signIn(), user.username);
  });
}

test("a passkey is the second factor of a sign-in, and reauthenticates", async () => {
  await add();
  await signIn();
  const set = "mutation { setTwoFactor(enabled: true) { security { twoFactorEnabled } } }";
  assert.equal((await page.evaluate((set) => send(set), set)).setTwoFactor.security.twoFactorEnabled, true);
  const methods = await page.evaluate(async ({ username, password }) => {
    token = null;
    const query = "mutation ($u: String!, $p: String!) { tokenAuth(username: $u, password: $p) { token } }";
    const refusal = await send(query, { u: username, p: password }).catch((error) => error);
    token = (await passkeys.secondFactorWithPasskey(send, refusal.extensions.challenge)).token;
    token = (await passkeys.reauthenticateWithPasskey(send)).token;
    return (await send("{ me { sessions(first: 1) { methods } } }")).me.sessions[0].methods;
  }, user);
  assert.deepEqual(methods, ["PASSWORD", "PASSKEY"]);
});

test("a passkey is renamed and removed; the browser then does not offer it", async () => {
  const { id } = await add("old");
  const rename = "mutation ($id: ID!) { renamePasskey(id: $id, name: \"new\") { passkey { name } } }";
  const renamed = await page.evaluate(([rename, id]) => send(rename, { id }), [rename, id]);
  assert.equal(renamed.renamePasskey.passkey.name, "new");
  const remove = "mutation ($id: ID!) { removePasskey(id: $id) { removedPasskeyId } }";
  await page.evaluate(([remove, id]) => send(remove, { id }), [remove, id]);
  await assert.rejects(signIn(), refused("INVALID_CREDENTIALS"));
  assert.deepEqual(await device.credentials(), []);
});
