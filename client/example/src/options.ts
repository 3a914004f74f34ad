/** What the gateway offers to visitors. A gateway without second factors or providers does not have these fields. */

import type { SignInOptions } from "auth-gateway-client";
import { useEffect, useState } from "react";
import { auth } from "./auth.ts";

const OPTIONS = `query Options { signInOptions { registrationOpen passkeysEnabled passwordMinLength } }`;
const PROVIDERS = `query ProviderOptions { signInOptions { providers { name label } } }`;
const BASIC: SignInOptions = { registrationOpen: true, passkeysEnabled: false, passwordMinLength: 8, providers: [] };

let loading: Promise<SignInOptions> | undefined;

async function load(): Promise<SignInOptions> {
  const results = await Promise.all(
    [OPTIONS, PROVIDERS].map((query) => auth.request<{ signInOptions: Partial<SignInOptions> | null }>(query)),
  );
  const options = { ...BASIC };
  for (const result of results) {
    if (result.status === "done") Object.assign(options, result.data.signInOptions);
    else if (result.code !== "GRAPHQL_VALIDATION_FAILED") loading = undefined;
  }
  return options;
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
