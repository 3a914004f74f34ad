/** The session in real tabs of the example app, on another origin than the gateway's: MODE is header or cookie. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { newUser, pause } from "../world.mjs";
import { buildApp, fake, launch, operationOf, serveApp, signIn, signOut, signUp, signedIn, signedOut } from "./app.mjs";

// A used refresh token is accepted for one second. The access tokens of HASTY_GATEWAY live for two seconds.
const { MODE, GATEWAY, HASTY_GATEWAY, APP_PORT } = process.env;
const APP = `http://localhost:${APP_PORT}`;
const GRACE = 1;
const LIFETIME = 2;
let browser, context, folder, server;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "app-"));
  await buildApp({ url: GATEWAY, mode: MODE, outDir: folder, isDevelopment: MODE === "cookie" });
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
});
afterEach(() => context.close());

async function open(path = "/") {
  const page = await context.newPage();
  await page.goto(APP + path);
  return page;
}

/** What the storage and the cookies keep of the session. */
async function kept(page) {
  const stored = await page.evaluate(() => localStorage.getItem("auth-gateway"));
  const cookie = (await context.cookies(GATEWAY)).find(({ name }) => name.endsWith("refresh-token"));
  return { stored: stored && JSON.parse(stored), cookie };
}

test("sign up, reload, sign out, and sign in again after a wrong password", async () => {
  const page = await open();
  await signedOut(page);
  const user = await signUp(page, APP);
  const { stored, cookie } = await kept(page);
  assert.deepEqual(
    [stored.refreshToken !== "", cookie?.httpOnly],
    MODE === "cookie" ? [false, true] : [true, undefined],
  );
  for (let reload = 0; reload < 2; reload += 1) {
    await page.reload();
    await signedIn(page, user);
  }
  await signOut(page);
  await signedOut(page);
  await page.reload();
  await signedOut(page);
  assert.deepEqual(await kept(page), { stored: null, cookie: undefined });
  await signIn(page, { ...user, password: "not the password" });
  await page.getByRole("alert").getByText("The username or password is wrong.").waitFor();
  await signIn(page, user);
  await signedIn(page, user);
});

test("five tabs follow each other's sign-in, stay signed in after reloads at once, and sign out as one", async () => {
  const tabs = await Promise.all(Array.from({ length: 5 }, () => open()));
  await Promise.all(tabs.map(signedOut));
  const user = await signUp(tabs[0], APP);
  await Promise.all(tabs.map((tab) => signedIn(tab, user)));
  for (let round = 0; round < 2; round += 1) {
    await Promise.all(tabs.map((tab) => tab.reload()));
    await Promise.all(tabs.map((tab) => signedIn(tab, user)));
    // A tab that kept a used token would now be refused as a thief.
    await pause(GRACE + 0.1);
  }
  await signOut(tabs[3]);
  await Promise.all(tabs.map(signedOut));
});

test("a refresh that hangs in one tab delays no other, and the tab recovers with the others", async () => {
  const [hung, other] = [await open(), await open()];
  const user = await signUp(other, APP);
  await signedIn(hung, user);
  let isHanging = false;
  await fake(hung, GATEWAY, { Refresh: () => void (isHanging = true) });
  await hung.reload();
  await hung.getByText("Loading…").waitFor();
  assert.equal(isHanging, true);
  const start = Date.now();
  await other.reload();
  await signedIn(other, user);
  assert.ok(Date.now() - start < 5_000, `${Date.now() - start} ms`);
  await signedIn(hung, user);
});

test("a sign-out wins over a refresh that is under way in another tab", async () => {
  const [late, other] = [await open(), await open()];
  const user = await signUp(other, APP);
  await signedIn(late, user);
  let release;
  const released = new Promise((resolve) => (release = resolve));
  let hasAnswered;
  const answered = new Promise((resolve) => (hasAnswered = resolve));
  // The gateway has answered, and the answer arrives after the sign-out.
  await fake(late, GATEWAY, {
    Refresh: async (_variables, route) => {
      const response = await route.fetch();
      hasAnswered();
      await released;
      await route.fulfill({ response }).catch(() => {});
    },
  });
  await late.reload({ waitUntil: "commit" });
  await answered;
  await signOut(other);
  await signedOut(other);
  release();
  await signedOut(late);
  assert.equal((await kept(late)).stored, null);
  await late.unrouteAll({ behavior: "wait" });
  await late.reload();
  await signedOut(late);
});

test("twenty parallel requests with an expired access token make one refresh", async () => {
  const page = await open();
  await signedOut(page);
  const user = newUser();
  const operations = [];
  page.on("request", (request) => request.url().startsWith(HASTY_GATEWAY) && operations.push(operationOf(request)));
  const names = await page.evaluate(
    async ([url, mode, user, wait]) => {
      const { createAuth } = await import("/package/index.js");
      const auth = createAuth({ url, mode, storageKey: "twenty" });
      await auth.register(user);
      await new Promise((resolve) => setTimeout(resolve, wait));
      const ask = () => auth.request("query Parallel { me { username } }");
      const results = await Promise.all(Array.from({ length: 20 }, ask));
      return results.map((result) => result.data?.me.username ?? result.code);
    },
    [HASTY_GATEWAY, MODE, user, (LIFETIME + 0.1) * 1000],
  );
  assert.deepEqual(new Set(names), new Set([user.username]));
  assert.equal(operations.filter((name) => name === "Refresh").length, 1);
  assert.equal(operations.filter((name) => name === "Parallel").length, 20);
});

test("a thief's use of the refresh token signs all tabs out, with the reason", async () => {
  const tabs = [await open(), await open()];
  const user = await signUp(tabs[0], APP);
  await signedIn(tabs[1], user);
  const { stored, cookie } = await kept(tabs[0]);
  const headers = {
    "Content-Type": "application/json",
    Origin: APP,
    ...(cookie && { Cookie: `${cookie.name}=${cookie.value}` }),
  };
  const argument = MODE === "cookie" ? "" : `(refreshToken: "${stored.refreshToken}")`;
  const body = JSON.stringify({ query: `mutation { refreshToken${argument} { token } }` });
  const theft = await (await fetch(GATEWAY, { method: "POST", headers, body })).json();
  assert.match(theft.data.refreshToken.token, /^ey/);
  await pause(GRACE + 0.1);
  await tabs[0].reload();
  for (const tab of tabs) await tab.getByText("your session was used from another place").waitFor();
  assert.deepEqual(await kept(tabs[0]), { stored: null, cookie: undefined });
});

test("without a connection nobody is signed out, and the page recovers", async () => {
  const page = await open();
  const user = await signUp(page, APP);
  await context.setOffline(true);
  await page.getByRole("link", { name: "Sessions" }).click();
  await page.getByText("The sessions cannot be loaded").waitFor();
  await signedIn(page, user);
  await context.setOffline(false);
  await page.getByRole("link", { name: "Security" }).click();
  await page.getByRole("link", { name: "Sessions" }).click();
  await page.getByText("This device").waitFor();
  // The page loads, and the gateway cannot be reached.
  await page.route(`${GATEWAY}**`, (route) => route.abort());
  await page.reload();
  await page.getByText("The server cannot be reached").waitFor();
  await page.unrouteAll();
  await signedIn(page, user);
});
