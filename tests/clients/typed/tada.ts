/** The same through gql.tada, which needs no generated document. */

import { type ResultOf, initGraphQLTada } from "gql.tada";
import type { introspection } from "./introspection.js";

const graphql = initGraphQLTada<{
  introspection: introspection;
  scalars: { DateTime: string; GenericScalar: Record<string, unknown>; JSONString: string };
}>();

const codes = graphql(`
  query Codes {
    errorCodes
    me {
      dateJoined
    }
  }
`);

type Code = ResultOf<typeof codes>["errorCodes"][number];

export const reused: Code = "TOKEN_REUSED";
// @ts-expect-error: the schema knows no such code
export const unknown: Code = "NO_SUCH_CODE";
export const since = ({ me }: ResultOf<typeof codes>): string | undefined => me?.dateJoined;
