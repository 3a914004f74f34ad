/** Cookie mode in a real browser: the client package in this mode, and another site that tries to ride on it. */

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { PASSWORD, pause, somebody } from "../world.mjs";
import { serve } from "./app.mjs";
import { launchLax } from "./chromium.mjs";
import { front } from "./front.mjs";

const { APP, COOKIE, FOREIGN, GATEWAY, BEHIND, CERTIFICATE, KEY, SAME_SITE } = process.env;
const tls = CERTIFICATE && { cert: CERTIFICATE, key: KEY };
const SESSIONS = "{ me { username sessions { id lastUsedAt } events(first: 9) { edges { node { id kind } } } } }";
let context, servers, came;

before(async () => {
  servers = await Promise.all([APP, FOREIGN].map((page) => serve(new URL(page).port, tls)));
  if (BEHIND) {
    const gateway = await front(new URL(GATEWAY).port, BEHIND, tls);
    servers.push(gateway.server);
    came = gateway.came;
  }
});

after(() => {
  for (const server of servers ?? []) {
    server.closeAllConnections();
    server.close();
  }
});

beforeEach(async () => (context = await launchLax()));
afterEach(() => context.close());

/** Start the application in a page: the client package, and a client of either library. */
async function start(page, library) {
  await page.evaluate(
    async ([gateway, library]) => {
      const { createAuth } = await import("/package/index.js");
      globalThis.auth = createAuth({ url: gateway, mode: "cookie" });
      if (library === "urql") {
        const { urqlClient } = await import("/package/urql.js");
        const client = urqlClient(auth);
        globalThis.query = async (text) => (await client.query(text, {}, { requestPolicy: "network-only" })).data;
      } else {
        const { ApolloClient, InMemoryCache, gql } = await import("@apollo/client");
        const { apolloLink } = await import("/package/apollo.js");
        const client = new ApolloClient({ cache: new InMemoryCache(), link: apolloLink(auth) });
        const how = { fetchPolicy: "network-only", errorPolicy: "all" };
        globalThis.query = async (text) => (await client.query({ query: gql(text), ...how })).data;
      }
    },
    [GATEWAY, library],
  );
}

async function open(library) {
  const page = await context.newPage();
  await page.goto(APP);
  await start(page, library);
  return page;
}

/** Make an account. */
function register(page) {
  return page.evaluate(async (user) => ({ username: (await auth.register(user)).user.username }), somebody());
}

const readMe = (page) => page.evaluate(async () => (await query("{ me { username } }"))?.me?.username);

/** The refresh token's cookie, as only the browser knows it. */
async function kept() {
  const cookies = await context.cookies(GATEWAY);
  return cookies.find(({ name }) => name.endsWith("refresh-token"));
}

for (const library of ["urql", "apollo"]) {
  test(`${library}: a reload keeps one signed in, signing out ends it, and one signs in again`, async () => {
    const page = await open(library);
    const { username } = await register(page);
    assert.equal(await readMe(page), username);
    for (let reloads = 0; reloads < 2; reloads += 1) {
      await page.reload();
      await start(page, library);
      assert.equal(await readMe(page), username);
    }
    const token = await page.evaluate(() => auth.token);
    await page.evaluate(() => auth.signOut());
    assert.equal(await kept(), undefined);
    const said = await ask(page, "{ me { id } }", { Authorization: `Bearer ${token}` });
    assert.equal(said.errors[0].extensions.code, "UNAUTHENTICATED");
    await page.reload();
    await start(page, library);
    assert.equal(await readMe(page), undefined);
    await page.evaluate((given) => auth.signIn(given), { username, password: PASSWORD });
    assert.equal(await readMe(page), username);
  });
}

test("five tabs stay signed in, and sign out as one", async () => {
  const first = await open("urql");
  const { username } = await register(first);
  const tabs = [first, ...(await Promise.all([1, 2, 3, 4].map(() => open("urql"))))];
  for (let round = 0; round < 3; round += 1) {
    assert.deepEqual(await Promise.all(tabs.map(readMe)), Array(5).fill(username));
    await Promise.all(tabs.map((tab) => tab.evaluate(() => auth.refresh(auth.token))));
    // The gateway of these tests accepts a used token for three seconds.
    await pause(3.1);
  }
  await first.evaluate(() => auth.signOut());
  for (const tab of tabs) await tab.waitForFunction(() => auth.state.status === "signedOut" && !auth.token);
});

function ask(page, query, headers = {}) {
  return page.evaluate(
    async ([gateway, query, headers]) => {
      const all = { "Content-Type": "application/json", ...headers };
      const body = JSON.stringify({ query });
      return (await fetch(gateway, { method: "POST", credentials: "include", headers: all, body })).json();
    },
    [GATEWAY, query, headers],
  );
}

test("no script reads the refresh token: not in cookies, not in storage, not in answers", async () => {
  const page = await open("urql");
  await register(page);
  await page.evaluate(() => auth.refresh(auth.token));
  const cookie = await kept();
  assert.deepEqual(
    [cookie.httpOnly, cookie.secure, cookie.sameSite, cookie.path],
    [true, Boolean(tls), SAME_SITE, "/"],
  );
  assert.equal(cookie.name, tls ? "__Host-refresh-token" : "refresh-token");
  assert.equal(cookie.domain, new URL(GATEWAY).hostname);
  const said = await ask(page, "mutation { refreshToken { token refreshToken } }");
  assert.equal(said.data.refreshToken.refreshToken, "");
  const seen = await page.evaluate(async () => {
    const stored = [localStorage, sessionStorage].flatMap((each) => Object.values({ ...each }));
    const listed = (await globalThis.cookieStore?.getAll()) ?? [];
    return JSON.stringify([document.cookie, stored, listed]);
  });
  assert.ok(!seen.includes(cookie.value) && !seen.includes((await kept()).value), seen);
  assert.equal(await page.evaluate(() => document.cookie), "");
});

/** Everything a page can send without asking first, and what it can only ask for. */
const FORGERIES = {
  "a form": (gateway) => submit(gateway, "application/x-www-form-urlencoded"),
  "a form of plain text that spells JSON": (gateway) => submit(gateway, "text/plain"),
  "a form with files": (gateway) => submit(gateway, "multipart/form-data"),
  "a form by GET": (gateway) => submit(gateway, "application/x-www-form-urlencoded", "GET"),
  "a fetch of plain text": (gateway) =>
    fetch(gateway, { method: "POST", mode: "no-cors", credentials: "include", body: BODY }),
  "a fetch that pretends to be JSON": (gateway) =>
    fetch(gateway, { method: "POST", mode: "no-cors", credentials: "include", body: BODY, headers: JSON_TYPE }),
  "a fetch of JSON": (gateway) =>
    fetch(gateway, { method: "POST", credentials: "include", body: BODY, headers: JSON_TYPE }),
  "a fetch of JSON with a preflight header": (gateway) =>
    fetch(gateway, {
      method: "POST",
      credentials: "include",
      body: BODY,
      headers: { ...JSON_TYPE, "Apollo-Require-Preflight": "true" },
    }),
  "a beacon": (gateway) => navigator.sendBeacon(gateway, new Blob([BODY], { type: "text/plain" })),
  "a beacon of JSON": (gateway) => navigator.sendBeacon(gateway, new Blob([BODY], { type: "application/json" })),
  "an image": (gateway) => embed("img", gateway),
  "a frame": (gateway) => embed("iframe", gateway),
  "a script": (gateway) => embed("script", gateway),
  "a sandboxed frame that fetches": (gateway) => {
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts allow-forms";
    const how = { method: "POST", mode: "no-cors", credentials: "include", body: BODY };
    frame.srcdoc = `<script>fetch(${JSON.stringify(gateway)}, ${JSON.stringify(how)})</script>`;
    document.body.append(frame);
  },
};
const REFUSED_BEFORE_SENT = new Set([
  "a fetch of JSON",
  "a fetch of JSON with a preflight header",
  "a beacon of JSON",
]);

/** What the forgeries of a foreign page are made of; runs there. */
function armed() {
  const mutation = "mutation { revokeToken { revoked } }";
  globalThis.BODY = JSON.stringify({ query: mutation });
  globalThis.JSON_TYPE = { "Content-Type": "application/json" };
  globalThis.submit = (gateway, enctype, method = "POST") => {
    const frame = document.createElement("iframe");
    frame.name = `frame-${document.forms.length}`;
    const form = document.createElement("form");
    Object.assign(form, { action: gateway, method, enctype, target: frame.name });
    const field = document.createElement("input");
    const plain = enctype === "text/plain";
    field.name = plain ? `{"query": "${mutation}", "x": "` : "query";
    field.value = plain ? `"}` : mutation;
    form.append(field);
    document.body.append(frame, form);
    form.submit();
  };
  globalThis.embed = (tag, gateway) => {
    const element = document.createElement(tag);
    element.src = `${gateway}?query=${encodeURIComponent(mutation)}`;
    document.body.append(element);
  };
}

const attacks = { skip: !BEHIND && "in development every port of localhost is one site" };

test("nothing that a page of another site can send touches the session", attacks, async () => {
  const victim = await open("urql");
  await register(victim);
  const before = { cookie: await kept(), sessions: await victim.evaluate((text) => query(text), SESSIONS) };
  const foreign = await context.newPage();
  for (const [name, forge] of Object.entries(FORGERIES)) {
    await foreign.goto(FOREIGN);
    await foreign.evaluate(armed);
    came.length = 0;
    await foreign.evaluate(`Promise.resolve((${forge})(${JSON.stringify(GATEWAY)})).then(() => {}, () => {})`);
    for (let tries = 0; tries < 100 && !came.length; tries += 1) await pause(0.05);
    await pause(0.3);
    assert.ok(came.length, `${name} did not arrive`);
    const arrived = came.filter(({ method }) => method !== "OPTIONS");
    assert.equal(arrived.length === 0, REFUSED_BEFORE_SENT.has(name), name);
    const cookies = arrived.filter(({ cookie }) => cookie);
    // Sent along wherever the cookie is for other sites too: then it is the gateway that refuses.
    assert.equal(cookies.length, SAME_SITE === "None" ? arrived.length : 0, name);
    assert.deepEqual(await kept(), before.cookie, name);
  }
  assert.deepEqual(await victim.evaluate((text) => query(text), SESSIONS), before.sessions);
  await victim.evaluate(() => auth.refresh(auth.token));
  assert.notEqual((await kept()).value, before.cookie.value);
});

test("a foreign page that is walked to by a form, not embedded, fails as well", attacks, async () => {
  const victim = await open("urql");
  const { username } = await register(victim);
  const cookie = await kept();
  const foreign = await context.newPage();
  await foreign.goto(FOREIGN);
  await foreign.evaluate(armed);
  const answer = foreign.waitForResponse((response) => response.url().startsWith(GATEWAY));
  await foreign.evaluate((gateway) => {
    submit(gateway, "text/plain");
    document.forms[0].target = "_top";
    document.forms[0].submit();
  }, GATEWAY);
  assert.equal((await answer).status(), 415);
  assert.deepEqual(await kept(), cookie);
  assert.equal(await readMe(victim), username);
});
