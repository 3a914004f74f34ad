/** What the gateway offers to visitors. A gateway without second factors does not have these fields. */

import type { SignInOptions } from "auth-gateway-client";
import { useEffect, useState } from "react";
import { auth } from "./auth.ts";

const OPTIONS = `query Options { signInOptions { registrationOpen passkeysEnabled passwordMinLength providers { name label } } }`;
const BASIC: SignInOptions = { registrationOpen: true, passkeysEnabled: false, passwordMinLength: 8, providers: [] };

let loading: Promise<SignInOptions> | undefined;

async function load(): Promise<SignInOptions> {
  const result = await auth.request<{ signInOptions: SignInOptions | null }>(OPTIONS);
  if (result.status === "done" && result.data.signInOptions) return result.data.signInOptions;
  if (result.status === "refused" && result.code !== "GRAPHQL_VALIDATION_FAILED") loading = undefined;
  return BASIC;
}

export function useOptions(): SignInOptions {
  const [options, setOptions] = useState(BASIC);
  useEffect(() => {
    let isCurrent = true;
    void (loading ??= load()).then((loaded) => isCurrent && setOptions(loaded));
    return () => void (isCurrent = false);
  }, []);
  return options;
}
