/** `npx graphql-codegen`: types for your documents, and every code that an error can carry. */

import type { CodegenConfig } from "@graphql-codegen/cli";

const scalars = { DateTime: "string", GenericScalar: "Record<string, unknown>", JSONString: "string" };

const config: CodegenConfig = {
  // The gateway's schema.graphql, or its address: http://localhost:8000/graphql
  schema: process.env.GATEWAY_SCHEMA ?? "schema.graphql",
  documents: "src/**/*.ts",
  generates: {
    // `graphql(...)` for your documents: @graphql-codegen/client-preset
    "src/gql/": { preset: "client", config: { scalars, strictScalars: true, useTypeImports: true } },
    // `ErrorCode` and the other enums, whether or not a document asks for them: @graphql-codegen/typescript
    "src/codes.ts": { plugins: ["typescript"], config: { onlyEnums: true, enumsAsConst: true } },
  },
};

export default config;
