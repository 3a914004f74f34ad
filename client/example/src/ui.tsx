/** The parts that pages are made of. */

import type { FieldError, Refused } from "auth-gateway-client";
import { type ComponentProps, type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";

type Values = Record<string, string>;

/** Submits a form, and keeps what was refused. Focus goes to the first field with an error. */
export function useForm(submit: (values: Values, form: HTMLFormElement) => Promise<{ status: string } | void>) {
  const [refused, setRefused] = useState<Refused | null>(null);
  const [isPending, setIsPending] = useState(false);
  const form = useRef<HTMLFormElement>(null);

  async function onSubmit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (isPending) return;
    setIsPending(true);
    const result = await submit(Object.fromEntries(new FormData(event.currentTarget)) as Values, event.currentTarget);
    setIsPending(false);
    setRefused(result?.status === "refused" ? (result as Refused) : null);
  }

  useEffect(() => {
    if (refused) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [refused]);

  return { props: { onSubmit, ref: form, noValidate: true }, refused, isPending };
}

export function Field({
  label,
  hint,
  errors,
  ...input
}: { label: string; hint?: ReactNode; errors?: FieldError[] | undefined } & ComponentProps<"input">) {
  const id = useId();
  const described = [hint && `${id}-hint`, errors && `${id}-errors`].filter(Boolean).join(" ");
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        required
        aria-invalid={errors ? true : undefined}
        aria-describedby={described || undefined}
        {...input}
      />
      {errors && (
        <p id={`${id}-errors`} className="error">
          {errors.map(({ message }) => message).join(" ")}
        </p>
      )}
      {hint && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
    </div>
  );
}

/** A password that can be shown. */
export function PasswordField(props: ComponentProps<typeof Field>) {
  const [isShown, setIsShown] = useState(false);
  return (
    <div className="password">
      <Field {...props} type={isShown ? "text" : "password"} autoCapitalize="none" spellCheck={false} />
      <button type="button" className="reveal" aria-pressed={isShown} onClick={() => setIsShown(!isShown)}>
        {isShown ? "Hide" : "Show"}
        <span className="visually-hidden"> {props.label.toLowerCase()}</span>
      </button>
    </div>
  );
}

export function Button({
  isPending,
  kind = "primary",
  children,
  ...rest
}: ComponentProps<"button"> & { isPending?: boolean; kind?: string }) {
  return (
    <button className={`button ${kind}`} aria-disabled={isPending} {...rest}>
      {isPending && <span className="spinner" aria-hidden="true" />}
      {children}
    </button>
  );
}

/** What was refused, unless it stands beside a field. */
export function Refusal({ refused, fields = [] }: { refused: Refused | null; fields?: string[] }) {
  const isBesideField = refused && Object.keys(refused.fieldErrors).some((name) => fields.includes(name));
  return <div role="alert">{refused && !isBesideField && <p className="notice bad">{refused.message}</p>}</div>;
}

export function Notice({ kind = "good", children }: { kind?: "good" | "bad" | "info"; children: ReactNode }) {
  return (
    <p role="status" className={`notice ${kind}`}>
      {children}
    </p>
  );
}

/** The heading of a page. It gets the focus when the page changes, so that screen readers announce it. */
export function Heading({ children, intro }: { children: string; intro?: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${children} · Harbor`;
    heading.current?.focus();
  }, [children]);
  return (
    <div className="heading">
      <h1 ref={heading} tabIndex={-1}>
        {children}
      </h1>
      {intro && <p>{intro}</p>}
    </div>
  );
}

export function Section({ title, intro, children }: { title: string; intro?: ReactNode; children: ReactNode }) {
  const id = useId();
  return (
    <section className="card" aria-labelledby={id}>
      <div className="section-head">
        <h2 id={id}>{title}</h2>
        {intro && <p>{intro}</p>}
      </div>
      {children}
    </section>
  );
}

export const Badge = ({ kind, children }: { kind: "good" | "muted" | "warn"; children: ReactNode }) => (
  <span className={`badge ${kind}`}>{children}</span>
);

const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const MINUTE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export const Day = ({ at }: { at: string }) => <time dateTime={at}>{DAY.format(new Date(at))}</time>;
export const Moment = ({ at }: { at: string }) => <time dateTime={at}>{MINUTE.format(new Date(at))}</time>;

export function Logo() {
  return (
    <span className="logo">
      <img src="/icon.svg" alt="" width="28" height="28" />
      Harbor
    </span>
  );
}

/** A modal dialog. Escape closes it. */
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}
