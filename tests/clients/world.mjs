/** What the stories of both clients stand on: a browser's storage, fresh users, and a count of what is sent. */

import { randomUUID } from "node:crypto";

export const PASSWORD = "correct horse battery staple";
export const REGISTER = `mutation Register($username: String!, $email: String!, $password: String!) {
  register(username: $username, email: $email, password: $password) { token refreshToken }
}`;

/** Storage as all tabs of one browser share it. */
export const storage = new Map();
globalThis.localStorage = {
  getItem: (key) => storage.get(key) ?? null,
  setItem: (key, value) => storage.set(key, String(value)),
  removeItem: (key) => storage.delete(key),
};

// Sessions in one process are tabs that hear nothing of each other: the harder case.
Object.defineProperty(globalThis, "navigator", { value: {} });
globalThis.BroadcastChannel = class {
  postMessage() {}
};

/** Every request since `sent` was last emptied: its method, and the body or the address that holds the document. */
export const sent = [];
const realFetch = globalThis.fetch;
globalThis.fetch = (url, options = {}) => {
  sent.push({ method: options.method ?? "GET", text: options.body ?? decodeURIComponent(url) });
  return realFetch(url, options);
};

export const renewals = () => sent.filter(({ text }) => text.includes("refreshToken(")).length;

export function somebody() {
  const username = `user-${randomUUID().slice(0, 13)}`;
  return { username, email: `${username}@example.com`, password: PASSWORD };
}

/** Ask without any client library: what a thief has. */
export async function ask(url, query, variables) {
  const headers = { "Content-Type": "application/json" };
  return (await realFetch(url, { method: "POST", headers, body: JSON.stringify({ query, variables }) })).json();
}

export const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
