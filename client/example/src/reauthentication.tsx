/** Runs mutations. If one needs a recent authentication, asks the user for it and repeats the mutation. */

import type { AuthenticationMethod, Done, Refused } from "auth-gateway-client";
import { type ReactNode, createContext, useContext, useState } from "react";
import { auth, passkeys, providers } from "./auth.ts";
import { useOptions } from "./options.ts";
import { Button, Dialog, Field, PasswordField, Refusal, useForm } from "./ui.tsx";

type Result<Data> = Done<Data> | Refused;
type Run = <Data = unknown>(attempt: () => Promise<Result<Data>>) => Promise<Result<Data>>;

const Context = createContext<Run>((attempt) => attempt());

/** `run(attempt)` returns the result of the last attempt. */
export const useRun = () => useContext(Context);

interface Asked {
  methods: AuthenticationMethod[];
  answer: (isConfirmed: boolean) => void;
}

export function Reauthentication({ children }: { children: ReactNode }) {
  const [asked, setAsked] = useState<Asked | null>(null);

  const run: Run = async (attempt) => {
    const result = await attempt();
    if (result.status !== "refused" || result.code !== "REAUTHENTICATION_REQUIRED") return result;
    const isConfirmed = await new Promise<boolean>((answer) => setAsked({ methods: result.methods ?? [], answer }));
    setAsked(null);
    return isConfirmed ? attempt() : result;
  };

  return (
    <Context value={run}>
      {children}
      {asked && <Confirm {...asked} />}
    </Context>
  );
}

function Confirm({ methods, answer }: Asked) {
  const options = useOptions();
  const hasCode = methods.includes("TOTP") || methods.includes("RECOVERY_CODE");
  const form = useForm(async ({ password, code }) => {
    const result = await auth.reauthenticate(code ? { code } : { password: password ?? "" });
    if (result.status === "reauthenticated") answer(true);
    return result;
  });
  const passkey = useForm(async () => {
    const result = await passkeys.reauthenticate();
    if (result.status === "reauthenticated") answer(true);
    return result;
  });

  return (
    <Dialog title="Confirm that it is you" onClose={() => answer(false)}>
      <p>You are about to change how your account is protected.</p>
      {methods.includes("PASSKEY") && (
        <form {...passkey.props} className="stack">
          <Refusal refused={passkey.refused} />
          <Button isPending={passkey.isPending} kind="secondary">
            Use a passkey
          </Button>
        </form>
      )}
      {(hasCode || methods.includes("PASSWORD")) && (
        <form {...form.props} className="stack">
          {hasCode ? (
            <Field
              label="Code"
              name="code"
              autoComplete="one-time-code"
              hint="From your app, or a recovery code."
              errors={form.refused?.fieldErrors.code}
            />
          ) : (
            <PasswordField
              label="Password"
              name="password"
              autoComplete="current-password"
              errors={form.refused?.fieldErrors.password}
            />
          )}
          <Refusal refused={form.refused} fields={["code", "password"]} />
          <Button isPending={form.isPending}>Confirm</Button>
        </form>
      )}
      {methods.includes("PROVIDER") &&
        options.providers.map(({ name, label }) => (
          <Button
            key={name}
            kind="secondary"
            onClick={() =>
              providers.start({ provider: name, purpose: "REAUTHENTICATE", redirectTo: `${location.origin}/provider` })
            }
          >
            Continue with {label}
          </Button>
        ))}
      <Button kind="quiet" onClick={() => answer(false)}>
        Cancel
      </Button>
    </Dialog>
  );
}
