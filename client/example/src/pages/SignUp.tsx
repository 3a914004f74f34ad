import { useState } from "react";
import { auth } from "../auth.ts";
import { useOptions } from "../options.ts";
import { Link, navigate } from "../router.tsx";
import { Button, Field, Heading, PasswordField, Refusal, useForm } from "../ui.tsx";
import { EnterCode } from "./VerifyEmail.tsx";

export function SignUp() {
  const { passwordMinLength } = useOptions();
  const [sentTo, setSentTo] = useState<string | null>(null);
  const form = useForm(async ({ username = "", email = "", password = "" }) => {
    const result = await auth.register({ username, email, password });
    if (result.status === "verificationRequired") setSentTo(email);
    if (result.status === "signedIn") navigate("/", { replace: true });
    return result;
  });
  const errors = form.refused?.fieldErrors;

  if (sentTo) return <EnterCode email={sentTo} />;
  return (
    <>
      <Heading intro="It takes a minute.">Create an account</Heading>
      <form {...form.props} className="stack">
        <Field
          label="Username"
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          errors={errors?.username}
        />
        <Field label="Email" name="email" type="email" autoComplete="email" errors={errors?.email} />
        <PasswordField
          label="Password"
          name="password"
          autoComplete="new-password"
          hint={`At least ${passwordMinLength} characters. A few words are easy to remember.`}
          errors={errors?.password}
        />
        <Refusal refused={form.refused} fields={["username", "email", "password"]} />
        <Button isPending={form.isPending}>Create account</Button>
      </form>
      <p className="switch">
        You have an account? <Link href="/">Sign in</Link>
      </p>
    </>
  );
}
