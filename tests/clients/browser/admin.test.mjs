/** Django's admin in a real browser: sign in, list users, edit one, read events, sign out. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PASSWORD, REGISTER, ask, somebody } from "../world.mjs";
import { launch } from "./chromium.mjs";

const { ORIGIN, PICTURES } = process.env;
let browser, page, complaints, user;

before(async () => {
  user = somebody();
  await ask(`${ORIGIN}/graphql`, REGISTER, user);
  browser = await launch();
  page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  page.setDefaultTimeout(10_000);
  complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
});
after(() => browser?.close());

/** Screenshots at both widths, where a folder for them is given. */
async function picture(name) {
  if (!PICTURES) return;
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 800 });
    await page.screenshot({ path: `${PICTURES}/admin-${name}-${width}.png` });
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

async function signIn(password) {
  await page.goto(`${ORIGIN}/admin/`);
  await page.getByLabel("Username:").fill("root");
  await page.getByLabel("Password:").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
}

test("a wrong password is refused and the right one lets staff in", async () => {
  await signIn("a wrong password of root");
  await page.getByText("Enter the username and password of a staff account").waitFor();
  await picture("login");
  await signIn(PASSWORD);
  await page.getByRole("heading", { name: "Site administration" }).waitFor();
  await picture("index");
});

test("a user is found and edited", async () => {
  await page.locator("#content .model-user").getByRole("link", { name: "Users" }).click();
  await page.getByRole("link", { name: user.username }).waitFor();
  await picture("users");
  await page.getByRole("link", { name: user.username }).click();
  await page.getByLabel("Full name:").fill("Edited by Staff");
  await picture("user");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("was changed successfully").waitFor();
  await page.getByRole("row", { name: /Edited by Staff/ }).waitFor();
});

test("the events table shows kinds and facts in words", async () => {
  await page.goto(`${ORIGIN}/admin/users/event/`);
  await page.getByRole("row", { name: /Account administered.*full_name/ }).waitFor();
  await picture("events");
  await page.goto(`${ORIGIN}/admin/users/event/?kind=account.registered`);
  await page.getByRole("row", { name: /Account registered/ }).waitFor();
  await page.locator("#result_list tbody a").first().click();
  await page.getByText("The account was created.").waitFor();
  await picture("event");
});

test("signing out ends the session of the server", async () => {
  const [{ name, value }] = (await page.context().cookies()).filter((cookie) => cookie.name === "sessionid");
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByText("Logged out").first().waitFor();
  await page.context().addCookies([{ name, value, url: ORIGIN }]);
  await page.goto(`${ORIGIN}/admin/users/user/`);
  await page.getByLabel("Username:").waitFor();
  assert.deepEqual(complaints, []);
});
