import type { SecondFactorRequired, SignedOutReason } from "auth-gateway-client";
import { supportsPasskeyAutofill, supportsPasskeys } from "auth-gateway-client/passkeys";
import { useAuth } from "auth-gateway-client/react";
import { useEffect, useState } from "react";
import { auth, passkeys, providers } from "../auth.ts";
import { useOptions } from "../options.ts";
import { Link } from "../router.tsx";
import { Button, Field, Heading, Notice, PasswordField, Refusal, useForm } from "../ui.tsx";
import { EnterCode } from "./VerifyEmail.tsx";

const ENDED = "Your session has ended. Sign in again.";
const REASONS: Record<SignedOutReason, string> = {
  TOKEN_REUSED:
    "You were signed out because your session was used from another place. If it was not you, change your password.",
  TOKEN_EXPIRED: ENDED,
  TOKEN_INVALID: ENDED,
};

export function SignIn() {
  const { reason } = useAuth();
  const options = useOptions();
  const [secondFactor, setSecondFactor] = useState<SecondFactorRequired | null>(null);
  const hasPasskeys = options.passkeysEnabled && supportsPasskeys();

  const form = useForm(async ({ username = "", password = "" }) => {
    const result = await auth.signIn({ username, password });
    if (result.status === "secondFactorRequired") setSecondFactor(result);
    return result;
  });
  const passkey = useForm(() => passkeys.signIn());

  // The browser offers passkeys in the autofill of the first field.
  useEffect(() => {
    if (!hasPasskeys || secondFactor) return;
    const controller = new AbortController();
    void supportsPasskeyAutofill().then((isSupported) => {
      if (isSupported && !controller.signal.aborted)
        void passkeys.signIn({ autofill: true, signal: controller.signal });
    });
    return () => controller.abort();
  }, [hasPasskeys, secondFactor, passkey.isPending]);

  if (secondFactor) return <SecondFactor asked={secondFactor} onCancel={() => setSecondFactor(null)} />;
  if (form.refused?.code === "EMAIL_NOT_VERIFIED") return <EnterCode />;
  return (
    <>
      <Heading intro="Good to see you.">Sign in</Heading>
      {reason && <Notice kind="info">{REASONS[reason]}</Notice>}
      <form {...form.props} className="stack">
        <Field
          label="Username or email"
          name="username"
          autoComplete={hasPasskeys ? "username webauthn" : "username"}
          autoCapitalize="none"
          spellCheck={false}
          errors={form.refused?.fieldErrors.username}
        />
        <PasswordField
          label="Password"
          name="password"
          autoComplete="current-password"
          errors={form.refused?.fieldErrors.password}
        />
        <Refusal refused={form.refused} fields={["username", "password"]} />
        <Button isPending={form.isPending}>Sign in</Button>
        <Link href="/forgotten">Forgotten password?</Link>
      </form>
      {(hasPasskeys || options.providers.length > 0) && (
        <>
          <p className="or">or</p>
          <div className="stack">
            {hasPasskeys && (
              <form {...passkey.props} className="stack">
                <Button kind="secondary" isPending={passkey.isPending}>
                  Sign in with a passkey
                </Button>
                <Refusal refused={passkey.refused} />
              </form>
            )}
            {options.providers.map(({ name, label }) => (
              <Button
                key={name}
                kind="secondary"
                onClick={() => providers.start({ provider: name, redirectTo: `${location.origin}/provider` })}
              >
                Continue with {label}
              </Button>
            ))}
          </div>
        </>
      )}
      {options.registrationOpen && (
        <p className="switch">
          New here? <Link href="/sign-up">Create an account</Link>
        </p>
      )}
    </>
  );
}

/** The second step of a sign-in. */
export function SecondFactor({
  asked,
  onDone,
  onCancel,
}: {
  asked: SecondFactorRequired;
  onDone?: () => void;
  onCancel: () => void;
}) {
  const { challenge, methods } = asked;
  const hasCode = methods.includes("TOTP") || methods.includes("RECOVERY_CODE");
  async function finish(result: Awaited<ReturnType<typeof auth.secondFactor>>) {
    if (result.status === "signedIn") onDone?.();
    return result;
  }
  const code = useForm(async ({ code = "" }) => finish(await auth.secondFactor({ challenge, code })));
  const passkey = useForm(async () => finish(await passkeys.secondFactor({ challenge })));
  const isOver = code.refused?.code === "TOKEN_INVALID" || code.refused?.code === "TOKEN_EXPIRED";
  return (
    <>
      <Heading intro="Your password was right. Now confirm that it is you.">Second step</Heading>
      {hasCode && (
        <form {...code.props} className="stack">
          <Field
            label="Code"
            name="code"
            autoComplete="one-time-code"
            autoCapitalize="characters"
            spellCheck={false}
            hint="The six digits of your app, or a recovery code."
            errors={code.refused?.fieldErrors.code}
          />
          <Refusal refused={code.refused} fields={["code"]} />
          {!isOver && <Button isPending={code.isPending}>Continue</Button>}
        </form>
      )}
      {methods.includes("PASSKEY") && (
        <form {...passkey.props} className="stack">
          <Button kind="secondary" isPending={passkey.isPending}>
            Use a passkey
          </Button>
          <Refusal refused={passkey.refused} />
        </form>
      )}
      <Button kind="quiet" onClick={onCancel}>
        Start again
      </Button>
    </>
  );
}
