/** The core alone against a real gateway: everything that needs no GraphQL client, and no mail. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { newBrowser, newUser } from "../world.mjs";
import { tell } from "./stories.mjs";

const { GATEWAY, STRICT_GATEWAY } = process.env;

tell((auth) => {
  const send = async (document, variables) => {
    const { data, code } = await auth.request(document, variables);
    return { data, code };
  };
  return { query: send, mutate: send };
});

test("a wrong password is refused by code, and nothing is refreshed or repeated", async (context) => {
  const { openTab, sent } = newBrowser(context, GATEWAY);
  const auth = openTab();
  const user = newUser();
  await auth.register(user);
  await auth.signOut();
  sent.length = 0;
  const refused = await auth.signIn({ username: user.username, password: "not the password" });
  assert.deepEqual([refused.status, refused.code, sent], ["refused", "INVALID_CREDENTIALS", ["SignIn"]]);
  assert.equal(auth.state.status, "signedOut");
});

test("an invalid registration names every invalid field", async (context) => {
  const refused = await newBrowser(context, GATEWAY)
    .openTab()
    .register({ username: "a b", email: "a", password: "123" });
  assert.equal(refused.code, "BAD_USER_INPUT");
  assert.deepEqual(Object.keys(refused.fieldErrors).sort(), ["email", "password", "username"]);
  assert.ok(refused.fieldErrors.password.some(({ code }) => code === "PASSWORD_TOO_SHORT"));
});

test("the profile is read again after a change", async (context) => {
  const { openTab } = newBrowser(context, GATEWAY);
  const auth = openTab();
  await auth.register(newUser());
  await auth.request(`mutation Rename { updateProfile(fullName: "Alice Liddell") { user { id } } }`);
  await auth.loadUser();
  assert.equal(auth.user.fullName, "Alice Liddell");
});

test("a gateway that requires verification signs nobody in, whether the email is new or taken", async (context) => {
  const { openTab, storage } = newBrowser(context, STRICT_GATEWAY);
  const auth = openTab();
  const user = newUser();
  assert.deepEqual(await auth.register(user), { status: "verificationRequired" });
  assert.deepEqual(await auth.register({ ...newUser(), email: user.email }), { status: "verificationRequired" });
  assert.deepEqual([auth.state.status, storage.values.size], ["signedOut", 0]);
  assert.equal((await auth.signIn(user)).code, "EMAIL_NOT_VERIFIED");
});

test("a spent or invented mail token is refused by code", async (context) => {
  const auth = newBrowser(context, GATEWAY).openTab();
  assert.equal((await auth.verifyEmail({ token: "invented" })).code, "TOKEN_INVALID");
  const refused = await auth.passwordReset.confirm({ token: "invented", newPassword: "a wholly different staple" });
  assert.equal(refused.code, "TOKEN_INVALID");
  assert.equal((await auth.passwordReset.request(newUser().email)).status, "done");
});
