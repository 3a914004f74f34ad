/** A forgotten password, in two steps: have a mail sent, then choose another by what it brought. Signs nobody in. */

import { Refused } from "./session.js";

const REQUEST = /* GraphQL */ `mutation RequestReset($email: String!) {
  requestPasswordReset(email: $email) { accepted } }`;
const RESET = /* GraphQL */ `mutation ResetPassword($token: String!, $email: String, $newPassword: String!) {
  resetPassword(token: $token, email: $email, newPassword: $newPassword) { endedSessions } }`;

/** The same whether or not the address has an account; say "a mail is on its way, if there is one". */
export const requestReset = (url: string, email: string) => ask(url, REQUEST, { email });

/**
 * `token` is the link's; or the typed code, with the `email` it was sent to. BAD_USER_INPUT is about the password, and
 * another may follow; after TOKEN_INVALID or TOKEN_EXPIRED only another mail helps.
 */
export const resetPassword = (url: string, proof: { token: string; email?: string }, newPassword: string) =>
  ask(url, RESET, { ...proof, newPassword });

/** The token of the link that led to this page; taken out of the address, and so out of the browser's history. */
export function takeToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  history.replaceState(null, "", location.pathname);
  return token;
}

async function ask(url: string, query: string, variables: Record<string, string>): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  const { errors } = await answer.json();
  if (errors) throw new Refused(errors[0].message, errors[0].extensions);
}
