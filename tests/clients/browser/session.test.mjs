/** Tests of the GraphiQL sign-in helper against a fake gateway: `node --test session.test.mjs`. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, mock, test } from "node:test";

// As data: Node takes a `.js` file with no package.json above it for a script of the old kind.
const source = readFileSync(new URL("../../../gateway/graphiql/session.js", import.meta.url), "utf8");
const { Session } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

const ME = { query: "{ me { username } }" };
const SIGN_IN = { query: "mutation { a: tokenAuth { token } }" };
const LIFETIME = 300;

const REAUTHENTICATE = { query: "mutation { reauthenticate { token } }" };
const ROOT_FIELDS = { [SIGN_IN.query]: ["tokenAuth"], [REAUTHENTICATE.query]: ["reauthenticate"] };

let sent, answers, session, typedCode, askedFor;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  sent = [];
  answers = [];
  typedCode = null;
  askedFor = [];
  const askCode = (methods) => (askedFor.push(methods), typedCode);
  session = new Session(send, ({ query }) => ROOT_FIELDS[query] ?? ["me"], askCode);
});

afterEach(() => mock.timers.reset());

async function send(params, headers) {
  sent.push({ ...params, authorization: headers.get("Authorization") });
  const answer = (await answers.shift()) ?? { data: { me: { username: "alice" } } };
  if (answer instanceof Error) throw answer;
  return answer;
}

function token(number, lifetime = LIFETIME) {
  // The clock of the server is a year ahead: only the lifetime may count.
  const iat = 31_536_000 + number;
  const claims = { sub: "1", iat, exp: iat + lifetime };
  return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.s${number}`;
}

function pair(number, more = {}) {
  return { token: token(number), refreshToken: `r${number}`, ...more };
}

function refusal(code, reason) {
  return { data: { me: null }, errors: [{ message: "no", extensions: { code, reason } }] };
}

async function signIn(more) {
  answers.push({ data: { a: pair(1, { user: { username: "alice" }, ...more }) } });
  await session.run(SIGN_IN);
  sent.length = 0;
}

async function pass(seconds) {
  mock.timers.tick(seconds * 1000);
  for (let turns = 0; turns < 20; turns += 1) await Promise.resolve();
}

function secondStep() {
  const extensions = { code: "SECOND_FACTOR_REQUIRED", challenge: "sealed", methods: ["TOTP"] };
  return { data: { tokenAuth: null }, errors: [{ message: "no", extensions }] };
}

test("a sign-in that needs a second factor asks for the code and completes", async () => {
  typedCode = "123456";
  answers.push(secondStep(), { data: { secondFactorAuth: pair(1, { user: { username: "alice" } }) } });
  const response = await session.run(SIGN_IN);
  assert.deepEqual(askedFor, [["TOTP"]]);
  assert.deepEqual(sent[1].variables, { challenge: "sealed", code: "123456" });
  assert.equal(sent[1].authorization, null);
  assert.ok(response.data.secondFactorAuth);
  assert.equal(session.current.username, "alice");
});

test("a sign-in whose code is not typed shows the error", async () => {
  answers.push(secondStep());
  const response = await session.run(SIGN_IN);
  assert.equal(response.errors[0].extensions.code, "SECOND_FACTOR_REQUIRED");
  assert.equal(sent.length, 1);
  assert.equal(session.current, null);
});

test("reauthenticating replaces the access token and keeps the refresh token", async () => {
  await signIn();
  answers.push({ data: { reauthenticate: { token: token(2) } } });
  await session.run(REAUTHENTICATE);
  assert.equal(sent[0].authorization, `Bearer ${token(1)}`);
  await session.run(ME);
  assert.equal(sent[1].authorization, `Bearer ${token(2)}`);
  assert.ok(session.current.isRenewable);
  answers.push({ data: { refreshToken: pair(3) } });
  await pass(LIFETIME - 30);
  assert.equal(sent[2].variables.refreshToken, "r1");
});

test("the token of an aliased sign-in goes with what follows", async () => {
  await signIn();
  await session.run(ME);
  assert.equal(session.current.username, "alice");
  assert.equal(sent[0].authorization, `Bearer ${token(1)}`);
});

test("a header typed by hand is left alone, even when it is refused", async () => {
  await signIn();
  answers.push(refusal("UNAUTHENTICATED", "TOKEN_EXPIRED"));
  await session.run(ME, { authorization: "Bearer mine" });
  assert.deepEqual(sent.map(({ authorization }) => authorization), ["Bearer mine"]);
});

test("signing in again sends no token", async () => {
  await signIn();
  await session.run(SIGN_IN);
  assert.equal(sent[0].authorization, null);
});

test("thirty seconds before the end the token is renewed, whatever the clocks say", async () => {
  await signIn();
  answers.push({ data: { refreshToken: pair(2) } });
  await pass(269);
  assert.equal(sent.length, 0);
  await pass(1);
  assert.deepEqual(sent[0].variables, { refreshToken: "r1" });
  assert.equal(sent[0].authorization, null);
  assert.equal(session.current.token, token(2));
  assert.equal(session.current.username, "alice");
});

test("many refused at once share one renewal, and each runs once more", async () => {
  await signIn();
  answers.push(...Array(5).fill(refusal("UNAUTHENTICATED", "TOKEN_EXPIRED")), { data: { refreshToken: pair(2) } });
  const all = await Promise.all(Array.from({ length: 5 }, () => session.run(ME)));
  assert.equal(sent.filter(({ query }) => query.includes("Renew")).length, 1);
  assert.ok(all.every(({ data }) => data.me.username === "alice"));
  assert.equal(sent.length, 11);
});

test("a straggler refused after the renewal runs again without another one", async () => {
  await signIn();
  const refused = refusal("UNAUTHENTICATED", "TOKEN_EXPIRED");
  let letGo;
  answers.push(new Promise((resolve) => (letGo = () => resolve(refused))), refused, { data: { refreshToken: pair(2) } });
  const straggler = session.run(ME);
  await session.run(ME);
  letGo();
  assert.equal((await straggler).data.me.username, "alice");
  assert.equal(sent.filter(({ query }) => query.includes("Renew")).length, 1);
});

test("an answer refused again after the renewal is shown, not retried for ever", async () => {
  await signIn();
  const refused = refusal("UNAUTHENTICATED", "TOKEN_EXPIRED");
  answers.push(refused, { data: { refreshToken: pair(2) } }, refused);
  assert.equal(await session.run(ME), refused);
  assert.equal(sent.length, 3);
});

test("what has had an effect is not run twice", async () => {
  await signIn();
  answers.push({ ...refusal("UNAUTHENTICATED", "TOKEN_EXPIRED"), data: { me: null, updateProfile: {} } });
  await session.run(ME);
  assert.equal(sent.length, 1);
});

test("a refresh token that will not do ends the session, and the refusal is shown", async () => {
  await signIn();
  const refused = refusal("UNAUTHENTICATED", "TOKEN_INVALID");
  answers.push(refused, refusal("TOKEN_REUSED"));
  assert.equal(await session.run(ME), refused);
  assert.equal(session.current, null);
});

test("a lost network keeps the session, and renewal is tried again", async () => {
  await signIn();
  answers.push(new Error("offline"), refusal("RATE_LIMITED"), { data: { refreshToken: pair(2) } });
  await pass(270);
  await pass(10);
  await pass(10);
  assert.equal(sent.length, 3);
  assert.equal(session.current.token, token(2));
});

test("in cookie mode the browser's cookie renews, and no argument is sent", async () => {
  await signIn({ refreshToken: "" });
  answers.push({ data: { refreshToken: pair(2, { refreshToken: "" }) } });
  await pass(270);
  assert.equal(sent[0].variables, undefined);
  assert.equal(session.current.token, token(2));
});

test("without a refresh token in the answer nothing is renewed", async () => {
  await signIn({ refreshToken: undefined });
  await pass(400);
  assert.equal(sent.length, 0);
  assert.equal(session.current.isRenewable, false);
});

test("a token that lives for seconds is renewed half-way, not in a frenzy", async () => {
  await signIn({ token: token(1, 10) });
  await pass(4);
  assert.equal(sent.length, 0);
  await pass(1);
  assert.equal(sent.length, 1);
});

test("signing out forgets the tokens, ends the session, and nothing is renewed after", async () => {
  await signIn();
  await session.signOut();
  await pass(400);
  assert.deepEqual(sent.map(({ variables }) => variables), [{ refreshToken: "r1" }]);
  await session.run(ME);
  assert.equal(sent[1].authorization, null);
});

test("signing out during a renewal ends the renewed session", async () => {
  await signIn();
  answers.push({ data: { refreshToken: pair(2) } });
  mock.timers.tick(270_000);
  await session.signOut();
  assert.deepEqual(sent.map(({ variables }) => variables.refreshToken), ["r1", "r2"]);
  assert.equal(session.current, null);
});

test("who is signed in is told as it changes", async () => {
  const seen = [];
  session.addEventListener("change", () => seen.push(session.current?.username));
  await signIn();
  await session.signOut();
  assert.deepEqual(seen, ["alice", undefined]);
});

test("answers that are no sign-in, or carry no token, change nothing", async () => {
  for (const data of [null, { register: { token: null } }, { x: "eyJ" }, { x: { token: "not.a.token" } }, { x: null }]) {
    answers.push({ data });
    await session.run(ME);
  }
  assert.equal(session.current, null);
});

test("saved tokens sign a later page in, which renews them in time", async () => {
  await signIn();
  const saved = session.save();
  await session.signOut();
  assert.equal(session.save(), null);
  session = new Session(send, () => ["me"]);
  session.restore(null);
  assert.equal(session.current, null);
  session.restore(saved);
  assert.equal(session.current.username, "alice");
  sent.length = 0;
  answers.push({ data: { refreshToken: pair(2) } });
  await pass(270);
  assert.equal(sent[0].variables.refreshToken, "r1");
});

test("a typed header is told of, once", async () => {
  const seen = [];
  session.addEventListener("change", () => seen.push(session.typed));
  for (const header of ["Bearer a", "Bearer a", null]) session.typed = header;
  assert.deepEqual(seen, ["Bearer a", null]);
});
