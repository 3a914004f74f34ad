/** A real browser that asks nobody but the servers of these tests. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { chromium } from "playwright-core";

export const HOW = {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP *.test 127.0.0.1",
    "--ignore-certificate-errors",
  ],
};

export const launch = () => chromium.launch(HOW);

/** A browser that lets sites have their cookies from within other sites, as some are still set: an attacker's best. */
export function launchLax() {
  const folder = mkdtempSync(join(tmpdir(), "chromium-"));
  mkdirSync(join(folder, "Default"));
  const profile = { cookie_controls_mode: 0, block_third_party_cookies: false };
  writeFileSync(join(folder, "Default", "Preferences"), JSON.stringify({ profile }));
  // Not when it closes: its processes write on for a moment.
  process.on("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 9, retryDelay: 100 }));
  return chromium.launchPersistentContext(folder, HOW);
}
