/** What the tests of clients stand on: fresh users, and a record of what is sent. */

import { randomUUID } from "node:crypto";

export const PASSWORD = "correct horse battery staple";
export const REGISTER = `mutation Register($username: String!, $email: String!, $password: String!) {
  register(username: $username, email: $email, password: $password) { token refreshToken }
}`;

/** Every request since `sent` was last emptied: its method, and the body or the address that holds the document. */
export const sent = [];
const realFetch = globalThis.fetch;
globalThis.fetch = (url, options = {}) => {
  sent.push({ method: options.method ?? "GET", text: options.body ?? decodeURIComponent(url) });
  return realFetch(url, options);
};

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
