/** Real pages in a real browser: an application on an allowed origin, and a stranger on another. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { somebody } from "../world.mjs";
import { serve } from "./app.mjs";
import { launch } from "./chromium.mjs";

const { APP_PORT, FOREIGN_PORT, GATEWAY } = process.env;
const app = `http://localhost:${APP_PORT}/`;
const foreign = `http://localhost:${FOREIGN_PORT}/`;
let browser, servers;

before(async () => {
  servers = await Promise.all([serve(APP_PORT), serve(FOREIGN_PORT)]);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  for (const server of servers) server.close();
});

/** A tab with the client package and an urql client. */
async function open(context, address) {
  const page = await context.newPage();
  await page.goto(address);
  await page.evaluate(async (gateway) => {
    const { createAuth } = await import("/package/index.js");
    const { urqlClient } = await import("/package/urql.js");
    globalThis.auth = createAuth({ url: gateway });
    globalThis.client = urqlClient(auth);
  }, GATEWAY);
  return page;
}

function readMe(page) {
  return page.evaluate(async () => {
    const { data } = await client.query("{ me { username } }", {}, { requestPolicy: "network-only" });
    return data?.me?.username;
  });
}

async function register(page) {
  return page.evaluate(async (user) => (await auth.register(user)).user.username, somebody());
}

/** The methods of what the page sends; preflights are the browser's own, and only its debugger shows them. */
async function watch(page) {
  const methods = [];
  const debug = await page.context().newCDPSession(page);
  debug.on("Network.requestWillBeSent", ({ request }) => methods.push(request.method));
  await debug.send("Network.enable");
  return methods;
}

test("an allowed origin passes the preflight and reads me with its token", async () => {
  const context = await browser.newContext();
  const page = await open(context, app);
  const username = await register(page);
  const methods = await watch(page);
  assert.equal(await readMe(page), username);
  assert.deepEqual(methods.sort(), ["GET", "OPTIONS"]);
  const shown = await page.evaluate(async (gateway) => {
    const { headers } = await fetch(`${gateway}?query={__typename}`);
    return headers.get("X-Request-Id");
  }, GATEWAY);
  assert.match(shown, /^[\w.-]{8,}$/);
  await context.close();
});

test("a foreign origin gets no answer to read, with a token or without", async () => {
  const context = await browser.newContext();
  const page = await open(context, foreign);
  for (const headers of [{ Authorization: "Bearer x" }, {}]) {
    const refused = await page.evaluate(
      ([gateway, headers]) => fetch(`${gateway}?query={__typename}`, { headers }).then(() => false, () => true),
      [GATEWAY, headers],
    );
    assert.equal(refused, true);
  }
  await context.close();
});
