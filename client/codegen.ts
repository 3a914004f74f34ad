/** `npm run codegen` writes the types of the gateway's schema. */

import type { CodegenConfig } from "@graphql-codegen/cli";

const scalars = {
  DateTime: "string",
  GenericScalar: "Record<string, unknown>",
  // TypeScript 5 has no types of what `toJSON()` returns.
  PasskeyAssertion: "object",
  PasskeyCreationOptions: "PublicKeyCredentialCreationOptionsJSON",
  PasskeyRegistration: "object",
  PasskeyRequestOptions: "PublicKeyCredentialRequestOptionsJSON",
};

const config: CodegenConfig = {
  schema: ["../schema.graphql", "planned.graphql"],
  generates: {
    "src/schema.ts": {
      plugins: ["typescript"],
      config: {
        scalars: Object.fromEntries(Object.entries(scalars).map(([name, type]) => [name, { input: type, output: type }])),
        strictScalars: true,
        enumsAsTypes: true,
        skipTypename: true,
        useTypeImports: true,
      },
    },
  },
};

export default config;
