/** The life of a session against a real gateway, for each GraphQL client. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { PASSWORD, newBrowser, newUser, operationName, pause, until } from "../world.mjs";

// The access tokens of HASTY_GATEWAY live for two seconds. A used refresh token is accepted for one second.
const { GATEWAY, HASTY_GATEWAY } = process.env;
const LIFETIME = 2;
const GRACE = 1;
// The fields differ, so that no client merges two queries.
const QUERIES = Array.from(
  { length: 20 },
  (_, index) => `query Me${index} { me { id username field${index}: email } }`,
);
const RENEW = "mutation Theft($token: String!) { refreshToken(refreshToken: $token) { token } }";

/**
 * `open(auth, fetch)` creates a client: `query(text)` and `mutate(text, variables)` return `{ data, code }`, where the
 * code is that of the first error. All its requests go through `fetch`.
 */
export function tell(open) {
  async function join(context, url) {
    const browser = newBrowser(context, url);
    const send = (address, init) => {
      browser.sent.push(operationName(init));
      return fetch(address, init);
    };
    const user = newUser();
    const auth = browser.openTab();
    assert.equal((await auth.register(user)).status, "signedIn");
    const countQueries = () => browser.sent.filter((name) => /^(Me\d+|Bio|End)$/.test(name)).length;
    return { ...browser, auth, user, client: open(auth, send), open: (tab) => open(tab, send), countQueries };
  }

  test("register, read me, sign out, sign in again", async (context) => {
    const { auth, client, user, open, count } = await join(context, GATEWAY);
    assert.equal((await client.query(QUERIES[0])).data.me.username, user.username);
    assert.equal((await auth.signOut()).status, "done");
    assert.deepEqual([auth.state.status, auth.token], ["signedOut", null]);
    assert.equal((await open(auth).query(QUERIES[0])).code, "UNAUTHENTICATED");
    assert.equal((await auth.signIn({ username: user.email, password: PASSWORD })).user.username, user.username);
    assert.equal((await open(auth).query(QUERIES[0])).data.me.username, user.username);
    assert.equal(count("Refresh"), 0);
  });

  test("a reload needs no password, and one refresh for all queries", async (context) => {
    const { openTab, open, user, count, countQueries } = await join(context, GATEWAY);
    const client = open(openTab());
    const answers = await Promise.all(QUERIES.map((text) => client.query(text)));
    assert.ok(answers.every(({ data }) => data.me.username === user.username));
    assert.deepEqual([count("Refresh"), countQueries()], [1, QUERIES.length]);
  });

  test("twenty queries with an expired access token refresh it once", async (context) => {
    const { client, user, count } = await join(context, HASTY_GATEWAY);
    await pause(LIFETIME + 0.1);
    const answers = await Promise.all(QUERIES.map((text) => client.query(text)));
    assert.ok(answers.every(({ data }) => data.me.username === user.username));
    assert.equal(count("Refresh"), 1);
  });

  test("a token that the gateway refuses early is refreshed, and the query repeated", async (context) => {
    // A clock that stands still: the client does not know that the token has expired.
    const { client, user, count, countQueries } = await join(context, HASTY_GATEWAY);
    await pause(LIFETIME + 0.1);
    context.mock.method(Date, "now", () => 0);
    const answers = await Promise.all(QUERIES.map((text) => client.query(text)));
    assert.ok(answers.every(({ data }) => data.me.username === user.username));
    assert.deepEqual([count("Refresh"), countQueries()], [1, 2 * QUERIES.length]);
  });

  test("a mutation with an expired access token is sent after a refresh", async (context) => {
    const { client, count } = await join(context, HASTY_GATEWAY);
    await pause(LIFETIME + 0.1);
    const { data } = await client.mutate(`mutation Bio { updateProfile(bio: "I persist.") { user { bio } } }`);
    assert.equal(data.updateProfile.user.bio, "I persist.");
    assert.equal(count("Refresh"), 1);
  });

  test("an error that is not about the token is neither refreshed nor repeated", async (context) => {
    const { client, count, countQueries } = await join(context, GATEWAY);
    const { code } = await client.mutate(
      `mutation End { endSession(id: "00000000-0000-4000-8000-000000000000") { ended } }`,
    );
    assert.deepEqual([code, count("Refresh"), countQueries()], ["NOT_FOUND", 0, 1]);
  });

  test("five tabs that refresh at once all stay signed in", async (context) => {
    const { openTab, open, user } = await join(context, GATEWAY);
    const tabs = Array.from({ length: 5 }, () => openTab());
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(tabs.map((tab) => tab.refresh(tab.token)));
      const answers = await Promise.all(tabs.map((tab) => open(tab).query(QUERIES[round])));
      assert.ok(answers.every(({ data }) => data.me.username === user.username));
      await pause(GRACE + 0.1);
    }
  });

  test("a thief's use of a spent token ends the session for both", async (context) => {
    const { auth, client, stored } = await join(context, GATEWAY);
    const { refreshToken } = stored();
    await auth.refresh(auth.token);
    await pause(GRACE + 0.1);
    assert.equal((await auth.request(RENEW, { token: refreshToken })).code, "TOKEN_REUSED");
    assert.equal((await client.query(QUERIES[0])).code, "UNAUTHENTICATED");
    await until(() => auth.state.status === "signedOut");
    assert.equal(auth.state.reason, "TOKEN_INVALID");
  });

  test("after a thief's refresh the user is signed out with the reason TOKEN_REUSED", async (context) => {
    const { auth, client, stored, storage } = await join(context, GATEWAY);
    assert.equal((await auth.request(RENEW, { token: stored().refreshToken })).status, "done");
    await pause(GRACE + 0.1);
    assert.equal((await auth.refresh(auth.token)).status, "signedOut");
    assert.deepEqual([auth.state.reason, storage.values.size], ["TOKEN_REUSED", 0]);
    assert.equal((await client.query(QUERIES[0])).code, "UNAUTHENTICATED");
  });
}
