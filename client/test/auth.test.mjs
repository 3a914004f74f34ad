/** The client against answers that a real gateway gives rarely: late, lost, and in an unlucky order. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createAuth } from "../dist/index.js";
import { USER, data, deferred, error, fakeFetch, newBrowser, newStorage, opened, until } from "./world.mjs";

const URL = "http://gateway.invalid/graphql";
const CREDENTIALS = { username: "alice", password: "secret" };

/** A browser with a signed-in tab, and the fake gateway that both use. */
async function signedIn(context, answers, options) {
  const gateway = fakeFetch({
    SignIn: [data(opened(1, options))],
    SignOut: [data({ revokeToken: { revoked: 1 } })],
    ...answers,
  });
  const browser = newBrowser(context, URL, options);
  const openTab = (more) => browser.openTab({ fetch: gateway.fetch, ...more });
  const auth = openTab();
  assert.equal((await auth.signIn(CREDENTIALS)).status, "signedIn");
  return { ...browser, openTab, gateway, auth };
}

test("a refusal carries its code, its fields and what the gateway adds", async (context) => {
  const fieldErrors = [
    { field: "username", code: "TAKEN", message: "This username is taken." },
    { field: "password", code: "PASSWORD_TOO_SHORT", message: "Use at least 8 characters." },
    { field: "password", code: "PASSWORD_TOO_COMMON", message: "This password is too common." },
  ];
  const { fetch } = fakeFetch({
    Register: [error("BAD_USER_INPUT", { fieldErrors })],
    SignIn: [error("RATE_LIMITED", { retryAfter: 30 })],
  });
  const auth = newBrowser(context, URL).openTab({ fetch });
  const registered = await auth.register({ ...CREDENTIALS, email: "alice@example.com" });
  assert.equal(registered.code, "BAD_USER_INPUT");
  assert.deepEqual(registered.fieldErrors.username, [{ code: "TAKEN", message: "This username is taken." }]);
  assert.deepEqual(
    registered.fieldErrors.password.map(({ code }) => code),
    ["PASSWORD_TOO_SHORT", "PASSWORD_TOO_COMMON"],
  );
  const refused = await auth.signIn(CREDENTIALS);
  assert.deepEqual(refused, {
    status: "refused",
    code: "RATE_LIMITED",
    message: "RATE_LIMITED",
    fieldErrors: {},
    retryAfter: 30,
  });
  assert.equal(auth.state.status, "signedOut");
});

test("registration with required verification signs nobody in", async (context) => {
  const nothing = { session: { token: null, refreshToken: null, claims: null, user: null } };
  const { storage, openTab } = newBrowser(context, URL);
  const auth = openTab({ fetch: fakeFetch({ Register: [data(nothing)] }).fetch });
  assert.deepEqual(await auth.register({ ...CREDENTIALS, email: "a@example.com" }), { status: "verificationRequired" });
  assert.deepEqual([auth.state.status, auth.user, storage.values.size], ["signedOut", null, 0]);
});

test("a second factor completes a sign-in, and until then nobody is signed in", async (context) => {
  const challenge = { challenge: "c", methods: ["TOTP", "RECOVERY_CODE"], expiresIn: 600 };
  const gateway = fakeFetch({
    SignIn: [error("SECOND_FACTOR_REQUIRED", challenge)],
    SecondFactor: [error("INVALID_CREDENTIALS"), data(opened(1))],
  });
  const auth = newBrowser(context, URL).openTab({ fetch: gateway.fetch });
  assert.deepEqual(await auth.signIn(CREDENTIALS), { status: "secondFactorRequired", ...challenge });
  assert.equal(auth.state.status, "signedOut");
  assert.equal((await auth.secondFactor({ challenge: "c", code: "000000" })).code, "INVALID_CREDENTIALS");
  assert.equal((await auth.secondFactor({ challenge: "c", code: "123456" })).status, "signedIn");
  assert.deepEqual(gateway.requests.at(-1).variables, { challenge: "c", code: "123456" });
});

test("a request that hangs ends with TIMEOUT, and a lost connection with NETWORK_ERROR", async (context) => {
  const { fetch } = fakeFetch({ SignIn: [new Promise(() => {}), new TypeError("Failed to fetch"), "<html>"] });
  const auth = newBrowser(context, URL).openTab({ fetch, timeout: 20 });
  const codes = [];
  for (let index = 0; index < 3; index += 1) codes.push((await auth.signIn(CREDENTIALS)).code);
  assert.deepEqual(codes, ["TIMEOUT", "NETWORK_ERROR", "NETWORK_ERROR"]);
});

test("twenty requests with an expired token share one refresh", async (context) => {
  let refreshes = 1;
  const { auth, gateway } = await signedIn(
    context,
    {
      Refresh: [() => data(opened(++refreshes))],
      Read: [data({ me: USER })],
    },
    { lifetime: 0 },
  );
  const results = await Promise.all(Array.from({ length: 20 }, () => auth.request("query Read { me { id } }")));
  assert.ok(results.every(({ status }) => status === "done"));
  assert.deepEqual([refreshes, gateway.requests.length], [2, 1 + 1 + 20]);
  assert.ok(gateway.requests.slice(2).every(({ token }) => token === "t2"));
});

test("a refused token is refreshed and the request repeated, once", async (context) => {
  const { auth, gateway } = await signedIn(context, {
    Refresh: [data(opened(2))],
    Read: [error("UNAUTHENTICATED", { reason: "TOKEN_INVALID" })],
  });
  assert.equal((await auth.request("query Read { me { id } }")).code, "UNAUTHENTICATED");
  assert.deepEqual(gateway.names(), ["SignIn", "Read", "Refresh", "Read"]);
  assert.deepEqual(
    gateway.requests.map(({ token }) => token),
    [undefined, "t1", undefined, "t2"],
  );
});

test("a sign-out wins over a refresh that is under way in the same tab", async (context) => {
  const late = deferred();
  const { auth, gateway, storage } = await signedIn(context, { Refresh: [late.promise] });
  const refreshing = auth.refresh(auth.token);
  await auth.signOut();
  // In cookie mode its late answer could replace the cookie of the next session.
  assert.equal(gateway.requests[1].signal.aborted, true);
  late.resolve(data(opened(2)));
  assert.equal((await refreshing).status, "signedOut");
  assert.deepEqual([auth.state.status, auth.token, storage.values.size], ["signedOut", null, 0]);
});

test("a sign-out wins over a refresh that is under way in another tab", async (context) => {
  const late = deferred();
  const { auth, openTab, storage } = await signedIn(context, { Refresh: [late.promise] });
  const other = openTab();
  await auth.signOut();
  late.resolve(data(opened(2)));
  await until(() => other.state.status === "signedOut");
  assert.deepEqual([auth.state.status, other.token, storage.values.size], ["signedOut", null, 0]);
});

test("a sign-out wins where tabs share nothing but the storage", async (context) => {
  const late = deferred();
  const { auth, storage, storageKey, gateway } = await signedIn(context, { Refresh: [late.promise] });
  const refreshing = auth.refresh(auth.token);
  storage.removeItem(storageKey);
  late.resolve(data(opened(2)));
  assert.equal((await refreshing).status, "signedOut");
  assert.equal(storage.values.size, 0);
  assert.deepEqual(gateway.names(), ["SignIn", "Refresh"]);
});

test("a late message about an ended session signs nobody in", async (context) => {
  const { auth, storageKey } = await signedIn(context, {});
  await auth.signOut();
  const seen = [];
  auth.onChange(() => seen.push(auth.token));
  const tab = new BroadcastChannel(storageKey);
  for (const [sid, token] of [
    ["s1", "t8"],
    ["s2", "t9"],
  ]) {
    tab.postMessage({ access: { sid, token, expiresAt: Date.now() + 300_000, user: USER } });
  }
  await until(() => auth.token === "t9");
  tab.close();
  assert.deepEqual(seen, ["t9"]);
});

test("a refresh never overwrites the session of a sign-in in another tab", async (context) => {
  const late = deferred();
  const second = opened(7, { sid: "s2", user: { ...USER, username: "bob" } });
  const { auth, openTab, stored } = await signedIn(context, {
    SignIn: [data(opened(1)), data(second)],
    Refresh: [late.promise, data(second)],
  });
  const refreshing = auth.refresh(auth.token);
  const other = openTab();
  await other.signIn(CREDENTIALS);
  late.resolve(data(opened(2)));
  await refreshing;
  await until(() => auth.user?.username === "bob");
  assert.deepEqual(stored(), { sid: "s2", refreshToken: "r7" });
});

test("a refresh keeps the newer token that another tab has stored", async (context) => {
  const late = deferred();
  const { auth, storage, storageKey, stored } = await signedIn(context, { Refresh: [late.promise] });
  const refreshing = auth.refresh(auth.token);
  storage.setItem(storageKey, JSON.stringify({ sid: "s1", refreshToken: "r3" }));
  late.resolve(data(opened(2)));
  await refreshing;
  assert.deepEqual([stored().refreshToken, auth.token], ["r3", "t2"]);
});

test("a refresh that hangs in one tab delays no other, and ends when another tab has refreshed", async (context) => {
  const { auth, openTab } = await signedIn(context, { Refresh: [data(opened(2))] });
  const hanging = fakeFetch({ Refresh: [new Promise(() => {})] });
  const hung = openTab({ fetch: hanging.fetch });
  assert.equal(hung.state.status, "loading");
  assert.equal((await auth.refresh(auth.token)).status, "signedIn");
  await until(() => hung.token === "t2");
  // The gateway would take its old token for a thief's.
  assert.equal(hanging.requests[0].signal.aborted, true);
  assert.equal((await hung.refresh()).status, "signedIn");
});

for (const code of ["TOKEN_REUSED", "TOKEN_EXPIRED", "TOKEN_INVALID"]) {
  test(`${code} signs all tabs out, with the reason`, async (context) => {
    const { auth, openTab, storage } = await signedIn(context, { Refresh: [data(opened(1)), error(code)] });
    const other = openTab();
    await until(() => other.state.status === "signedIn");
    await auth.refresh(auth.token);
    await until(() => other.state.status === "signedOut");
    assert.deepEqual([auth.state.reason, other.state.reason, storage.values.size], [code, code, 0]);
  });
}

for (const refusal of [
  new TypeError("Failed to fetch"),
  error("RATE_LIMITED", { retryAfter: 9 }),
  error("SERVICE_UNAVAILABLE"),
]) {
  test(`a refresh that fails with ${refusal.errors?.[0].message ?? "a lost connection"} signs nobody out`, async (context) => {
    const { auth, stored } = await signedIn(context, { Refresh: [refusal] });
    assert.equal((await auth.refresh(auth.token)).status, "refused");
    assert.deepEqual([auth.state.status, stored().refreshToken], ["signedIn", "r1"]);
  });
}

test("after a reload without a connection the client is loading, says why, and recovers by itself", async (context) => {
  const { openTab } = await signedIn(context, {
    Refresh: [error("SERVICE_UNAVAILABLE", { retryAfter: 0 }), data(opened(2))],
  });
  const reloaded = openTab();
  const seen = [];
  reloaded.onChange(({ status, error }) => seen.push([status, error?.code]));
  assert.deepEqual([reloaded.state.status, reloaded.user], ["loading", null]);
  await until(() => reloaded.state.status === "signedIn");
  assert.deepEqual(seen, [
    ["loading", "SERVICE_UNAVAILABLE"],
    ["signedIn", undefined],
  ]);
});

test("in cookie mode no script has the refresh token, and requests carry cookies", async (context) => {
  const { auth, gateway, storage } = await signedIn(
    context,
    { Refresh: [data(opened(2, { refreshToken: "" }))] },
    { mode: "cookie", refreshToken: "" },
  );
  await auth.refresh(auth.token);
  await auth.signOut();
  assert.deepEqual(
    gateway.requests.map(({ variables }) => variables.refreshToken),
    [undefined, undefined, undefined],
  );
  assert.ok(gateway.requests.every(({ credentials }) => credentials === "include"));
  assert.equal(storage.values.size, 0);
});

for (const [mode, refreshToken] of [
  ["cookie", "r1"],
  ["header", ""],
]) {
  test(`${mode} mode against the other kind of gateway is refused with advice`, async (context) => {
    const { fetch } = fakeFetch({ SignIn: [data(opened(1, { refreshToken }))] });
    const auth = newBrowser(context, URL, { mode }).openTab({ fetch });
    const result = await auth.signIn(CREDENTIALS);
    assert.equal(result.code, "WRONG_MODE");
    assert.match(result.message, mode === "cookie" ? /mode: "header"/ : /mode: "cookie"/);
    assert.equal(auth.state.status, "signedOut");
  });
}

test("reauthentication replaces the access token in all tabs and nothing else", async (context) => {
  const { claims, token } = opened(2).session;
  const { auth, openTab, gateway, stored } = await signedIn(context, {
    Refresh: [data(opened(1))],
    Reauthenticate: [
      error("INVALID_CREDENTIALS"),
      data({ reauthenticate: { token, claims, reauthenticatedUntil: "2026-01-01T00:10:00Z" } }),
    ],
  });
  const other = openTab();
  await until(() => other.state.status === "signedIn");
  assert.equal((await auth.reauthenticate({ password: "wrong" })).code, "INVALID_CREDENTIALS");
  assert.deepEqual(await auth.reauthenticate({ code: "123456" }), {
    status: "reauthenticated",
    until: "2026-01-01T00:10:00Z",
  });
  assert.deepEqual(gateway.requests.at(-1).variables, { code: "123456" });
  await until(() => other.token === "t2");
  assert.deepEqual([auth.token, stored().refreshToken], ["t2", "r1"]);
});

test("listeners hear of each change once, and of none after they left or the client was disposed", async (context) => {
  const { auth } = await signedIn(context, {
    Refresh: [data(opened(2)), data(opened(3, { user: { ...USER, bio: "Hi." } }))],
  });
  const seen = [];
  const leave = auth.onChange(({ user }) => seen.push(user?.bio));
  const before = auth.state;
  await auth.refresh(auth.token);
  assert.equal(auth.state, before);
  await auth.refresh(auth.token);
  leave();
  await auth.signOut();
  assert.deepEqual(seen, ["Hi."]);
  auth.onChange(() => seen.push("disposed"));
  auth.dispose();
  assert.equal((await auth.signIn(CREDENTIALS)).code, "ABORTED");
  assert.deepEqual(seen, ["Hi."]);
});

test("without a window the client touches nothing, is signed out, and lets the process end", async () => {
  const auth = createAuth({ url: URL });
  assert.deepEqual(auth.state, { status: "signedOut", user: null, reason: null, error: null });
  assert.equal((await auth.refresh()).status, "signedOut");
});

test("a damaged entry in the storage counts as signed out", (context) => {
  const storage = newStorage();
  for (const text of ["", "null", "{", "[]", '"x"']) {
    storage.setItem("auth-gateway", text);
    const auth = createAuth({ url: URL, storage, fetch: () => assert.fail() });
    context.after(() => auth.dispose());
    assert.equal(auth.state.status, "signedOut", text);
  }
});
