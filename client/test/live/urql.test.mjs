/** The urql client against a real gateway. */

import { urqlClient } from "../../dist/urql.js";
import { tell } from "./stories.mjs";

tell((auth, fetch) => {
  const client = urqlClient(auth, { fetch, preferGetMethod: false });
  const told = ({ data, error }) => ({ data, code: error?.graphQLErrors[0]?.extensions.code });
  return {
    query: async (text) => told(await client.query(text, {})),
    mutate: async (text, variables) => told(await client.mutation(text, variables ?? {})),
  };
});
