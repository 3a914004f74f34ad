/** Apollo against a live gateway. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { BatchHttpLink } from "@apollo/client/link/batch-http";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { sent } from "./world.mjs";

const { GATEWAY } = process.env;

function plainClient(link) {
  return new ApolloClient({ cache: new InMemoryCache(), link, defaultOptions: { query: { fetchPolicy: "no-cache" } } });
}

test("a query travels by GET", async () => {
  const client = plainClient(new HttpLink({ uri: GATEWAY, useGETForQueries: true }));
  const { data } = await client.query({ query: gql("query Codes { errorCodes }") });
  assert.ok(data.errorCodes.includes("UNAUTHENTICATED"));
  assert.equal(sent.at(-1).method, "GET");
});

for (const useGETForHashedQueries of [true, false]) {
  const method = useGETForHashedQueries ? "GET" : "POST";

  test(`a persisted query by ${method} sends its text once, then its hash alone`, async () => {
    const sha256 = (text) => createHash("sha256").update(text).digest("hex");
    const persisted = new PersistedQueryLink({ sha256, useGETForHashedQueries });
    const client = plainClient(persisted.concat(new HttpLink({ uri: GATEWAY })));
    const query = gql(`query Persisted${method}${Date.now()} { errorCodes }`);
    for (const requests of [2, 1]) {
      sent.length = 0;
      const { data } = await client.query({ query });
      assert.ok(data.errorCodes.includes("UNAUTHENTICATED"));
      assert.equal(sent.length, requests);
      assert.equal(sent[0].method, method);
      assert.ok(!sent[0].text.includes("errorCodes"));
    }
  });
}

test("a batch travels as one request, and one refusal in it is nobody else's", async () => {
  const client = plainClient(new BatchHttpLink({ uri: GATEWAY, batchInterval: 20 }));
  sent.length = 0;
  const [codes, fields, me] = await Promise.allSettled(
    ["{ errorCodes }", "{ fieldErrorCodes }", "{ me { id } }"].map((text) => client.query({ query: gql(text) })),
  );
  assert.equal(sent.length, 1);
  assert.ok(codes.value.data.errorCodes.includes("UNAUTHENTICATED"));
  assert.ok(fields.value.data.fieldErrorCodes.includes("REQUIRED"));
  assert.equal(me.reason.errors[0].extensions.code, "UNAUTHENTICATED");
});

test("a batch larger than the gateway's is refused in words that Apollo can read", async () => {
  const client = plainClient(new BatchHttpLink({ uri: GATEWAY, batchInterval: 20, batchMax: 50 }));
  const queries = Array.from({ length: 12 }, (_, index) => gql(`query Q${index} { errorCodes }`));
  const answers = await Promise.allSettled(queries.map((query) => client.query({ query })));
  assert.ok(answers.every(({ status }) => status === "rejected"));
  assert.equal(answers[0].reason.statusCode, 400);
  assert.match(answers[0].reason.bodyText, /BAD_REQUEST/);
});
