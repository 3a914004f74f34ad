/**
 * Every page of the example app, on a desktop and a dark phone: axe finds nothing, and nothing overflows. With PICTURES, a
 * folder, the pages are pictured there, on both in light and dark.
 */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { USER } from "../world.mjs";
import { buildApp, launch, serveApp, signIn, signOut, signedIn } from "./app.mjs";
import { CODE, offerFactors } from "./factors.mjs";

const { GATEWAY, APP_PORT, PICTURES } = process.env;
const APP = `http://localhost:${APP_PORT}`;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const DEVICES = { desktop: { width: 1200, height: 860 }, phone: { width: 360, height: 780 } };
const BROWSER =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36";
let browser, folder, server;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "app-"));
  await buildApp({ url: GATEWAY, mode: "header", outDir: folder });
  server = await serveApp(APP_PORT, folder);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
  rmSync(folder, { recursive: true });
});

// The layout does not depend on the colors, so two of the four are enough for axe.
const looks = Object.keys(DEVICES).flatMap((device) => [
  [device, "light"],
  [device, "dark"],
]);
for (const [device, colorScheme] of PICTURES ? looks : [looks[0], looks[3]]) {
  test(`${device}, ${colorScheme}`, async () => {
    const context = await browser.newContext({ viewport: DEVICES[device], colorScheme, reducedMotion: "reduce" });
    context.setDefaultTimeout(15_000);
    const gateway = await offerFactors(context, GATEWAY, {
      Sessions: {
        me: {
          __typename: "User",
          id: USER.id,
          sessions: [
            session("a", { userAgent: BROWSER, isCurrent: true }),
            session("b", { deviceName: "Alice's phone" }),
          ],
          events: { edges: [event("a", "SIGNED_IN"), event("b", "PASSWORD_CHANGED")] },
        },
      },
    });
    const page = await context.newPage();

    async function check(name) {
      if (PICTURES)
        await page.screenshot({ path: join(PICTURES, `${name}-${device}-${colorScheme}.png`), fullPage: true });
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      const found = violations.map(({ id, impact, nodes }) => `${name}: ${impact} ${id} ${nodes[0].html}`);
      assert.deepEqual(found, []);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} overflows`);
    }
    const heading = (name) => page.getByRole("heading", { name, exact: true }).waitFor();
    const dialog = (name) => page.getByRole("dialog", { name }).waitFor();
    const click = (name) => page.getByRole("button", { name, exact: true }).click();

    await page.goto(APP);
    await page.getByRole("button", { name: "Continue with Google" }).waitFor();
    await check("sign-in");
    for (const [path, title] of [
      ["/forgotten", "Forgotten password"],
      ["/reset#token=t", "New password"],
      ["/verify#token=t", "Verify your email"],
      ["/verify", "Check your mail"],
    ]) {
      await page.goto("about:blank");
      await page.goto(APP + path);
      await heading(title);
      await check(`${path.slice(1).replace("#token=t", "-link")}`);
    }
    await page.goto(`${APP}/provider?error=access_denied&error_description=You+cancelled.&state=s`);
    await page.getByText("You cancelled.").waitFor();
    await check("provider");
    await page.goto(`${APP}/sign-up`);
    await click("Create account");
    await page.locator("[aria-invalid=true]").first().waitFor();
    await check("sign-up-refused");

    await page.goto(APP);
    await signIn(page, { username: "alice", password: "secret" });
    await signedIn(page, USER);
    await check("profile");
    await page.getByRole("link", { name: "Sessions" }).click();
    await page.getByText("Alice's phone").first().waitFor();
    await check("sessions");
    await page.getByRole("link", { name: "Your data" }).click();
    await heading("Your data");
    await check("data");
    await click("Delete my account");
    await dialog("Delete your account?");
    await check("delete");
    await click("Keep it");

    await page.getByRole("link", { name: "Security" }).click();
    await heading("Passkeys");
    gateway.isRecent = false;
    await click("Set up the authenticator app");
    await dialog("Confirm that it is you");
    await check("reauthentication");
    await page.getByRole("dialog").getByLabel("Password", { exact: true }).fill("secret");
    await click("Confirm");
    await dialog("Set up your app");
    await check("totp");
    await page.getByRole("dialog").getByLabel("Code").fill(CODE);
    await click("Confirm");
    await dialog("Your recovery codes");
    await check("recovery-codes");
    gateway.security.passkeys = [
      {
        id: "p1",
        name: "Laptop",
        authenticator: "iCloud Keychain",
        isBackedUp: true,
        credentialId: "c",
        createdAt: USER.dateJoined,
        lastUsedAt: USER.dateJoined,
      },
    ];
    gateway.identities = [
      { id: "i1", provider: "google", email: "alice@example.com", createdAt: USER.dateJoined, lastUsedAt: null },
    ];
    await click("I have saved them");
    await page.reload();
    await page.getByRole("button", { name: "Rename Laptop" }).waitFor();
    await check("security");

    await signOut(page);
    await signIn(page, { username: "alice", password: "secret" });
    await heading("Second step");
    await check("second-factor");
    await page.route(`${GATEWAY}**`, (route) => route.abort());
    await page.getByLabel("Code").fill(CODE);
    await click("Continue");
    await page.getByText("The server cannot be reached").waitFor();
    await page.evaluate(() => localStorage.setItem("auth-gateway", JSON.stringify({ sid: "s", refreshToken: "r" })));
    await page.reload();
    await page.getByRole("button", { name: "Try again" }).waitFor();
    await check("unreachable");
    await context.close();
  });
}

function session(id, more) {
  const at = USER.dateJoined;
  const known = { deviceName: "", userAgent: "", ipAddress: "203.0.113.7", isCurrent: false };
  return { __typename: "Session", id, createdAt: at, lastUsedAt: at, expiresAt: at, ...known, ...more };
}

function event(id, kind) {
  return { node: { __typename: "Event", id, kind, at: USER.dateJoined, ipAddress: "203.0.113.7", userAgent: BROWSER } };
}
