/** GraphQL over HTTP, as the working group's own audit reads it: every MUST, SHOULD and MAY. */

import { serverAudits } from "graphql-http";
import { test } from "node:test";

for (const { id, name, fn } of serverAudits({ url: process.env.GATEWAY })) {
  test(`${id} ${name}`, async () => {
    const { status, reason } = await fn();
    if (status !== "ok") throw new Error(`${status}: ${reason}`);
  });
}
