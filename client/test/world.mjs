/** What the tests of the package stand on: users, storages that tabs share, and gateways that answer as a test says. */

import { randomUUID } from "node:crypto";
import { createAuth } from "../dist/index.js";

export const PASSWORD = "correct horse battery staple";

export function newUser() {
  const username = `user-${randomUUID().slice(0, 13)}`;
  return { username, email: `${username}@example.com`, password: PASSWORD };
}

/** The localStorage of one browser. */
export function newStorage() {
  const values = new Map();
  return {
    values,
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => values.set(key, value),
    removeItem: (key) => values.delete(key),
  };
}

/** Tabs of one browser, whose clients end after the test. `sent` holds the operation names of their requests. */
export function newBrowser(test, url, options = {}) {
  const storage = newStorage();
  // Node's BroadcastChannel connects all clients of the process that use the same key.
  const storageKey = randomUUID();
  const sent = [];
  const openTab = (more = {}) => {
    const { fetch = globalThis.fetch, ...others } = more;
    const auth = createAuth({
      url,
      storage,
      storageKey,
      ...options,
      ...others,
      fetch: (address, init) => {
        sent.push(operationName(init));
        return fetch(address, init);
      },
    });
    test.after(() => auth.dispose());
    return auth;
  };
  const stored = () => JSON.parse(storage.getItem(storageKey));
  return { storage, storageKey, sent, openTab, stored, count: (name) => sent.filter((each) => each === name).length };
}

export const operationName = ({ body }) => /\w+ (\w+)/.exec(JSON.parse(body).query)[1];

/** Wait until a condition holds. */
export async function until(condition) {
  const deadline = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`timeout: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

export const USER = {
  id: "1",
  username: "alice",
  email: "alice@example.com",
  isEmailVerified: true,
  fullName: "",
  bio: "",
  imageUrl: null,
  dateJoined: "2026-01-01T00:00:00+00:00",
  lastLogin: null,
  roles: [],
};

/** The payload of a mutation that opens or refreshes a session. */
export function opened(number, { sid = "s1", lifetime = 300, refreshToken = `r${number}`, user = USER } = {}) {
  return { session: { token: `t${number}`, refreshToken, claims: { sid, iat: 1000, exp: 1000 + lifetime }, user } };
}

export const data = (value) => ({ data: value });
export const error = (code, more = {}) => ({ data: null, errors: [{ message: code, extensions: { code, ...more } }] });

/**
 * A fetch that answers as it is told: `answers` maps operation names to lists of answers, of which the last repeats. An
 * answer may be a promise, an Error or a function of the variables.
 */
export function fakeFetch(answers) {
  const requests = [];
  const fetch = (_url, { body, headers, signal, credentials }) => {
    const { query, variables } = JSON.parse(body);
    const name = /\w+ (\w+)/.exec(query)[1];
    requests.push({ name, query, variables, token: headers.Authorization?.slice(7), credentials, signal });
    const list = answers[name] ?? [];
    const answer = list.length > 1 ? list.shift() : list[0];
    return new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
      if (signal?.aborted) return reject(signal.reason);
      Promise.resolve(typeof answer === "function" ? answer(variables) : answer).then((value) => {
        if (value instanceof Error) reject(value);
        else resolve({ json: async () => value });
      });
    });
  };
  return { fetch, requests, names: () => requests.map(({ name }) => name) };
}

/** A promise that a test settles. */
export function deferred() {
  let resolve;
  const promise = new Promise((settle) => (resolve = settle));
  return { promise, resolve };
}
