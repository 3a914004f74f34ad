/** Related origins in a real browser that trusts the CA of the tests: pages of other domains use one RP id. */

import assert from "node:assert/strict";
import process from "node:process";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { REGISTER, ask, somebody } from "../world.mjs";
import { serve } from "./app.mjs";
import { HOW } from "./chromium.mjs";
import { front } from "./front.mjs";
import { authenticator, passkeyPage } from "./passkeys.mjs";

const { APP_PORT, BEHIND, CERTIFICATE, HOME_WITH_CA, KEY, TLS_PORT } = process.env;
const GATEWAY = "https://auth.rp.test/graphql";
let browser, page, servers, user;

before(async () => {
  const tls = { cert: CERTIFICATE, key: KEY };
  servers = [await serve(APP_PORT, tls), (await front(TLS_PORT, BEHIND, tls)).server];
  // Browsers fetch the list of related origins from the default port.
  const gateways = `MAP auth.rp.test 127.0.0.1:${TLS_PORT}, MAP rp.test 127.0.0.1:${TLS_PORT}`;
  const args = HOW.args.filter((each) => !/resolver|certificate/.test(each));
  args.push(`--host-resolver-rules=${gateways}, MAP *.test 127.0.0.1:${APP_PORT}`);
  browser = await chromium.launch({ ...HOW, args, env: { ...process.env, HOME: HOME_WITH_CA } });
  user = somebody();
  const { data } = await ask(`${BEHIND}/graphql`, REGISTER, user);
  page = await passkeyPage(await browser.newContext(), "https://app.rp.test/", GATEWAY, data.register.token);
  await authenticator(page);
  await page.evaluate(() => passkeys.addPasskey(send));
});

after(async () => {
  await browser?.close();
  for (const server of servers ?? []) server.close();
});

async function signIn(address) {
  await passkeyPage({ newPage: () => page }, address, GATEWAY, null);
  return page.evaluate(async () => (await passkeys.signInWithPasskey(send)).token.length > 100);
}

test("a page below the RP id signs in", async () => {
  assert.equal(await signIn("https://www.rp.test/"), true);
});

test("a page of a listed origin signs in", async () => {
  assert.equal(await signIn("https://listed.test/"), true);
});

test("the browser refuses a page of an origin that is not listed", async () => {
  await assert.rejects(signIn("https://other.test/"), /SecurityError/);
});

test("the gateway refuses a page below the RP id that is not one of its origins", async () => {
  await assert.rejects(signIn("https://foreign.rp.test/"), /code: INVALID_CREDENTIALS/);
});
