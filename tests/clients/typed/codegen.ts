/** The recipe, with the plugin `typescript-operations` beside it for projects of the older manner. */

import type { CodegenConfig } from "@graphql-codegen/cli";
import recipe from "./recipe.js";

const config: CodegenConfig = {
  ...recipe,
  generates: { ...recipe.generates, "src/operations.ts": { plugins: ["typescript-operations"] } },
};

export default config;
