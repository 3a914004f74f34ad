/** The pages of the React quickstart in a real browser, bundled as an application bundles them. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { PASSWORD, REGISTER, ask, somebody } from "../world.mjs";
import { launch } from "./chromium.mjs";

const { APP_PORT, GATEWAY } = process.env;
const PAGE = `<!doctype html><title>App</title><link rel="icon" href="data:"><div id="root"></div>`;
let browser, bundle, server;

before(async () => {
  server = createServer((request, response) => {
    const isScript = request.url === "/main.js";
    response.writeHead(200, { "Content-Type": isScript ? "text/javascript" : "text/html" });
    response.end(isScript ? bundle : `${PAGE}<script type="module" src="/main.js"></script>`);
  });
  await new Promise((resolve) => server.listen(APP_PORT, "127.0.0.1", resolve));
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server.close();
});

/** Bundle a page, with the gateway of these tests in place of the one that it names. */
async function bundled(entry) {
  const define = { "process.env.NODE_ENV": '"production"', "globalThis.__DEV__": "false" };
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: "esm", write: false, define });
  return outputFiles[0].text.replaceAll("http://localhost:8000/graphql", GATEWAY);
}

for (const library of ["urql", "apollo"]) {
  test(`the page with ${library} signs in, survives a reload, and signs out`, async () => {
    bundle = await bundled(`recipes/main.${library}.tsx`);
    const user = somebody();
    await ask(GATEWAY, REGISTER, user);
    const page = await (await browser.newContext()).newPage();
    await page.goto(`http://localhost:${APP_PORT}/`);
    const signIn = async (password) => {
      await page.getByLabel("Username or email").fill(user.email);
      await page.getByLabel("Password").fill(password);
      await page.getByRole("button", { name: "Sign in" }).click();
    };
    await signIn("not the password");
    assert.match(await page.getByRole("alert").filter({ hasText: /./ }).textContent(), /password is wrong/);
    await signIn(PASSWORD);
    await page.getByText(`Signed in as ${user.username}.`).waitFor();
    await page.reload();
    await page.getByText(`Signed in as ${user.username}.`).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    assert.equal(await page.evaluate(() => localStorage.length), 0);
  });
}
