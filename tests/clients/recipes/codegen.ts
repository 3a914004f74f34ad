/** `npx graphql-codegen` writes types for your documents, and the error codes as an enum. */

import type { CodegenConfig } from "@graphql-codegen/cli";

const scalars = {
  DateTime: "string",
  GenericScalar: "Record<string, unknown>",
  PasskeyCreationOptions: "PublicKeyCredentialCreationOptionsJSON",
  PasskeyRequestOptions: "PublicKeyCredentialRequestOptionsJSON",
  PasskeyRegistration: "RegistrationResponseJSON",
  PasskeyAssertion: "AuthenticationResponseJSON",
};

const config: CodegenConfig = {
  // The gateway's schema.graphql, or its URL: http://localhost:8000/graphql
  schema: process.env.GATEWAY_SCHEMA ?? "schema.graphql",
  documents: "src/**/*.ts",
  generates: {
    // `graphql(...)` for your documents: @graphql-codegen/client-preset
    "src/gql/": { preset: "client", config: { scalars, strictScalars: true, useTypeImports: true } },
    // All enums, such as `ErrorCode`, also those that no document uses: @graphql-codegen/typescript
    "src/codes.ts": { plugins: ["typescript"], config: { onlyEnums: true, enumsAsConst: true } },
  },
};

export default config;
