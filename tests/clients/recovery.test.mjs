/** The recipe for a forgotten password, against a live gateway that writes its mail into a folder. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, test } from "node:test";
import { PASSWORD, REGISTER, ask, somebody } from "./world.mjs";
import { requestReset, resetPassword, takeToken } from "./build/recipes/recovery.js";

const { GATEWAY, MAIL, PYTHON, WORKER } = process.env;
const NEW_PASSWORD = "a wholly different staple";
const SIGN_IN = "mutation ($name: String!, $password: String!) { tokenAuth(username: $name, password: $password) { token } }";
let user;

/** The letter to an address with these words in it, once the worker has sent what is queued. */
function letter(address, words) {
  execFileSync(PYTHON, ["manage.py", "db_worker", "--batch"], { cwd: "../..", env: JSON.parse(WORKER), stdio: "pipe" });
  const texts = readdirSync(MAIL).map((name) => readFileSync(join(MAIL, name), "utf8").replaceAll("=\n", ""));
  const found = texts.flatMap((text) => text.split(/^-{79}$/m));
  return found.find((text) => text.includes(`To: ${address}`) && text.includes(words)).replaceAll("=3D", "=");
}

/** Where a browser would be after a click on the link. */
function open(link) {
  const { pathname, hash } = new URL(link);
  globalThis.location = { pathname, hash };
  globalThis.history = { replaceState: (_state, _title, address) => (globalThis.location = { pathname: address, hash: "" }) };
}

const signIn = async (password) => {
  const { data, errors } = await ask(GATEWAY, SIGN_IN, { name: user.username, password });
  return errors ? errors[0].extensions.code : data.tokenAuth.token.length > 100;
};
const refused = (code) => (refusal) => refusal.extensions.code === code;

beforeEach(async () => {
  user = somebody();
  await ask(GATEWAY, REGISTER, user);
});

test("the link of the mail leads to a new password, once", async () => {
  await requestReset(GATEWAY, user.email);
  open(letter(user.email, "Choose a new password").match(/https:\/\/app\.example\/reset#token=[\w-]+/)[0]);
  const token = takeToken();
  assert.deepEqual([globalThis.location.hash, takeToken()], ["", null]);
  await assert.rejects(resetPassword(GATEWAY, { token }, "password"), refused("BAD_USER_INPUT"));
  await resetPassword(GATEWAY, { token }, NEW_PASSWORD);
  assert.deepEqual([await signIn(PASSWORD), await signIn(NEW_PASSWORD)], ["INVALID_CREDENTIALS", true]);
  await assert.rejects(resetPassword(GATEWAY, { token }, PASSWORD), refused("TOKEN_INVALID"));
});

test("so does the code, typed where the mail was not read", async () => {
  await requestReset(GATEWAY, user.email);
  const token = letter(user.email, "Choose a new password").match(/\b[A-Z0-9]{4}-[A-Z0-9]{4}\b(?=\s)/)[0].toLowerCase();
  await assert.rejects(resetPassword(GATEWAY, { token }, NEW_PASSWORD), refused("TOKEN_INVALID"));
  await resetPassword(GATEWAY, { token, email: user.email }, NEW_PASSWORD);
  assert.equal(await signIn(NEW_PASSWORD), true);
});

test("an address without an account is answered alike", async () => {
  assert.equal(await requestReset(GATEWAY, somebody().email), undefined);
});
