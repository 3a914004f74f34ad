/** urql against a live gateway. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { Client, fetchExchange } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import { sent } from "./world.mjs";

const { GATEWAY } = process.env;

test("a query travels by GET", async () => {
  const client = new Client({ url: GATEWAY, exchanges: [fetchExchange] });
  const { data } = await client.query("query Codes { errorCodes }", {});
  assert.ok(data.errorCodes.includes("UNAUTHENTICATED"));
  assert.equal(sent.at(-1).method, "GET");
});

for (const preferGetForPersistedQueries of [true, false]) {
  const method = preferGetForPersistedQueries ? "GET" : "POST";

  test(`a persisted query by ${method} sends its text once, then its hash alone`, async () => {
    const generateHash = async (text) => createHash("sha256").update(text).digest("hex");
    const exchanges = [persistedExchange({ preferGetForPersistedQueries, generateHash }), fetchExchange];
    const client = new Client({ url: GATEWAY, exchanges });
    const text = `query Persisted${method}${Date.now()} { errorCodes }`;
    for (const requests of [2, 1]) {
      sent.length = 0;
      const { data, error } = await client.query(text, {}, { requestPolicy: "network-only" });
      assert.equal(error, undefined);
      assert.ok(data.errorCodes.includes("UNAUTHENTICATED"));
      assert.equal(sent.length, requests);
      assert.equal(sent[0].method, method);
      assert.ok(!sent[0].text.includes("errorCodes"));
    }
  });
}
