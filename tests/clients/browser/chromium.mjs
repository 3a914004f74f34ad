/** A real browser that asks nobody but the servers of these tests. */

import process from "node:process";
import { chromium } from "playwright-core";

const HOW = {
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

/** A browser with a profile, fresh as it is; others are incognito, where sites get no cookies from within others. */
export const launchWithProfile = () => chromium.launchPersistentContext("", HOW);
