/** The package as others see it: small, free of side effects, typed for TypeScript 5 and 6, and safe on a server. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { createAuth } from "../dist/index.js";
import { AuthProvider, useAuth, useUser } from "../dist/react.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const modules = join(root, "node_modules");
// An application beside the package, inside the folder that Git ignores.
const app = join(modules, ".app");

before(() => {
  rmSync(app, { recursive: true, force: true });
  mkdirSync(join(app, "node_modules/@apollo"), { recursive: true });
  symlinkSync(root, join(app, "node_modules/auth-gateway-client"));
});
after(() => rmSync(app, { recursive: true, force: true }));

async function bundle(contents) {
  const external = ["react", "@urql/*", "@apollo/*"];
  const options = {
    bundle: true,
    logLevel: "error",
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    external,
  };
  const { outputFiles } = await build({ stdin: { contents, resolveDir: app }, ...options });
  return outputFiles[0].contents;
}

const CORE = 'export { createAuth, takeToken } from "auth-gateway-client";';
const SIZES = [
  [6_000, CORE],
  [9_000, `${CORE} export * from "auth-gateway-client/passkeys"; export * from "auth-gateway-client/providers";`],
];

for (const [limit, contents] of SIZES) {
  test(`the bundle is at most ${limit} bytes, minified and compressed: ${contents}`, async (context) => {
    const size = gzipSync(await bundle(contents), { level: 9 }).length;
    context.diagnostic(`${size} bytes`);
    assert.ok(size > 1_000 && size <= limit, `${size} bytes`);
  });
}

test("an import that nothing uses adds nothing", async () => {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const entries = Object.keys(exports).map((name) => `import "auth-gateway-client${name.slice(1)}";`);
  // What is left are the imports of the peers.
  const left = new TextDecoder().decode(await bundle(entries.join("\n")));
  assert.match(left, /^(import"[@\w/-]+";)*\n?$/);
});

test("the core has no passkeys in it", async () => {
  assert.doesNotMatch(new TextDecoder().decode(await bundle(CORE)), /navigator\.credentials|startProviderSignIn/);
});

const USE = `
import { type Auth, type AuthState, type ErrorCode, type FieldErrorCode, type User, createAuth } from "auth-gateway-client";
import { createPasskeys } from "auth-gateway-client/passkeys";
import { createProviders } from "auth-gateway-client/providers";
import { AuthProvider, useAuth, useUser } from "auth-gateway-client/react";
import { urqlClient } from "auth-gateway-client/urql";

const auth: Auth = createAuth({ url: "/graphql", mode: "cookie" });

export async function submit(): Promise<string> {
  const result = await auth.signIn({ username: "alice", password: "secret" });
  switch (result.status) {
    case "signedIn":
      return result.user.username;
    case "secondFactorRequired":
      return result.methods.join() + (await createPasskeys(auth).secondFactor(result)).status;
    case "refused": {
      const code: FieldErrorCode | undefined = result.fieldErrors.password?.[0]?.code;
      // @ts-expect-error: not an argument of signIn
      result.fieldErrors.email;
      // @ts-expect-error: no such code
      if (result.code === "NO_SUCH_CODE") return "";
      return code ?? result.code;
    }
  }
}

export async function join(): Promise<ErrorCode | string | undefined> {
  const result = await auth.register({ username: "alice", email: "alice@example.com", password: "secret" });
  if (result.status === "verificationRequired") return "mail";
  return result.status === "refused" ? result.fieldErrors.email?.[0]?.message : result.user.email;
}

// @ts-expect-error: the password is missing
void auth.signIn({ username: "alice" });
// @ts-expect-error: only one proof
void auth.reauthenticate({ password: "secret", code: 1 });

export const state: AuthState = auth.state;
export const user: User | null = state.status === "signedIn" ? state.user : null;
export const name: string | undefined = useUser()?.username ?? useAuth().user?.email;
export const all = [AuthProvider, urqlClient(auth), createProviders(auth)];
`;
const OPTIONS = {
  strict: true,
  erasableSyntaxOnly: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  target: "es2022",
  module: "esnext",
  moduleResolution: "bundler",
  lib: ["es2022", "dom"],
  types: [],
  noEmit: true,
};

/** Compile files with a version of TypeScript, and the declarations of the package with them. */
function compile(typescript, files, options = {}) {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(app, name), text);
  const compilerOptions = { ...OPTIONS, skipLibCheck: false, ...options };
  writeFileSync(join(app, "tsconfig.json"), JSON.stringify({ compilerOptions, files: Object.keys(files) }));
  try {
    execFileSync(process.execPath, [join(modules, typescript, "lib/tsc.js"), "-p", app], { encoding: "utf8" });
  } catch (error) {
    assert.fail(error.stdout);
  }
}

for (const typescript of ["typescript", "typescript-5"]) {
  const { version } = JSON.parse(readFileSync(join(modules, typescript, "package.json"), "utf8"));

  test(`strict TypeScript ${version} accepts what is right and refuses what is wrong`, () => {
    compile(typescript, { "use.ts": USE });
  });

  const apollo = typescript === "typescript" ? "client" : "client-3";

  test(`strict TypeScript ${version} accepts the link for Apollo's ${apollo}`, () => {
    const link = `
      import { ApolloClient, InMemoryCache } from "@apollo/client/core";
      import { createAuth } from "auth-gateway-client";
      import { apolloLink } from "auth-gateway-client/apollo";
      const auth = createAuth({ url: "/graphql" });
      export const client = new ApolloClient({ cache: new InMemoryCache(), link: apolloLink(auth) });`;
    const paths = { "@apollo/client/*": [join(modules, "@apollo", apollo, "*")] };
    compile(typescript, { "link.ts": link }, { paths, preserveSymlinks: true, skipLibCheck: true });
  });
}

test("React renders on a server, where nothing is known of the visitor", () => {
  const auth = createAuth({ url: "https://auth.example/graphql" });
  const Page = () => `${useAuth().status} ${useUser()}`;
  assert.equal(renderToString(createElement(AuthProvider, { auth }, createElement(Page))), "loading null");
});

test("useAuth outside of its provider says what to do", () => {
  const Page = () => useAuth().status;
  assert.throws(() => renderToString(createElement(Page)), /<AuthProvider auth=/);
});
