/** Real pages in a real browser: an application on an allowed origin, and a stranger on another. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { pause, somebody } from "../world.mjs";
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

/** A tab with a session and an urql client, and the refresh tokens that it spends. */
async function open(context, address, spent = []) {
  const page = await context.newPage();
  page.on("request", (request) => {
    const { query, variables } = request.method() === "POST" ? request.postDataJSON() : {};
    if (query?.includes("refreshToken(")) spent.push(variables.token);
  });
  await page.goto(address);
  await page.evaluate(async (gateway) => {
    const { Session } = await import("/recipes/session.js");
    const { urqlClient } = await import("/recipes/urql.js");
    globalThis.ended = 0;
    globalThis.session = new Session(gateway, () => (globalThis.ended += 1));
    globalThis.client = urqlClient(session);
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
  return page.evaluate(async (user) => {
    const { data } = await client.mutation(
      `mutation ($username: String!, $email: String!, $password: String!) {
        register(username: $username, email: $email, password: $password) { token refreshToken }
      }`,
      user,
    );
    session.keep(data.register);
    return user.username;
  }, somebody());
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

test("five tabs share each renewal, and signing out in one signs out all", async () => {
  const context = await browser.newContext();
  const spent = [];
  const first = await open(context, app, spent);
  const username = await register(first);
  const tabs = [first, ...(await Promise.all([1, 2, 3, 4].map(() => open(context, app, spent))))];
  for (let round = 0; round < 3; round += 1) {
    assert.deepEqual(await Promise.all(tabs.map(readMe)), Array(5).fill(username));
    // The gateway of these tests forgives a spent token for one second: whoever kept one would be caught.
    await pause(1.1);
    await Promise.all(tabs.map((tab) => tab.evaluate(() => session.renew(session.token))));
  }
  assert.ok(spent.length < 3 * tabs.length, `${spent.length} renewals`);
  await first.evaluate(() => session.signOut());
  for (const tab of tabs) await tab.waitForFunction(() => ended === 1 && !session.isSignedIn && !session.token);
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
