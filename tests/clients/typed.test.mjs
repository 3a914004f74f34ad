/** Code generators over schema.graphql and over a live gateway, and TypeScript over what they wrote. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../..");
const project = join(here, "build/typed");

/** Run one of the installed programs; its output is the error where it fails. */
function run(folder, program, ...words) {
  const options = { cwd: folder, encoding: "utf8", stdio: "pipe" };
  try {
    return execFileSync(join(here, "node_modules/.bin", program), words, options);
  } catch (error) {
    throw new Error(`${program} ${words.join(" ")}\n${error.stdout}${error.stderr}`);
  }
}

/** What was generated, by file. */
function read(folder) {
  const names = readdirSync(folder, { recursive: true }).filter((name) => /^(gql|codes|operations)/.test(name));
  const files = names.sort().filter((name) => name.endsWith(".ts"));
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

function generate() {
  run(project, "graphql-codegen", "--config", "codegen.ts");
  return read(join(project, "src"));
}

before(() => {
  rmSync(project, { recursive: true, force: true });
  mkdirSync(join(project, "src"), { recursive: true });
  cpSync(join(here, "typed"), project, { recursive: true });
  for (const name of ["app.ts", "tada.ts"]) renameSync(join(project, name), join(project, "src", name));
  cpSync(join(here, "recipes/codegen.ts"), join(project, "recipe.ts"));
  cpSync(join(root, "schema.graphql"), join(project, "schema.graphql"));
});

let fromFile;

test("what the generators write for schema.graphql compiles, and the codes reach TypeScript", () => {
  fromFile = generate();
  run(project, "gql.tada", "generate-output");
  run(project, "tsc");
});

test("the live gateway tells the generators what schema.graphql tells them", () => {
  process.env.GATEWAY_SCHEMA = process.env.GATEWAY;
  assert.deepEqual(generate(), fromFile);
});

test("schema.graphql pleases graphql-eslint", () => {
  run(root, "eslint", "--config", join(here, "eslint.config.mjs"), "--max-warnings=0", "schema.graphql");
});
