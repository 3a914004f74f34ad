/** A sign-in form. */

import { useActionState } from "react";
import { GatewayError, type Session } from "./session.js";

export function SignIn({ session, onSignedIn }: { session: Session; onSignedIn: () => void }) {
  const [message, submit, isPending] = useActionState(async (_previous: string, form: FormData) => {
    try {
      await session.signIn(String(form.get("login")), String(form.get("password")));
    } catch (error) {
      return error instanceof GatewayError ? error.message : "The gateway does not answer. Try again.";
    }
    onSignedIn();
    return "";
  }, "");
  return (
    <form action={submit}>
      <label>Username or email <input name="login" autoComplete="username" required /></label>
      <label>Password <input name="password" type="password" autoComplete="current-password" required /></label>
      <button disabled={isPending}>Sign in</button>
      <p role="alert">{message}</p>
    </form>
  );
}
