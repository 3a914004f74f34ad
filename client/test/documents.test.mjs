/** Every document that the client sends fits the schema, and the generated types are current. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { mergeTypeDefs } from "@graphql-tools/merge";
import { buildASTSchema, parse, validate } from "graphql";
import { createPasskeys } from "../dist/passkeys.js";
import { createProviders } from "../dist/providers.js";
import { data, fakeFetch, newBrowser, newStorage, opened } from "./world.mjs";

const read = (name) => readFileSync(new URL(name, import.meta.url), "utf8");

/** schema.graphql, with what is planned and not yet in it. */
function schema() {
  return buildASTSchema(mergeTypeDefs([read("../../schema.graphql"), read("../planned.graphql")]));
}

test("every document fits the schema", async (context) => {
  const dialog = { toJSON: () => ({ id: "k" }) };
  globalThis.PublicKeyCredential = {
    parseRequestOptionsFromJSON: (options) => options,
    parseCreationOptionsFromJSON: (options) => options,
  };
  Object.defineProperty(globalThis, "navigator", {
    value: { credentials: { get: async () => dialog, create: async () => dialog } },
    configurable: true,
  });
  globalThis.location = { assign() {}, search: "", pathname: "/", hash: "" };
  globalThis.history = { replaceState: () => (globalThis.location.search = "") };
  globalThis.sessionStorage = newStorage();

  const sent = [];
  const answers = {
    PasskeyAssertionOptions: [data({ passkeyAssertionOptions: { options: {} } })],
    PasskeyRegistrationOptions: [data({ passkeyRegistrationOptions: { options: {} } })],
    StartProviderSignIn: [data({ startProviderSignIn: { url: "https://provider.example/", attempt: "a" } })],
    VerifyEmail: [data({ verifyEmail: { verified: true } })],
    Me: [data({ me: opened(1).session.user })],
  };
  const signIn = { username: "alice", password: "secret" };
  for (const mode of ["header", "cookie"]) {
    const answer = data(opened(1, { refreshToken: mode === "cookie" ? "" : "r1" }));
    const gateway = fakeFetch({ ...answers, SignIn: [answer], Refresh: [answer] });
    const auth = newBrowser(context, "http://gateway.invalid", { mode }).openTab({ fetch: gateway.fetch });
    await auth.register({ ...signIn, email: "alice@example.com" });
    await auth.signIn(signIn);
    await auth.secondFactor({ challenge: "c", code: "123456" });
    await auth.reauthenticate({ password: "secret" });
    await auth.passwordReset.request("alice@example.com");
    await auth.passwordReset.confirm({ token: "t", newPassword: "secret" });
    await auth.verifyEmail({ token: "t" });
    await auth.requestEmailVerification({ email: "alice@example.com" });
    const passkeys = createPasskeys(auth);
    await passkeys.signIn();
    await passkeys.secondFactor({ challenge: "c" });
    await passkeys.register({ name: "Phone" });
    const providers = createProviders(auth);
    for (const purpose of ["SIGN_IN", "LINK", "REAUTHENTICATE"]) {
      await providers.start({ provider: "google", redirectTo: "https://app.example/", purpose });
      globalThis.location.search = "?code=c&state=s";
      await providers.finish();
    }
    await auth.refresh(auth.token);
    await auth.signOut();
    sent.push(...gateway.requests);
  }

  const names = new Set(sent.map(({ name }) => name));
  const source = ["auth", "passkeys", "providers"].map((name) => read(`../src/${name}.ts`)).join("\n");
  const written = new Set([...source.matchAll(/`(?:query|mutation) (\w+)/g)].map(([, name]) => name));
  assert.deepEqual([...names].sort(), [...written].sort());
  for (const { query } of sent) assert.deepEqual(validate(schema(), parse(query)), [], query);
});

test("the generated types are those of schema.graphql", () => {
  const folder = fileURLToPath(new URL("..", import.meta.url));
  const program = `${folder}node_modules/.bin/graphql-codegen`;
  execFileSync(program, ["--config", "codegen.ts", "--check"], { cwd: folder, stdio: "pipe" });
});
