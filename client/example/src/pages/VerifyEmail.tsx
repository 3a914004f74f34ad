import { takeToken } from "auth-gateway-client";
import { useAuth } from "auth-gateway-client/react";
import { useState } from "react";
import { auth } from "../auth.ts";
import { Link, navigate } from "../router.tsx";
import { Button, Field, Heading, Notice, Refusal, useForm } from "../ui.tsx";

// Taken when the page loads, because it also removes the token from the address bar.
const mailedToken = location.pathname === "/verify" ? takeToken() : null;

/** The page that the link in a verification mail opens. A button uses the token, because mail scanners open links too. */
export function VerifyEmail() {
  const [token, setToken] = useState(mailedToken);
  const [isVerified, setIsVerified] = useState(false);
  const form = useForm(async () => {
    const result = await auth.verifyEmail({ token: token! });
    if (result.status === "done") setIsVerified(true);
    return result;
  });

  if (isVerified) return <Verified />;
  if (!token) return <EnterCode />;
  return (
    <>
      <Heading intro="Confirm that this email is yours.">Verify your email</Heading>
      <form {...form.props} className="stack">
        <Refusal refused={form.refused} />
        {form.refused ? (
          <Button kind="secondary" type="button" onClick={() => setToken(null)}>
            Get another mail
          </Button>
        ) : (
          <Button isPending={form.isPending}>Verify email</Button>
        )}
      </form>
    </>
  );
}

/** Asks for the code in the mail, or sends another mail. */
export function EnterCode({ email: given }: { email?: string }) {
  const { user } = useAuth();
  const [email, setEmail] = useState(given ?? user?.email ?? "");
  const [isVerified, setIsVerified] = useState(false);
  const [isSent, setIsSent] = useState(false);
  const form = useForm(async ({ code = "" }) => {
    const result = await auth.verifyEmail({ token: code, email });
    if (result.status === "done") setIsVerified(true);
    return result;
  });
  const again = useForm(async () => {
    const result = await auth.requestEmailVerification({ email });
    setIsSent(result.status === "done");
    return result;
  });

  if (isVerified) return <Verified />;
  return (
    <>
      <Heading intro="Open the link in the mail that we sent, or type its code here.">Check your mail</Heading>
      <form {...form.props} className="stack">
        <Field
          label="Email"
          name="email"
          type="email"
          autoComplete="email"
          value={email}
          onChange={(event) => setEmail(event.target.value)}
          errors={form.refused?.fieldErrors.email ?? again.refused?.fieldErrors.email}
        />
        <Field
          label="Code"
          name="code"
          autoComplete="one-time-code"
          autoCapitalize="characters"
          spellCheck={false}
          placeholder="ABCD-1234"
          errors={form.refused?.fieldErrors.token}
        />
        <Refusal refused={form.refused} fields={["token", "email"]} />
        <Button isPending={form.isPending}>Verify email</Button>
      </form>
      <form {...again.props} className="stack">
        {isSent && <Notice>If the email belongs to an account, a mail is on its way.</Notice>}
        <Refusal refused={again.refused} fields={["email"]} />
        <Button kind="quiet" isPending={again.isPending}>
          Send another mail
        </Button>
      </form>
      <p className="switch">
        <Link href="/">{user ? "Back to your account" : "Back to sign-in"}</Link>
      </p>
    </>
  );
}

function Verified() {
  const { user } = useAuth();
  return (
    <>
      <Heading intro="Thank you. Your email is verified.">Done</Heading>
      <Button onClick={() => navigate("/", { replace: true })}>{user ? "Go to your account" : "Sign in"}</Button>
    </>
  );
}
