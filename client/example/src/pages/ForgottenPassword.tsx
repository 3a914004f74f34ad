import { useState } from "react";
import { auth } from "../auth.ts";
import { Link } from "../router.tsx";
import { Button, Field, Heading, Refusal, useForm } from "../ui.tsx";
import { ChoosePassword } from "./ResetPassword.tsx";

export function ForgottenPassword() {
  const [sentTo, setSentTo] = useState<string | null>(null);
  const form = useForm(async ({ email = "" }) => {
    const result = await auth.passwordReset.request(email);
    if (result.status === "done") setSentTo(email);
    return result;
  });

  if (sentTo) return <ChoosePassword email={sentTo} />;
  return (
    <>
      <Heading intro="We send a link that lets you choose a new one.">Forgotten password</Heading>
      <form {...form.props} className="stack">
        <Field label="Email" name="email" type="email" autoComplete="email" errors={form.refused?.fieldErrors.email} />
        <Refusal refused={form.refused} fields={["email"]} />
        <Button isPending={form.isPending}>Send the link</Button>
      </form>
      <p className="switch">
        <Link href="/">Back to sign-in</Link>
      </p>
    </>
  );
}
