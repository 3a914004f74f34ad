import { takeToken } from "auth-gateway-client";
import { useState } from "react";
import { auth } from "../auth.ts";
import { useOptions } from "../options.ts";
import { Link, navigate } from "../router.tsx";
import { Button, Field, Heading, PasswordField, Refusal, useForm } from "../ui.tsx";
import { ForgottenPassword } from "./ForgottenPassword.tsx";

const mailedToken = location.pathname === "/reset" ? takeToken() : null;

/** The page that the link in a password reset mail opens. */
export function ResetPassword() {
  return mailedToken ? <ChoosePassword token={mailedToken} /> : <ForgottenPassword />;
}

/** Asks for a new password, and for the code in the mail if no link brought a token. */
export function ChoosePassword({ token, email }: { token?: string; email?: string }) {
  const { passwordMinLength } = useOptions();
  const [isDone, setIsDone] = useState(false);
  const form = useForm(async ({ code = "", newPassword = "" }) => {
    const mailed = token ? { token } : { token: code, email: email! };
    const result = await auth.passwordReset.confirm({ ...mailed, newPassword });
    setIsDone(result.status === "done");
    return result;
  });
  const { refused } = form;
  const isOver = token && (refused?.code === "TOKEN_INVALID" || refused?.code === "TOKEN_EXPIRED");

  if (isDone) {
    return (
      <>
        <Heading intro="You are signed out everywhere. Sign in with the new password.">Password changed</Heading>
        <Button onClick={() => navigate("/", { replace: true })}>Sign in</Button>
      </>
    );
  }
  return (
    <>
      <Heading
        intro={
          token
            ? "Choose one that you use nowhere else."
            : `If ${email} has an account, a mail is on its way. Open its link, or type its code here.`
        }
      >
        New password
      </Heading>
      <form {...form.props} className="stack">
        {!token && (
          <Field
            label="Code"
            name="code"
            autoComplete="one-time-code"
            autoCapitalize="characters"
            spellCheck={false}
            placeholder="ABCD-1234"
          />
        )}
        <PasswordField
          label="New password"
          name="newPassword"
          autoComplete="new-password"
          hint={`At least ${passwordMinLength} characters.`}
          errors={refused?.fieldErrors.newPassword}
        />
        <Refusal refused={refused} fields={["newPassword"]} />
        {isOver ? (
          <Link href="/forgotten">Get another mail</Link>
        ) : (
          <Button isPending={form.isPending}>Change password</Button>
        )}
      </form>
      <p className="switch">
        <Link href="/">Back to sign-in</Link>
      </p>
    </>
  );
}
