import type { AccountSecurity, Identity, Passkey } from "auth-gateway-client";
import { supportsPasskeys } from "auth-gateway-client/passkeys";
import { useState } from "react";
import { auth, passkeys, providers } from "../auth.ts";
import { useOptions } from "../options.ts";
import { useRun } from "../reauthentication.tsx";
import { Link } from "../router.tsx";
import { useIdentities, useSecurity } from "../security.ts";
import {
  Badge,
  Button,
  Day,
  Dialog,
  Field,
  Heading,
  Notice,
  PasswordField,
  Refusal,
  Section,
  useForm,
} from "../ui.tsx";

const CHANGE_PASSWORD = `mutation ChangePassword($oldPassword: String!, $newPassword: String!) {
  changePassword(oldPassword: $oldPassword, newPassword: $newPassword) { endedSessions } }`;
const BEGIN_TOTP = `mutation BeginTotpSetup { beginTotpSetup { setup secret uri qrCode } }`;
const CONFIRM_TOTP = `mutation ConfirmTotpSetup($setup: String!, $code: String!) {
  result: confirmTotpSetup(setup: $setup, code: $code) { recoveryCodes } }`;
const REMOVE_TOTP = `mutation RemoveTotp { removeTotp { security { totpEnabled } } }`;
const SET_TWO_FACTOR = `mutation SetTwoFactor($enabled: Boolean!) { result: setTwoFactor(enabled: $enabled) { recoveryCodes } }`;
const REGENERATE = `mutation RegenerateRecoveryCodes { result: regenerateRecoveryCodes { recoveryCodes } }`;
const RENAME_PASSKEY = `mutation RenamePasskey($id: ID!, $name: String!) { renamePasskey(id: $id, name: $name) { passkey { id } } }`;
const REMOVE_PASSKEY = `mutation RemovePasskey($id: ID!) { removePasskey(id: $id) { removedPasskeyId } }`;
const UNLINK = `mutation UnlinkProvider($id: ID!) { unlinkProvider(id: $id) { unlinkedIdentityId } }`;

type WithCodes = { result: { recoveryCodes: string[] | null } };
interface Part {
  security: Omit<AccountSecurity, "identities">;
  reload: () => void;
}

export function Security() {
  const options = useOptions();
  const { security, reload } = useSecurity();
  return (
    <>
      <Heading intro="The ways to sign in to your account.">Security</Heading>
      <Password hasPassword={security?.hasPassword ?? true} />
      {security && <TwoFactor security={security} reload={reload} />}
      {security && options.passkeysEnabled && <Passkeys security={security} reload={reload} />}
      {options.providers.length > 0 && <Providers />}
    </>
  );
}

function Password({ hasPassword }: { hasPassword: boolean }) {
  const run = useRun();
  const { passwordMinLength } = useOptions();
  const [endedSessions, setEndedSessions] = useState<number | null>(null);
  const form = useForm(async (values, element) => {
    setEndedSessions(null);
    const result = await run(() =>
      auth.request<{ changePassword: { endedSessions: number } }>(CHANGE_PASSWORD, values),
    );
    if (result.status === "done") {
      setEndedSessions(result.data.changePassword.endedSessions);
      element.reset();
    }
    return result;
  });
  const errors = form.refused?.fieldErrors;
  if (!hasPassword) {
    return (
      <Section title="Password" intro="Your account has no password.">
        <Link href="/reset">Set a password</Link>
      </Section>
    );
  }
  return (
    <Section title="Password" intro="A change signs you out on all other devices.">
      <form {...form.props} className="grid">
        <PasswordField
          label="Current password"
          name="oldPassword"
          autoComplete="current-password"
          errors={errors?.oldPassword}
        />
        <PasswordField
          label="New password"
          name="newPassword"
          autoComplete="new-password"
          hint={`At least ${passwordMinLength} characters.`}
          errors={errors?.newPassword}
        />
        <div className="actions">
          <Button kind="secondary" isPending={form.isPending}>
            Change password
          </Button>
          {endedSessions !== null && <Notice>Changed. Other sessions ended: {endedSessions}.</Notice>}
          <Refusal refused={form.refused} fields={["oldPassword", "newPassword"]} />
        </div>
      </form>
    </Section>
  );
}

function TwoFactor({ security, reload }: Part) {
  const run = useRun();
  const [setup, setSetup] = useState<TotpSetup | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const { twoFactorEnabled, totpEnabled, recoveryCodesRemaining, passkeys } = security;

  /** Return the submit function of a button that runs a mutation. */
  const change =
    (document: string, variables = {}) =>
    async () => {
      const result = await run<Partial<WithCodes>>(() => auth.request(document, variables));
      if (result.status === "done") {
        setCodes(result.data.result?.recoveryCodes ?? null);
        reload();
      }
      return result;
    };
  const begin = useForm(async () => {
    const result = await run<{ beginTotpSetup: TotpSetup }>(() => auth.request(BEGIN_TOTP));
    if (result.status === "done") setSetup(result.data.beginTotpSetup);
    return result;
  });
  const remove = useForm(change(REMOVE_TOTP));
  const toggle = useForm(change(SET_TWO_FACTOR, { enabled: !twoFactorEnabled }));
  const regenerate = useForm(change(REGENERATE));

  return (
    <Section
      title="Two-step sign-in"
      intro={
        <>
          {twoFactorEnabled ? <Badge kind="good">On</Badge> : <Badge kind="muted">Off</Badge>} A second step protects
          you if another person learns your password.
        </>
      }
    >
      <ul className="rows">
        <li>
          <div>
            <strong>Authenticator app</strong>
            <p className="hint">
              {totpEnabled ? "Your app shows the codes." : "An app on your phone shows a new code every 30 seconds."}
            </p>
            <Refusal refused={begin.refused ?? remove.refused} />
          </div>
          {totpEnabled ? (
            <form {...remove.props}>
              <Button kind="secondary small" isPending={remove.isPending}>
                Remove<span className="visually-hidden"> the authenticator app</span>
              </Button>
            </form>
          ) : (
            <form {...begin.props}>
              <Button kind="secondary small" isPending={begin.isPending}>
                Set up<span className="visually-hidden"> the authenticator app</span>
              </Button>
            </form>
          )}
        </li>
        {twoFactorEnabled && (
          <li>
            <div>
              <strong>Recovery codes</strong>
              <p className="hint">{recoveryCodesRemaining} left. Each works once, if you lose your phone.</p>
              <Refusal refused={regenerate.refused} />
            </div>
            <form {...regenerate.props}>
              <Button kind="secondary small" isPending={regenerate.isPending}>
                New codes
              </Button>
            </form>
          </li>
        )}
        {(twoFactorEnabled || passkeys.length > 0) && (
          <li>
            <div>
              <strong>Ask for a second step</strong>
              <p className="hint">When you sign in with your password.</p>
              <Refusal refused={toggle.refused} />
            </div>
            <form {...toggle.props}>
              <Button kind="secondary small" isPending={toggle.isPending}>
                {twoFactorEnabled ? "Turn off" : "Turn on"}
                <span className="visually-hidden"> two-step sign-in</span>
              </Button>
            </form>
          </li>
        )}
      </ul>
      {setup && (
        <SetUpTotp
          setup={setup}
          onClose={() => setSetup(null)}
          onDone={(recoveryCodes) => {
            setSetup(null);
            setCodes(recoveryCodes);
            reload();
          }}
        />
      )}
      {codes && <RecoveryCodes codes={codes} onClose={() => setCodes(null)} />}
    </Section>
  );
}

interface TotpSetup {
  setup: string;
  secret: string;
  uri: string;
  qrCode: string;
}

function SetUpTotp({
  setup,
  onClose,
  onDone,
}: {
  setup: TotpSetup;
  onClose: () => void;
  onDone: (codes: string[] | null) => void;
}) {
  const form = useForm(async ({ code = "" }) => {
    const result = await auth.request<WithCodes>(CONFIRM_TOTP, { setup: setup.setup, code });
    if (result.status === "done") onDone(result.data.result.recoveryCodes);
    return result;
  });
  return (
    <Dialog title="Set up your app" onClose={onClose}>
      <p>Scan the picture with your authenticator app, then type the code that it shows.</p>
      <img className="qr" src={setup.qrCode} alt="QR code with the key" width="180" height="180" />
      <p className="hint">
        No camera? <a href={setup.uri}>Open the app</a>, or type this key: <code>{setup.secret}</code>
      </p>
      <form {...form.props} className="stack">
        <Field
          label="Code"
          name="code"
          inputMode="numeric"
          autoComplete="one-time-code"
          errors={form.refused?.fieldErrors.code}
        />
        <Refusal refused={form.refused} fields={["code"]} />
        <Button isPending={form.isPending}>Confirm</Button>
        <Button kind="quiet" type="button" onClick={onClose}>
          Cancel
        </Button>
      </form>
    </Dialog>
  );
}

function RecoveryCodes({ codes, onClose }: { codes: string[]; onClose: () => void }) {
  const file = `data:text/plain,${encodeURIComponent(codes.join("\n"))}`;
  return (
    <Dialog title="Your recovery codes" onClose={onClose}>
      <p>Keep them in a safe place. They are shown only now, and each works once.</p>
      <ul className="codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <a className="button secondary" href={file} download="recovery-codes.txt">
        Download
      </a>
      <Button onClick={onClose}>I have saved them</Button>
    </Dialog>
  );
}

function Passkeys({ security, reload }: Part) {
  const run = useRun();
  const form = useForm(async () => {
    const result = await run(() => passkeys.register());
    if (result.status === "done") reload();
    return result;
  });
  return (
    <Section title="Passkeys" intro="Sign in with your fingerprint, your face or a security key. No password needed.">
      <ul className="rows">
        {security.passkeys.map((passkey) => (
          <PasskeyRow key={passkey.id} passkey={passkey} reload={reload} />
        ))}
      </ul>
      {supportsPasskeys() ? (
        <form {...form.props} className="actions">
          <Button kind="secondary" isPending={form.isPending}>
            Add a passkey
          </Button>
          <Refusal refused={form.refused} />
        </form>
      ) : (
        <p className="hint">This browser does not support passkeys.</p>
      )}
    </Section>
  );
}

function PasskeyRow({ passkey, reload }: { passkey: Passkey; reload: () => void }) {
  const run = useRun();
  const [isRenaming, setIsRenaming] = useState(false);
  const rename = useForm(async ({ name = "" }) => {
    const result = await auth.request(RENAME_PASSKEY, { id: passkey.id, name });
    if (result.status === "done") {
      setIsRenaming(false);
      reload();
    }
    return result;
  });
  const remove = useForm(async () => {
    const result = await run(() => auth.request(REMOVE_PASSKEY, { id: passkey.id }));
    if (result.status === "done") reload();
    return result;
  });
  return (
    <li>
      <div>
        <strong>{passkey.name || passkey.authenticator || "Passkey"}</strong>{" "}
        {passkey.isBackedUp && <Badge kind="muted">Synced</Badge>}
        <p className="hint">
          Added <Day at={passkey.createdAt} />
          {passkey.lastUsedAt && (
            <>
              , last used <Day at={passkey.lastUsedAt} />
            </>
          )}
        </p>
        <Refusal refused={rename.refused ?? remove.refused} fields={["name"]} />
      </div>
      <div className="buttons">
        <Button kind="quiet small" onClick={() => setIsRenaming(true)}>
          Rename<span className="visually-hidden"> {passkey.name}</span>
        </Button>
        <form {...remove.props}>
          <Button kind="secondary small" isPending={remove.isPending}>
            Remove<span className="visually-hidden"> {passkey.name}</span>
          </Button>
        </form>
      </div>
      {isRenaming && (
        <Dialog title="Rename the passkey" onClose={() => setIsRenaming(false)}>
          <form {...rename.props} className="stack">
            <Field label="Name" name="name" defaultValue={passkey.name} errors={rename.refused?.fieldErrors.name} />
            <Button isPending={rename.isPending}>Save</Button>
          </form>
        </Dialog>
      )}
    </li>
  );
}

function Providers() {
  const run = useRun();
  const options = useOptions();
  const { identities, reload } = useIdentities();
  if (!identities) return null;
  return (
    <Section title="Other accounts" intro="Sign in with an account that you have elsewhere.">
      <ul className="rows">
        {options.providers.map(({ name, label }) => (
          <ProviderRow
            key={name}
            label={label}
            identities={identities.filter(({ provider }) => provider === name)}
            reload={reload}
            link={() =>
              run(() => providers.start({ provider: name, purpose: "LINK", redirectTo: `${location.origin}/provider` }))
            }
          />
        ))}
      </ul>
    </Section>
  );
}

function ProviderRow({
  label,
  identities,
  reload,
  link,
}: {
  label: string;
  identities: Identity[];
  reload: () => void;
  link: () => Promise<{ status: string }>;
}) {
  const run = useRun();
  const linking = useForm(link);
  const unlinking = useForm(async ({ id }) => {
    const result = await run(() => auth.request(UNLINK, { id }));
    if (result.status === "done") reload();
    return result;
  });
  return (
    <li>
      <div>
        <strong>{label}</strong>
        <p className="hint">{identities.map(({ email }) => email).join(", ") || "Not linked"}</p>
        <Refusal refused={linking.refused ?? unlinking.refused} />
      </div>
      {identities[0] ? (
        <form {...unlinking.props}>
          <input type="hidden" name="id" value={identities[0].id} />
          <Button kind="secondary small" isPending={unlinking.isPending}>
            Unlink<span className="visually-hidden"> {label}</span>
          </Button>
        </form>
      ) : (
        <form {...linking.props}>
          <Button kind="secondary small" isPending={linking.isPending}>
            Link<span className="visually-hidden"> {label}</span>
          </Button>
        </form>
      )}
    </li>
  );
}
