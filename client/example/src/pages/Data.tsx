import { useState } from "react";
import { auth } from "../auth.ts";
import { useRun } from "../reauthentication.tsx";
import { useSecurity } from "../security.ts";
import { Button, Dialog, Heading, Notice, PasswordField, Refusal, Section, useForm } from "../ui.tsx";

const EXPORT = `query Export { accountExport }`;
const DELETE = `mutation DeleteAccount($password: String) { deleteAccount(password: $password) { erasedAt } }`;

export function Data() {
  return (
    <>
      <Heading intro="It is yours: take it with you, or have it erased.">Your data</Heading>
      <Export />
      <Delete />
    </>
  );
}

function Export() {
  const run = useRun();
  const [isSaved, setIsSaved] = useState(false);
  const form = useForm(async () => {
    const result = await run<{ accountExport: object }>(() => auth.request(EXPORT));
    if (result.status === "done") {
      save("account.json", JSON.stringify(result.data.accountExport, null, 2));
      setIsSaved(true);
    }
    return result;
  });
  return (
    <Section title="Export" intro="A file with everything that we store about you, except passwords and keys.">
      <form {...form.props} className="actions">
        <Button kind="secondary" isPending={form.isPending}>
          Download my data
        </Button>
        {isSaved && <Notice>Downloaded.</Notice>}
        <Refusal refused={form.refused} />
      </form>
    </Section>
  );
}

function save(name: string, text: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

function Delete() {
  const run = useRun();
  const { security } = useSecurity();
  const [isOpen, setIsOpen] = useState(false);
  const hasPassword = security?.hasPassword ?? true;
  const form = useForm(async ({ password }) => {
    const result = await run(() => auth.request(DELETE, { password }));
    // The gateway has ended all sessions.
    if (result.status === "done") await auth.signOut();
    return result;
  });
  return (
    <Section
      title="Delete account"
      intro="You are signed out everywhere. If you sign in again within two weeks, the account is restored."
    >
      <div className="actions">
        <Button kind="danger" onClick={() => setIsOpen(true)}>
          Delete my account
        </Button>
      </div>
      {isOpen && (
        <Dialog title="Delete your account?" onClose={() => setIsOpen(false)}>
          <form {...form.props} className="stack">
            {hasPassword && (
              <PasswordField
                label="Password"
                name="password"
                autoComplete="current-password"
                errors={form.refused?.fieldErrors.password}
              />
            )}
            <Refusal refused={form.refused} fields={["password"]} />
            <Button kind="danger" isPending={form.isPending}>
              Delete account
            </Button>
            <Button kind="quiet" type="button" onClick={() => setIsOpen(false)}>
              Keep it
            </Button>
          </form>
        </Dialog>
      )}
    </Section>
  );
}
