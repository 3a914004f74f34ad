/** The Apollo link against a real gateway, with Apollo Client 3, which Vue's composables need. */

import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { tell } from "./stories.mjs";

// The package as an application with Apollo Client 3 bundles it.
const folder = fileURLToPath(new URL("../../node_modules/.apollo3/", import.meta.url));
mkdirSync(folder, { recursive: true });
after(() => rmSync(folder, { recursive: true }));
const outfile = `${folder}apollo3.mjs`;
await build({
  stdin: {
    contents: `export * from "../../dist/apollo.js";
      export { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client/core";`,
    resolveDir: fileURLToPath(new URL(".", import.meta.url)),
  },
  alias: { "@apollo/client": "@apollo/client-3" },
  define: { "globalThis.__DEV__": "false" },
  bundle: true,
  format: "esm",
  outfile,
});
const { ApolloClient, HttpLink, InMemoryCache, apolloAuthLink, gql } = await import(outfile);

tell((auth, fetch) => {
  const link = apolloAuthLink(auth).concat(new HttpLink({ uri: auth.url, fetch }));
  const client = new ApolloClient({ cache: new InMemoryCache(), link });
  assert.match(client.version, /^3\./);
  const errorPolicy = "all";
  const told = ({ data, error, errors = error?.graphQLErrors }) => ({ data, code: errors?.[0]?.extensions.code });
  return {
    query: async (text) => told(await client.query({ query: gql(text), errorPolicy })),
    mutate: async (text, variables) => told(await client.mutate({ mutation: gql(text), variables, errorPolicy })),
  };
});
