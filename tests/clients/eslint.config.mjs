/** graphql-eslint's rules for schemas, held against the schema.graphql of the folder it is called in. */

import graphql from "@graphql-eslint/eslint-plugin";

export default [
  {
    files: ["**/*.graphql"],
    plugins: { "@graphql-eslint": graphql },
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: "schema.graphql" } } },
    rules: {
      ...graphql.configs["flat/schema-recommended"].rules,
      "@graphql-eslint/relay-connection-types": "error",
      // Pages are read forwards only, and a short list is a plain list.
      "@graphql-eslint/relay-arguments": ["error", { includeBoth: false }],
      "@graphql-eslint/relay-edge-types": [
        "error",
        { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false },
      ],
      "@graphql-eslint/no-scalar-result-type-on-mutation": "error",
      "@graphql-eslint/require-description": [
        "error",
        {
          types: true,
          rootField: true,
          FieldDefinition: true,
          InputValueDefinition: true,
          EnumValueDefinition: true,
          DirectiveDefinition: true,
        },
      ],
      // `User.username` is one word that people know, not `name` with its type in front.
      "@graphql-eslint/no-typename-prefix": "off",
      // Answers, Relay's own shapes and views of somebody else's data are no things of their own to a cache.
      "@graphql-eslint/strict-id-in-types": [
        "error",
        {
          exceptions: {
            suffixes: ["Payload", "Connection", "Edge"],
            types: ["AccountSecurity", "Dashboard", "PageInfo", "SignInOptions", "TokenClaims"],
          },
        },
      ],
    },
  },
];
