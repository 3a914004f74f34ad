/** The life of a sign-in, told once and lived by each client library. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { GatewayError, Session } from "./build/recipes/session.js";
import { PASSWORD, REGISTER, ask, pause, renewals, sent, somebody, storage } from "./world.mjs";

const { GATEWAY, HASTY_GATEWAY } = process.env;
const RENEW = "mutation ($token: String!) { refreshToken(refreshToken: $token) { token refreshToken } }";
// The hasty gateway's access tokens live for two seconds.
const LIFETIME = 2;
// Fields differ from query to query, so that no client takes two for one.
const QUERIES = Array.from({ length: 8 }, (_, index) => `query Me${index} { me { id username field${index}: email } }`);

/**
 * `open(session)` makes a client of the library: `query(text)` and `mutate(text, variables)` answer
 * `{ data, code }`, where the code is that of the first error.
 */
export function tell(open) {
  beforeEach(() => {
    storage.clear();
    sent.length = 0;
  });

  async function join(url) {
    const ended = [];
    const session = new Session(url, (code) => ended.push(code));
    const client = open(session);
    const user = somebody();
    const { data } = await client.mutate(REGISTER, user);
    session.keep(data.register);
    return { session, client, user, ended };
  }

  test("register, read me, sign out, sign in again", async () => {
    const { session, client, user } = await join(GATEWAY);
    assert.equal((await client.query(QUERIES[0])).data.me.username, user.username);
    await session.signOut();
    assert.deepEqual([session.isSignedIn, session.token], [false, null]);
    assert.equal((await open(session).query(QUERIES[0])).code, "UNAUTHENTICATED");
    await session.signIn(user.username, PASSWORD);
    assert.equal((await open(session).query(QUERIES[0])).data.me.username, user.username);
    assert.equal(renewals(), 0);
  });

  test("a wrong password is refused by code, and nothing is renewed or retried", async () => {
    const { session, user } = await join(GATEWAY);
    await session.signOut();
    sent.length = 0;
    await assert.rejects(session.signIn(user.username, "not the password"), (refusal) => {
      return refusal instanceof GatewayError && refusal.extensions.code === "INVALID_CREDENTIALS";
    });
    assert.equal(sent.length, 1);
  });

  test("a reload needs no password, and one renewal for all that it asks", async () => {
    const { session, user } = await join(GATEWAY);
    const reloaded = open(new Session(session.url));
    const answers = await Promise.all(QUERIES.map((text) => reloaded.query(text)));
    assert.ok(answers.every(({ data }) => data.me.username === user.username));
    assert.deepEqual([renewals(), sent.length], [1, 1 + 1 + QUERIES.length]);
  });

  test("many queries with an expired access token renew it once", async () => {
    const { client, user } = await join(HASTY_GATEWAY);
    await pause(LIFETIME + 0.1);
    const answers = await Promise.all(QUERIES.map((text) => client.query(text)));
    assert.ok(answers.every(({ data }) => data.me.username === user.username));
    assert.equal(renewals(), 1);
  });

  test("a mutation with an expired access token is renewed and sent again", async () => {
    const { client } = await join(HASTY_GATEWAY);
    await pause(LIFETIME + 0.1);
    const { data } = await client.mutate(`mutation { updateProfile(bio: "I persist.") { user { bio } } }`);
    assert.equal(data.updateProfile.user.bio, "I persist.");
    assert.equal(renewals(), 1);
  });

  test("a straggler refused after the renewal renews nothing", async () => {
    const { session } = await join(GATEWAY);
    const refused = session.token;
    await session.renew(refused);
    await session.renew(refused);
    assert.equal(renewals(), 1);
  });

  test("five tabs that renew at once, without Web Locks, all stay signed in", async () => {
    const { session, user } = await join(GATEWAY);
    const tabs = Array.from({ length: 5 }, () => new Session(session.url));
    for (let round = 0; round < 3; round += 1) {
      sent.length = 0;
      await Promise.all(tabs.map((tab) => tab.renew(tab.token)));
      assert.equal(renewals(), tabs.length);
      const answers = await Promise.all(tabs.map((tab) => open(tab).query(QUERIES[round])));
      assert.ok(answers.every(({ data }) => data.me.username === user.username));
    }
  });

  test("a thief's reuse of a spent token ends the session for both", async () => {
    const { session, client, ended } = await join(GATEWAY);
    const [stolen] = storage.values();
    await session.renew(session.token);
    // The gateway of these tests forgives a spent token for one second.
    await pause(1.1);
    const theft = await ask(GATEWAY, RENEW, { token: stolen });
    assert.equal(theft.errors[0].extensions.code, "TOKEN_REUSED");
    assert.equal((await client.query(QUERIES[0])).code, "UNAUTHENTICATED");
    assert.deepEqual([session.isSignedIn, ended], [false, ["TOKEN_INVALID"]]);
  });

  test("whoever comes after the thief is told TOKEN_REUSED and signed out", async () => {
    const { session, ended } = await join(GATEWAY);
    const [shared] = storage.values();
    await ask(GATEWAY, RENEW, { token: shared });
    await pause(1.1);
    const victim = open(session);
    await session.renew(session.token);
    assert.deepEqual([session.isSignedIn, ended], [false, ["TOKEN_REUSED"]]);
    assert.equal((await victim.query(QUERIES[0])).code, "UNAUTHENTICATED");
  });

  test("a gateway out of reach signs nobody out", async () => {
    const { session } = await join(GATEWAY);
    const offline = new Session("http://127.0.0.1:9");
    await assert.rejects(offline.renew());
    assert.equal(offline.isSignedIn, true);
    await session.renew(session.token);
    assert.notEqual(session.token, null);
  });
}
