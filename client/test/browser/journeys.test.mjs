/** What users do in the example app: verify, reset, edit, end sessions, export and delete. Verification is required. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { PASSWORD, newUser } from "../world.mjs";
import { buildApp, fillSignUp, launch, serveApp, signIn, signOut, signedIn, signedOut } from "./app.mjs";

const { STRICT_GATEWAY, APP_PORT, MAILS, MAIL_WORKER, ROOT, PICTURE } = process.env;
const APP = `http://localhost:${APP_PORT}`;
const NEW_PASSWORD = "a wholly different staple";
let browser, context, folder, page, server;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "app-"));
  await buildApp({ url: STRICT_GATEWAY, mode: "header", outDir: folder });
  server = await serveApp(APP_PORT, folder);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
  rmSync(folder, { recursive: true });
});

beforeEach(async () => {
  context = await browser.newContext({ viewport: { width: 1100, height: 820 } });
  context.setDefaultTimeout(15_000);
  page = await context.newPage();
});
afterEach(() => context.close());

/** The newest mail to an email with these words, after the worker has sent what is queued. */
function mail(email, words) {
  const [program, ...rest] = JSON.parse(MAIL_WORKER).command;
  execFileSync(program, rest, { cwd: ROOT, env: JSON.parse(MAIL_WORKER).environment, stdio: "pipe" });
  const texts = readdirSync(MAILS)
    .sort()
    .map((name) => readFileSync(join(MAILS, name), "utf8").replaceAll("=\n", ""));
  const mails = texts.flatMap((text) => text.split(/^-{79}$/m)).filter((text) => text.includes(`To: ${email}`));
  return mails.findLast((text) => text.includes(words)).replaceAll("=3D", "=");
}

const linkIn = (text) => new RegExp(`${APP}/[a-z]+#token=[\\w-]+`).exec(text)[0];
const codeIn = (text) => /\b[A-Z0-9]{4}-[A-Z0-9]{4}\b(?=\s)/.exec(text)[0];

/** An account with a verified email, signed in. */
async function signUpVerified(user = newUser()) {
  await fillSignUp(page, APP, user);
  await page.getByRole("heading", { name: "Check your mail" }).waitFor();
  await page.getByLabel("Code").fill(codeIn(mail(user.email, "Verify")));
  await page.getByRole("button", { name: "Verify email" }).click();
  await page.getByRole("button", { name: "Sign in" }).click();
  await signIn(page, user);
  await signedIn(page, user);
  return user;
}

test("registration signs nobody in before the link of the mail is used, which works once", async () => {
  const user = newUser();
  await fillSignUp(page, APP, user);
  await page.getByRole("heading", { name: "Check your mail" }).waitFor();
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  await page.getByRole("link", { name: "Back to sign-in" }).click();
  await signIn(page, user);
  await page.getByRole("heading", { name: "Check your mail" }).waitFor();
  const link = linkIn(mail(user.email, "Verify"));
  await page.goto(link);
  await page.getByRole("button", { name: "Verify email" }).waitFor();
  assert.equal(page.url(), `${APP}/verify`);
  await page.getByRole("button", { name: "Verify email" }).click();
  await page.getByRole("button", { name: "Sign in" }).click();
  await signIn(page, user);
  await signedIn(page, user);
  await page.goto("about:blank");
  await page.goto(link);
  await page.getByRole("button", { name: "Verify email" }).click();
  await page.getByRole("button", { name: "Get another mail" }).waitFor();
});

test("a forgotten password is replaced through the link, and the old one is refused", async () => {
  const user = await signUpVerified();
  await signOut(page);
  await page.getByRole("link", { name: "Forgotten password?" }).click();
  await page.getByLabel("Email").fill(user.email);
  await page.getByRole("button", { name: "Send the link" }).click();
  await page.getByRole("heading", { name: "New password" }).waitFor();
  await page.goto(linkIn(mail(user.email, "Choose a new password")));
  await page.getByLabel("New password", { exact: true }).fill("password");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("This password is too common.").waitFor();
  await page.getByLabel("New password", { exact: true }).fill(NEW_PASSWORD);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByRole("button", { name: "Sign in" }).click();
  await signIn(page, user);
  await page.getByRole("alert").getByText("The username or password is wrong.").waitFor();
  await signIn(page, { ...user, password: NEW_PASSWORD });
  await signedIn(page, user);
});

test("the profile, the email and the password change", async () => {
  const user = await signUpVerified({ username: "alice", email: "alice@example.com", password: PASSWORD });
  await page.getByLabel("Username").fill("a b");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("[aria-invalid=true]").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.name), "username");
  await page.getByLabel("Username").fill("alice.liddell");
  await page.getByLabel("Full name").fill("Alice Liddell");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  await page.getByRole("banner").getByText("alice.liddell").waitFor();
  if (PICTURE) await page.screenshot({ path: PICTURE });

  const email = newUser().email;
  await page.getByLabel("New email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(user.password);
  await page.getByRole("button", { name: "Change email" }).click();
  await page.getByText(`Open the link in the mail to ${email}`).waitFor();
  await page.goto(linkIn(mail(email, "email")));
  await page.getByRole("button", { name: "Verify email" }).click();
  await page.getByRole("button", { name: "Go to your account" }).click();
  await page.getByText(email).first().waitFor();

  await page.getByRole("link", { name: "Security" }).click();
  await page.getByLabel("Current password", { exact: true }).fill(user.password);
  await page.getByLabel("New password", { exact: true }).fill(NEW_PASSWORD);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("Changed. Other sessions ended: 0.").waitFor();
  await signOut(page);
  await signIn(page, { username: email, password: NEW_PASSWORD });
  await signedIn(page, { username: "alice.liddell" });
});

test("a session on another device is ended, and its next request signs it out", async () => {
  const user = await signUpVerified();
  const device = await browser.newContext({
    userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  });
  const other = await device.newPage();
  await other.goto(APP);
  await signIn(other, user);
  await signedIn(other, user);
  await page.getByRole("link", { name: "Sessions" }).click();
  await page.getByRole("button", { name: "Sign out Firefox on Linux" }).click();
  await page.getByRole("button", { name: "Sign out Firefox on Linux" }).waitFor({ state: "detached" });
  await other.getByRole("link", { name: "Sessions" }).click();
  await signedOut(other);
  await other.getByText("Your session has ended. Sign in again.").waitFor();
  await device.close();
});

test("the account is exported, deleted with the password, and restored by a sign-in", async () => {
  const user = await signUpVerified();
  await page.getByRole("link", { name: "Your data" }).click();
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download my data" }).click();
  const exported = JSON.parse(readFileSync(await (await downloading).path(), "utf8"));
  assert.ok(JSON.stringify(exported).includes(user.email));
  await page.getByRole("button", { name: "Delete my account" }).click();
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.getByRole("button", { name: "Delete account", exact: true }).click();
  await page.getByText("password is wrong").waitFor();
  await page.getByLabel("Password", { exact: true }).fill(user.password);
  await page.getByRole("button", { name: "Delete account", exact: true }).click();
  await signedOut(page);
  await signIn(page, user);
  await signedIn(page, user);
});

test("the keyboard alone signs in, skips to the content, and closes a dialog", async () => {
  const user = await signUpVerified();
  await signOut(page);
  await signedOut(page);
  const press = async (...keys) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  await press("Tab");
  await page.keyboard.type(user.username);
  await press("Tab");
  await page.keyboard.type(user.password);
  await press("Enter");
  await signedIn(page, user);
  await page.reload();
  await signedIn(page, user);
  await page.evaluate(() => document.activeElement.blur());
  await press("Tab");
  await page.getByRole("link", { name: "Skip to content" }).waitFor();
  await page.getByRole("link", { name: "Your data" }).focus();
  await press("Enter");
  await page.getByRole("button", { name: "Delete my account" }).focus();
  await press("Enter");
  await page.getByRole("dialog").waitFor();
  await press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
});

/** The code that an authenticator app shows for a secret (RFC 6238). */
function totp(secret) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replaceAll(/[\s=]/g, "")].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0"));
  const key = Buffer.from(bits.join("").match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const digest = createHmac("sha1", key).update(counter).digest();
  const number = digest.readUInt32BE(digest.at(-1) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

test("an app and a passkey of the real gateway protect the account, and a recovery code signs in", async () => {
  const debug = await context.newCDPSession(page);
  await debug.send("WebAuthn.enable");
  const { authenticatorId } = await debug.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      // Otherwise it would sign in through autofill, before the test fills in the form.
      automaticPresenceSimulation: false,
    },
  });
  const user = await signUpVerified();
  await page.getByRole("link", { name: "Security" }).click();

  await page.getByRole("button", { name: "Set up the authenticator app" }).click();
  const setUp = page.getByRole("dialog", { name: "Set up your app" });
  await setUp.getByLabel("Code").fill(totp(await setUp.locator("code").textContent()));
  await setUp.getByRole("button", { name: "Confirm" }).click();
  const codes = page.getByRole("dialog", { name: "Your recovery codes" });
  await codes.waitFor();
  const [recoveryCode] = await codes.getByRole("listitem").allTextContents();
  await codes.getByRole("button", { name: "I have saved them" }).click();
  await page.getByText("10 left.").waitFor();

  await signOut(page);
  await signIn(page, user);
  await page.getByRole("heading", { name: "Second step" }).waitFor();
  await page.getByLabel("Code").fill("000000");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("alert").filter({ hasText: /./ }).waitFor();
  await page.getByLabel("Code").fill(recoveryCode);
  await page.getByRole("button", { name: "Continue" }).click();
  await signedIn(page, user);

  await page.getByRole("link", { name: "Security" }).click();
  await page.getByText("9 left.").waitFor();
  await debug.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled: true });
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("button", { name: /^Remove/ }).nth(1).waitFor();
  await signOut(page);
  await signedIn(page, user);
});
