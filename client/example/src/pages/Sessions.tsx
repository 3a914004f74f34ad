import type { Event, EventKind, Session } from "auth-gateway-client";
import { useState } from "react";
import { useQuery } from "urql";
import { auth } from "../auth.ts";
import { Badge, Button, Heading, Moment, Notice, Refusal, Section, useForm } from "../ui.tsx";

const SESSIONS = `query Sessions { me { id sessions { id deviceName userAgent ipAddress createdAt lastUsedAt expiresAt isCurrent }
  events(first: 12) { edges { node { id kind at ipAddress userAgent } } } } }`;
const END = `mutation EndSession($id: ID!) { endSession(id: $id) { ended } }`;
const END_OTHERS = `mutation EndOtherSessions { endAllSessions(keepCurrent: true) { endedSessions } }`;

interface Answer {
  me: { sessions: Session[]; events: { edges: { node: Event }[] } } | null;
}

export function Sessions() {
  const [{ data, error }, execute] = useQuery<Answer>({ query: SESSIONS, requestPolicy: "cache-and-network" });
  const [ended, setEnded] = useState<number | null>(null);
  const reload = () => execute({ requestPolicy: "network-only" });
  const others = useForm(async () => {
    const result = await auth.request<{ endAllSessions: { endedSessions: number } }>(END_OTHERS);
    if (result.status === "done") {
      setEnded(result.data.endAllSessions.endedSessions);
      reload();
    }
    return result;
  });
  const sessions = data?.me?.sessions ?? [];
  return (
    <>
      <Heading intro="Where you are signed in, and what happened to your account.">Sessions</Heading>
      {error && <Notice kind="bad">The sessions cannot be loaded. Try again later.</Notice>}
      <Section title="Devices">
        <ul className="rows">
          {sessions.map((session) => (
            <SessionRow key={session.id} session={session} onEnded={reload} />
          ))}
        </ul>
        <form {...others.props} className="actions">
          <Button kind="secondary" isPending={others.isPending} disabled={sessions.length < 2}>
            Sign out all other devices
          </Button>
          {ended !== null && <Notice>Sessions ended: {ended}.</Notice>}
          <Refusal refused={others.refused} />
        </form>
      </Section>
      <Section title="Recent activity">
        <ul className="rows compact">
          {data?.me?.events.edges.map(({ node }) => (
            <li key={node.id}>
              <div>
                {describe(node.kind)}
                <p className="hint">{[device(node.userAgent), node.ipAddress].filter(Boolean).join(" · ")}</p>
              </div>
              <span className="hint">
                <Moment at={node.at} />
              </span>
            </li>
          ))}
        </ul>
      </Section>
    </>
  );
}

function SessionRow({ session, onEnded }: { session: Session; onEnded: () => void }) {
  const form = useForm(async () => {
    const result = await auth.request(END, { id: session.id });
    if (result.status === "done") onEnded();
    return result;
  });
  const name = session.deviceName || device(session.userAgent) || "Unknown device";
  return (
    <li>
      <div>
        <strong>{name}</strong> {session.isCurrent && <Badge kind="good">This device</Badge>}
        <p className="hint">
          {session.ipAddress && `${session.ipAddress} · `}last used <Moment at={session.lastUsedAt} />
        </p>
        <Refusal refused={form.refused} />
      </div>
      {!session.isCurrent && (
        <form {...form.props}>
          <Button kind="secondary small" isPending={form.isPending}>
            Sign out<span className="visually-hidden"> {name}</span>
          </Button>
        </form>
      )}
    </li>
  );
}

/** Return a name for a User-Agent header, such as "Chrome on Windows". */
function device(userAgent: string): string {
  const browser = /Edg|OPR|Firefox|Chrome|Safari/.exec(userAgent)?.[0];
  const system = /Android|iPhone|iPad|Windows|Mac OS|Linux/.exec(userAgent)?.[0];
  const known = { Edg: "Edge", OPR: "Opera" }[browser ?? ""] ?? browser;
  return known && system ? `${known} on ${system}` : (known ?? system ?? userAgent.slice(0, 40));
}

/** Return words for a kind of event, also for kinds of a later gateway. */
function describe(kind: EventKind): string {
  const words = kind.toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
