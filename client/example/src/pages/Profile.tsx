import type { User } from "auth-gateway-client";
import { useUser } from "auth-gateway-client/react";
import { useState } from "react";
import { auth } from "../auth.ts";
import { useRun } from "../reauthentication.tsx";
import { Link } from "../router.tsx";
import { useSecurity } from "../security.ts";
import { Badge, Button, Day, Field, Heading, Notice, PasswordField, Refusal, Section, useForm } from "../ui.tsx";

const UPDATE = `mutation UpdateProfile($username: String, $fullName: String, $bio: String, $imageUrl: String) {
  updateProfile(username: $username, fullName: $fullName, bio: $bio, imageUrl: $imageUrl) { user { id } } }`;
const CHANGE_EMAIL = `mutation ChangeEmail($newEmail: String!, $password: String) {
  changeEmail(newEmail: $newEmail, password: $password) { accepted } }`;

export function Profile() {
  const user = useUser();
  if (!user) return null;
  return (
    <>
      <Heading
        intro={
          <>
            Member since <Day at={user.dateJoined} />
          </>
        }
      >
        Profile
      </Heading>
      {!user.isEmailVerified && (
        <Notice kind="info">
          Your email is not verified. <Link href="/verify">Verify it</Link>
        </Notice>
      )}
      <Details user={user} />
      <Email user={user} />
    </>
  );
}

function Details({ user }: { user: User }) {
  const [isSaved, setIsSaved] = useState(false);
  const form = useForm(async (values) => {
    setIsSaved(false);
    const result = await auth.request(UPDATE, values);
    if (result.status === "done") {
      await auth.loadUser();
      setIsSaved(true);
    }
    return result;
  });
  const errors = form.refused?.fieldErrors;
  return (
    <Section title="About you">
      <div className="person">
        <Picture user={user} />
        <div>
          <p className="name">{user.fullName || user.username}</p>
          <p className="hint">{user.email}</p>
        </div>
      </div>
      <form {...form.props} className="grid">
        <Field
          label="Username"
          name="username"
          autoComplete="username"
          defaultValue={user.username}
          errors={errors?.username}
        />
        <Field
          label="Full name"
          name="fullName"
          autoComplete="name"
          required={false}
          defaultValue={user.fullName}
          errors={errors?.fullName}
        />
        <Field label="Bio" name="bio" required={false} defaultValue={user.bio} errors={errors?.bio} />
        <Field
          label="Picture URL"
          name="imageUrl"
          type="url"
          required={false}
          placeholder="https://…"
          defaultValue={user.imageUrl ?? ""}
          errors={errors?.imageUrl}
        />
        <div className="actions">
          <Button isPending={form.isPending}>Save</Button>
          {isSaved && <Notice>Saved.</Notice>}
          <Refusal refused={form.refused} fields={["username", "fullName", "bio", "imageUrl"]} />
        </div>
      </form>
    </Section>
  );
}

function Picture({ user }: { user: User }) {
  if (user.imageUrl) return <img className="picture" src={user.imageUrl} alt="" referrerPolicy="no-referrer" />;
  return (
    <span className="picture" aria-hidden="true">
      {(user.fullName || user.username).charAt(0).toUpperCase()}
    </span>
  );
}

function Email({ user }: { user: User }) {
  const run = useRun();
  const { security } = useSecurity();
  const [sentTo, setSentTo] = useState<string | null>(null);
  const hasPassword = security?.hasPassword ?? true;
  const form = useForm(async ({ newEmail = "", password }, element) => {
    setSentTo(null);
    const result = await run(() => auth.request(CHANGE_EMAIL, { newEmail, password }));
    if (result.status === "done") {
      setSentTo(newEmail);
      element.reset();
    }
    return result;
  });
  const errors = form.refused?.fieldErrors;
  return (
    <Section
      title="Email"
      intro={
        <>
          {user.email}{" "}
          {user.isEmailVerified ? <Badge kind="good">Verified</Badge> : <Badge kind="warn">Not verified</Badge>}
        </>
      }
    >
      <form {...form.props} className="grid">
        <Field label="New email" name="newEmail" type="email" autoComplete="email" errors={errors?.newEmail} />
        {hasPassword && (
          <PasswordField label="Password" name="password" autoComplete="current-password" errors={errors?.password} />
        )}
        <div className="actions">
          <Button kind="secondary" isPending={form.isPending}>
            Change email
          </Button>
          {sentTo && <Notice>Open the link in the mail to {sentTo}.</Notice>}
          <Refusal refused={form.refused} fields={["newEmail", "password"]} />
        </div>
      </form>
    </Section>
  );
}
